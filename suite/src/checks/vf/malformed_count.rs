//! What is no number is refused with EINVAL and changes nothing; every way to write a number counts.
//!
//! A write of no bytes at all is not tried: the kernel drops it before the attribute sees it
//! (Linux 6.12 fs/sysfs/file.c, `sysfs_kf_write`).
//!
//! Source: Linux 6.12 drivers/pci/iov.c, `sriov_numvfs_store`; lib/kstrtox.c, `kstrtou16` with base 0.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};
use nix::errno::Errno;

const ACCEPTED: Finding = Finding::device(
    "garbage-accepted",
    "A text that is no number was accepted as a number of VFs.",
    "Replace the kernel or the out-of-tree driver that reads sriov_numvfs so loosely.",
);
const OTHER_ERROR: Finding = Finding::device(
    "garbage-refused-otherwise",
    "A text that is no number was refused, but not with EINVAL.",
    "Replace the kernel or the out-of-tree driver that answers so.",
);
const NUMBER_REFUSED: Finding = Finding::device(
    "number-refused",
    "A number in one of the ways the kernel reads them was refused.",
    "Read the kernel log of this check; if it names no cause, replace the kernel or the out-of-tree driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::malformed_count",
    proves: "what is no number is refused with EINVAL and changes nothing, and every way to write a number counts",
    source: "Linux 6.12 drivers/pci/iov.c, sriov_numvfs_store",
    needs: &[Need::Sriov, Need::PfDriver],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![COUNT_DIFFERS, ACCEPTED, OTHER_ERROR, NUMBER_REFUSED],
    parts: &[|bench| Box::pin(run(bench))],
};

/// The end of a line is allowed once and at the end; a blank nowhere; 08 is no octal number.
const MALFORMED: &[&str] = &[
    "abc", "-1", "7x", " 3", "3 ", "1\n\n", "\n", "0x", "08", "1.0", TOO_LONG,
];
/// One more than fits.
const TOO_LONG: &str = "65536";
/// In this order they create and remove, so that each must have an effect.
const NUMBERS: &[(&str, u16)] = &[("0x1", 1), ("+00\n", 0)];

async fn run(bench: &mut Bench) -> Answer {
    bench.remove_vfs().await?;
    bench.set_autoprobe(false).await?;
    for text in MALFORMED {
        let attempt = bench.attempt_numvfs(text).await?;
        let seen = format!("{text:?}: {}", attempt.answer());
        require!(bench, attempt.error.is_some(), ACCEPTED, "{seen}");
        require!(
            bench,
            attempt.error.is_some_and(|errno| expected(text, errno)),
            OTHER_ERROR,
            "{seen}"
        );
    }
    bench.expect_vfs(0).await?;
    for (text, count) in NUMBERS {
        let attempt = bench.attempt_numvfs(text).await?;
        require!(
            bench,
            attempt.error.is_none(),
            NUMBER_REFUSED,
            "{text:?}: {}",
            attempt.answer()
        );
        bench.expect_vfs(*count).await?;
    }
    Ok(())
}

/// Before Linux 5.16 (commit 36f354ec7bf9, "PCI/sysfs: Return -EINVAL consistently from "store"
/// functions") the parser's own ERANGE for what does not fit came through.
fn expected(text: &str, errno: Errno) -> bool {
    errno == Errno::EINVAL || (text == TOO_LONG && errno == Errno::ERANGE)
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::{MALFORMED, NUMBERS, TOO_LONG, expected};

    /// What lib/kstrtox.c does for base 0, told in Rust.
    fn kstrtou16(text: &str) -> Option<u16> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let digits = text.strip_prefix('+').unwrap_or(text);
        let (digits, radix) = match digits.strip_prefix('0') {
            Some(rest) if rest.len() > 1 && rest.starts_with(['x', 'X']) => (&rest[1..], 16),
            Some(_) => (digits, 8),
            None => (digits, 10),
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        plain
            .then(|| u16::from_str_radix(digits, radix).ok())
            .flatten()
    }

    #[test]
    fn malformed_texts_are_malformed_and_numbers_are_numbers() {
        assert_eq!(
            MALFORMED.iter().find(|text| kstrtou16(text).is_some()),
            None
        );
        for (text, count) in NUMBERS {
            assert_eq!(kstrtou16(text), Some(*count), "{text:?}");
        }
    }

    #[test]
    fn only_what_does_not_fit_may_be_out_of_range() {
        assert!(expected(TOO_LONG, Errno::EINVAL) && expected(TOO_LONG, Errno::ERANGE));
        assert!(expected("abc", Errno::EINVAL) && !expected("abc", Errno::ERANGE));
        assert!(!expected("-1", Errno::EBUSY));
    }
}
