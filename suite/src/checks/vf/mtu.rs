//! The physical function takes the claimed MTU while virtual functions exist, and not a byte more.
//!
//! It goes back to 1500, not to the least: below 1280 the kernel would drop the interface's IPv6
//! addresses (Linux 6.12 net/ipv6/addrconf.c, `addrconf_notify`), which nobody could give back.
//!
//! Source: the profile's claim; Linux 6.12 net/core/dev.c, `dev_validate_mtu`.

use std::time::Duration;

use anyhow::Context;
use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::need::Need;
use harness::{creation_findings, require};

const REFUSED: Finding = Finding::device(
    "mtu-refused",
    "The PF refused an MTU that the vendor claims.",
    "Read the kernel log of this check; XDP programs and some switch modes lower the limit. Update the driver, or correct max_mtu in the profile.",
);
const IGNORED: Finding = Finding::device(
    "mtu-ignored",
    "An MTU was accepted without effect.",
    "Update the PF driver.",
);
const BEYOND_ACCEPTED: Finding = Finding::device(
    "mtu-beyond-accepted",
    "The PF accepted a larger MTU than the vendor claims; frames of that size may be lost without a word.",
    "Correct max_mtu in the profile if the vendor confirms the larger MTU; else update the PF driver.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "vf::mtu",
    proves: "the PF takes the claimed MTU while virtual functions exist, and not a byte more",
    source: "the profile's claim max_mtu",
    needs: &[
        Need::Nic,
        Need::Sriov,
        Need::PfDriver,
        Need::Netdev,
        Need::ClaimedMtu,
    ],
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: creation_findings![REFUSED, IGNORED, BEYOND_ACCEPTED],
    parts: &[|bench| Box::pin(run(bench))],
};

/// `ETH_DATA_LEN` of Linux `include/uapi/linux/if_ether.h`.
const STANDARD: u32 = 1500;

async fn run(bench: &mut Bench) -> Answer {
    let max = bench
        .profile
        .claims
        .max_mtu
        .context("the profile claims no max_mtu")?;
    bench.create_bare_vfs(1).await?;
    takes(bench, max).await?;
    let output = bench.attempt_mtu(max + 1).await?;
    let found = bench.net().await?.mtu;
    let refused = !output.success() && found == max;
    require!(
        bench,
        refused,
        BEYOND_ACCEPTED,
        "MTU {} over the claimed {max}: exit {}, {:?}, MTU is {found}",
        max + 1,
        output.status,
        output.stderr
    );
    takes(bench, STANDARD).await
}

async fn takes(bench: &mut Bench, mtu: u32) -> Answer {
    let output = bench.attempt_mtu(mtu).await?;
    require!(
        bench,
        output.success(),
        REFUSED,
        "MTU {mtu}: exit {}, {:?}",
        output.status,
        output.stderr
    );
    let found = bench.net().await?.mtu;
    require!(
        bench,
        found == mtu,
        IGNORED,
        "MTU was set to {mtu} and is {found}"
    );
    Ok(())
}
