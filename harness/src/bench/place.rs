//! Where something is: on this machine, in a guest of it, or on another one.

use std::rc::Rc;

use super::{GUEST_LOST, PARTNER_SILENT, Running};
use crate::finding::{Finding, Problem};
use crate::machine::Host;

/// A machine on which this program can be run.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) host: Rc<dyn Host>,
    /// Its prompt in a transcript.
    pub(super) prompt: String,
    /// What it means that it does not answer, where it is another one.
    lost: Option<&'static Finding>,
}

impl Place {
    pub(super) fn here(host: &Rc<dyn Host>) -> Self {
        Self {
            host: host.clone(),
            prompt: String::new(),
            lost: None,
        }
    }

    pub(super) fn guest(guest: &Running) -> Self {
        Self {
            host: guest.host.clone(),
            prompt: guest.name().to_owned(),
            lost: Some(&GUEST_LOST),
        }
    }

    pub(super) fn partner(host: Rc<dyn Host>) -> Self {
        Self {
            host,
            prompt: "partner".to_owned(),
            lost: Some(&PARTNER_SILENT),
        }
    }

    /// A machine that does not answer is named; on this one it is the step that had no answer.
    pub(super) fn blame(&self, problem: Problem) -> Problem {
        match self.lost {
            None => problem,
            Some(lost) => problem.instead_of_silence(lost, &self.prompt),
        }
    }
}
