//! The second PF of a run, with the same verbs.

use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use anyhow::Context;

use super::Bench;
use crate::facts::Facts;

/// A bench whose verbs are about the second PF and its VFs, until this is dropped: also where the check
/// is, because it takes too long. Guests are not for it: they are called after the first.
pub struct AtSecond<'a> {
    bench: &'a mut Bench,
    first: Rc<Facts>,
}

impl Bench {
    /// This bench at the second PF of the run.
    pub fn at_second(&mut self) -> anyhow::Result<AtSecond<'_>> {
        let first = self.facts.clone();
        let second = first.second.clone();
        self.facts = Rc::new(Facts {
            host: first.host.clone(),
            device: *second.context("this run has no second PF")?,
            second: None,
        });
        Ok(AtSecond { bench: self, first })
    }
}

impl Deref for AtSecond<'_> {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        self.bench
    }
}

impl DerefMut for AtSecond<'_> {
    fn deref_mut(&mut self) -> &mut Bench {
        self.bench
    }
}

impl Drop for AtSecond<'_> {
    fn drop(&mut self) {
        self.bench.facts = self.first.clone();
    }
}
