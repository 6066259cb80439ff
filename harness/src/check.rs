//! What a check is: one question about a device.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;

use crate::bench::Bench;
use crate::need::Need;

pub use crate::finding::{Answer, Blames, Finding, Problem};

/// One question about a device, asked by one function. A constant in a file of its own.
#[derive(Clone, Copy)]
pub struct Check {
    /// `area::property`; a contract, quoted by certificates.
    pub id: &'static str,
    /// What a pass proves, as the end of "it is proven that …".
    pub proves: &'static str,
    /// Where the requirement stands.
    pub source: &'static str,
    /// What must be there for the question to make sense.
    pub needs: &'static [Need],
    /// The longest it may take; beyond it the bench is blamed, since nobody knows who hung.
    pub limit: Duration,
    /// Text in kernel log lines that this check provokes on purpose.
    pub provokes: &'static [&'static str],
    /// Everything it can find, beside what every check can.
    pub findings: &'static [&'static Finding],
    /// Ask the question: one part for each boot of the machine that the check goes on in. Nearly
    /// all checks have one; between two of them the machine restarts.
    pub parts: &'static [Part],
}

/// What a check does in one boot of the machine.
pub type Part = for<'a> fn(&'a mut Bench) -> LocalBoxFuture<'a, Answer>;

impl Check {
    /// The part of the id before `::`.
    pub fn area(&self) -> &'static str {
        self.id.split("::").next().unwrap_or(self.id)
    }
}
