//! A rule of udev makes virtual functions when the machine restarts: as many as it asks for, and on no
//! other adapter.
//!
//! The rule is that of the source, narrowed to the adapter's address: without that it acts on every port
//! that the same driver drives.
//!
//! Source: RHEL 9, 14.7.2, step 4.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS, listed};
use harness::check::{Answer, Check, Finding};
use harness::pci::Bdf;
use harness::require;

use super::{NEEDS, come_up};

const LOST: Finding = Finding::device(
    "vfs-lost-at-restart",
    "The rule of udev was in place, but after the restart this adapter has no VFs.",
    "Read `journalctl -b -u systemd-udevd` for the rule's write. The rule's file must sort after 80-net-setup-link.rules, which sets ID_NET_DRIVER; \
     a driver that starts from the initramfs needs the rule there too (`dracut -f`); bnx2x refuses while the interface is down, and needs a unit that comes after the network instead.",
)
.on_debian(
    "Read `journalctl -b -u systemd-udevd` for the rule's write. The rule's file must sort after 80-net-setup-link.rules, which sets ID_NET_DRIVER; \
     a driver that starts from the initramfs needs the rule there too (`update-initramfs -u`); bnx2x refuses while the interface is down, and needs a unit that comes after the network instead.",
);
const ELSEWHERE: Finding = Finding::device(
    "vfs-on-another-port",
    "The rule names one adapter, but after the restart another one has more VFs than before.",
    "Look for the writer: `grep -r sriov_numvfs /etc/udev/rules.d /usr/lib/udev/rules.d /etc/systemd/system`; a rule needs KERNELS==\"<address>\" to act on one port only.",
);
const COMPLAINED: Finding = Finding::device(
    "kernel-complained-at-boot",
    "The VFs are there, but while the machine started the kernel logged a warning, a bus error or an IOMMU fault about the adapter, its VFs or their drivers.",
    "Read the lines with `journalctl -k -b`. Where the driver's maintainers know them to be harmless, add a [[kernel_log]] entry with their word as reason to the profile.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "persist::udev_rule",
    proves: "a rule of udev makes virtual functions when the machine restarts, on this adapter only",
    source: "RHEL 9, 14.7.2, step 4",
    needs: NEEDS,
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: &[&LOST, &ELSEWHERE, &COMPLAINED, &COUNT_DIFFERS],
    parts: &[
        |bench| Box::pin(before(bench)),
        |bench| Box::pin(after(bench)),
    ],
};

/// How many VFs each other adapter has.
type Others = BTreeMap<Bdf, u16>;

async fn before(bench: &mut Bench) -> Answer {
    bench.install_vf_rule(bench.few()).await?;
    let others: Others = bench.vfs_of_others().await?;
    bench.carry(&others)
}

async fn after(bench: &mut Bench) -> Answer {
    come_up(bench).await?;
    let (wanted, found) = (bench.few(), bench.sriov().await?.numvfs);
    require!(
        bench,
        found > 0,
        LOST,
        "the rule asks for {wanted} VFs; after the restart there are {found}"
    );
    bench.expect_vfs(wanted).await?;
    let before: Others = bench.carried()?;
    let more = gained(&before, &bench.vfs_of_others().await?);
    require!(
        bench,
        more.is_empty(),
        ELSEWHERE,
        "other adapters with more VFs than before the restart: {}",
        listed(&more)
    );
    let vfs = bench.vfs().await?;
    let complaints = bench.complaints_since_boot(&vfs).await?;
    require!(
        bench,
        complaints.is_empty(),
        COMPLAINED,
        "what the kernel logged of this adapter while the machine started: {}",
        listed(&complaints)
    );
    Ok(())
}

/// The adapters that have more VFs than before. Fewer is no rule's doing: what was made by hand does
/// not outlast a restart.
fn gained(before: &Others, now: &Others) -> Vec<String> {
    let had = |bdf| before.get(bdf).copied().unwrap_or(0);
    let more = now.iter().filter(|(bdf, count)| **count > had(bdf));
    more.map(|(bdf, count)| format!("{bdf} (had {}, has {count})", had(bdf)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Others, gained};

    fn others(counts: &[(&str, u16)]) -> Others {
        let counts = counts.iter();
        counts
            .map(|(bdf, count)| (bdf.parse().unwrap(), *count))
            .collect()
    }

    #[test]
    fn only_more_vfs_than_before_count() {
        let before = others(&[("02:00.0", 0), ("03:00.0", 4), ("04:00.0", 1)]);
        let now = others(&[
            ("02:00.0", 2),
            ("03:00.0", 0),
            ("04:00.0", 1),
            ("05:00.0", 3),
        ]);
        let more = ["0000:02:00.0 (had 0, has 2)", "0000:05:00.0 (had 0, has 3)"];
        assert_eq!(gained(&before, &now), more);
        assert_eq!(gained(&before, &before), [""; 0]);
    }
}
