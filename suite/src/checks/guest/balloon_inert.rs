//! While a guest has a virtual function its balloon gives nothing back to the machine; without one it
//! does.
//!
//! Source: RHEL 9, 14.7.1, third drawback (the balloon of such a virtual machine cannot be used); QEMU hw/virtio/virtio-balloon.c,
//! `virtio_balloon_inhibited`.

use harness::bench::{Bench, Running};
use harness::check::{Answer, Check, Finding, Problem};
use harness::{handover_findings, require};

use super::plugged::{DETACH_REFUSED, GUEST_KEEPS, plug, unplug};
use super::{LIMIT, NEEDS, PATIENCE};

/// What the guest is to give up, in KiB: more than an emulator's own memory changes by itself.
const GIVEN_UP: u64 = 64 * 1024;

const GIVES_BACK: Finding = Finding::device(
    "balloon-not-inhibited",
    "A guest that has a VF gave memory back by its balloon. The VF still reaches the old pages, which belong to somebody else now.",
    "Do not balloon guests with VFs on this machine; update QEMU.",
);
const NO_BALLOON: Finding = Finding::bench(
    "balloon-does-not-work",
    "The balloon gives nothing back without a VF either, so nothing can be told of it with one.",
    "Read the guest's console in the transcript: it needs virtio_balloon.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "guest::balloon_inert",
    proves: "while a guest has a virtual function its balloon gives nothing back to the machine, and without one it does",
    source: "RHEL 9, 14.7.1, drawbacks",
    needs: NEEDS,
    limit: LIMIT,
    provokes: &[],
    findings: handover_findings![GIVES_BACK, NO_BALLOON, DETACH_REFUSED, GUEST_KEEPS],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let plugged = plug(bench).await?;
    let given = given_back(bench, &plugged.guest).await?;
    require!(
        bench,
        given < GIVEN_UP / 2,
        GIVES_BACK,
        "with a VF the guest gave up {GIVEN_UP} KiB, and the machine got {given} KiB"
    );
    unplug(bench, &plugged).await?;
    let given = given_back(bench, &plugged.guest).await?;
    require!(
        bench,
        given >= GIVEN_UP / 2,
        NO_BALLOON,
        "without a VF the guest gave up {GIVEN_UP} KiB, and the machine got {given} KiB"
    );
    Ok(())
}

/// How much less memory the emulator has once the guest has given up some, in KiB. The guest gets its
/// memory again.
async fn given_back(bench: &mut Bench, guest: &Running) -> Result<u64, Problem> {
    let all = u64::from(bench.guest_memory()) * 1024;
    let before = bench.memory_of(guest).await?.resident;
    bench.set_balloon(guest, all - GIVEN_UP, PATIENCE).await?;
    let after = bench.memory_of(guest).await?.resident;
    bench.set_balloon(guest, all, PATIENCE).await?;
    Ok(before.saturating_sub(after))
}
