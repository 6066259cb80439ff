//! Once the rule of udev is removed, the machine restarts without virtual functions.
//!
//! It restarts twice: with the rule, so that whatever copies rules has had its chance, and without.
//!
//! Source: RHEL 9, 14.7.2, step 4, whose rule an administrator must be able to take back.

use std::time::Duration;

use harness::bench::{Bench, COUNT_DIFFERS};
use harness::check::{Answer, Check, Finding};
use harness::require;

use super::{NEEDS, come_up};

const OUTLIVES: Finding = Finding::device(
    "rule-outlives-removal",
    "The rule was removed, but after the restart it is back, or there are VFs all the same: a copy of it acts, or someone else makes VFs.",
    "Look for a copy in the initramfs (`lsinitrd | grep rules.d`) and make that anew (`dracut -f`); \
     look for other writers: `grep -r sriov_numvfs /etc /usr/lib/udev/rules.d`, NetworkManager's sriov settings (`nmcli -f sriov connection show <name>`), a configuration management that restores files.",
)
.on_debian(
    "Look for a copy in the initramfs (`lsinitramfs /boot/initrd.img-$(uname -r) | grep rules.d`) and make that anew (`update-initramfs -u`); \
     look for other writers: `grep -r sriov_numvfs /etc /usr/lib/udev/rules.d`, NetworkManager's sriov settings (`nmcli -f sriov connection show <name>`), a configuration management that restores files.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "persist::removed",
    proves: "the machine restarts without virtual functions once the rule of udev is removed",
    source: "RHEL 9, 14.7.2, step 4",
    needs: NEEDS,
    limit: Duration::from_mins(5),
    provokes: &[],
    findings: &[&OUTLIVES, &COUNT_DIFFERS],
    parts: &[
        |bench| Box::pin(with_rule(bench)),
        |bench| Box::pin(take_back(bench)),
        |bench| Box::pin(without_rule(bench)),
    ],
};

async fn with_rule(bench: &mut Bench) -> Answer {
    bench.install_vf_rule(bench.few()).await
}

async fn take_back(bench: &mut Bench) -> Answer {
    come_up(bench).await?;
    if bench.sriov().await?.numvfs == 0 {
        let note = "the rule had made no VFs before it was removed: its file alone could come back";
        bench.log.note(note.into())?;
    }
    bench.remove_vf_rule().await
}

async fn without_rule(bench: &mut Bench) -> Answer {
    come_up(bench).await?;
    let rule = bench.vf_rule().await?;
    require!(
        bench,
        rule.is_none(),
        OUTLIVES,
        "the rule's file after its removal and a restart: {}",
        rule.as_deref().unwrap_or("none")
    );
    let found = bench.sriov().await?.numvfs;
    require!(
        bench,
        found == 0,
        OUTLIVES,
        "VFs after the rule's removal and a restart: {found}"
    );
    bench.expect_vfs(0).await
}
