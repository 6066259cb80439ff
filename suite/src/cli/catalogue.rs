//! `checks` and `faults`: what the suite asks, and what it must catch.

use std::fmt::Write;

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
            "{}\n  proves    {}\n  needs     {needs}\n  limit     {} s",
            check.id,
            check.proves,
            check.limit.as_secs()
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

pub(super) fn faults() -> anyhow::Result<u8> {
    let mut text = String::new();
    for row in faults::TABLE {
        let name = Fault::name(row.fault);
        let _ = writeln!(
            text,
            "{name}\n  is        {}\n  on        {}\n  caught by {}\n",
            row.fault.what(),
            row.profile,
            row.caught_by.join(", ")
        );
    }
    output::print(text.trim_end())?;
    Ok(0)
}
