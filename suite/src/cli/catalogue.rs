//! `checks` and `faults`: what the suite asks, and what it must catch.

use std::fmt::Write;

use harness::check::Check;
use harness::simulator::Fault;

use super::output;
use crate::checks;
use crate::faults;

pub(super) fn checks() -> anyhow::Result<u8> {
    let mut text = String::new();
    for check in checks::ALL {
        let needs: Vec<&str> = check.needs.iter().map(|need| need.name()).collect();
        let findings: Vec<&str> = check.findings.iter().map(|finding| finding.code).collect();
        let needs = if needs.is_empty() {
            "nothing".into()
        } else {
            needs.join(", ")
        };
        let _ = writeln!(
            text,
            "{}\n  proves    {}\n  needs     {needs}\n{}",
            check.id,
            check.proves,
            limit(check)
        );
        let _ = writeln!(
            text,
            "  finds     {}\n  source    {}\n",
            findings.join(", "),
            check.source
        );
    }
    output::print(text.trim_end())?;
    Ok(0)
}

/// How long it may take; for one that goes on after restarts, in each boot.
fn limit(check: &Check) -> String {
    let seconds = check.limit.as_secs();
    match check.parts.len() {
        0 | 1 => format!("  limit     {seconds} s"),
        2 => format!("  restarts  the machine once\n  limit     {seconds} s in each boot"),
        parts => format!(
            "  restarts  the machine {} times\n  limit     {seconds} s in each boot",
            parts - 1
        ),
    }
}

pub(super) fn faults() -> anyhow::Result<u8> {
    let mut text = String::new();
    for row in faults::table() {
        let name = Fault::name(row.fault);
        let _ = writeln!(
            text,
            "{name}\n  is        {}\n  on        {}\n  caught by {}\n",
            row.fault.what(),
            row.profile,
            row.globs().collect::<Vec<_>>().join(", ")
        );
    }
    output::print(text.trim_end())?;
    Ok(0)
}
