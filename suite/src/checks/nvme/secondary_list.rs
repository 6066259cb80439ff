//! The controller lists one secondary controller for each virtual function: ids and VF numbers are unique and in order, and each is
//! offline and has nothing as long as nobody has given it anything.
//!
//! Source: NVM Express Base Specification, Secondary Controller List and Virtualization Enhancements.

use std::time::Duration;

use harness::bench::{Bench, IDENTIFY_FAILS};
use harness::check::{Answer, Check, Finding};
use harness::nvme::SecondaryController;
use harness::require;

use super::NEEDS;

const OUT_OF_ORDER: Finding = Finding::device(
    "nvme-secondary-list-out-of-order",
    "The secondary controllers' ids or VF numbers are not unique, not in order, or not of this controller: nobody can tell which virtual function has which controller.",
    "Compare the report with `nvme list-secondary`, and update the controller's firmware.",
);
const NOT_BARE: Finding = Finding::device(
    "nvme-secondary-not-bare",
    "A secondary controller is online or has resources although there are no virtual functions and nobody has given it any.",
    "If another program has given them, take them back with `nvme virt-mgmt --act=7`; else update the controller's firmware.",
);

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "nvme::secondary_list",
    proves: "the controller lists one secondary controller for each virtual function, in order, offline and without resources",
    source: "NVM Express Base Specification, Secondary Controller List",
    needs: NEEDS,
    limit: Duration::from_mins(2),
    provokes: &[],
    findings: &[&IDENTIFY_FAILS, &OUT_OF_ORDER, &NOT_BARE],
    parts: &[|bench| Box::pin(run(bench))],
};

async fn run(bench: &mut Bench) -> Answer {
    let primary = bench.identify_controller().await?.cntlid;
    let all = bench.secondaries().await?;
    let order = out_of_order(primary, &all);
    require!(
        bench,
        order.is_none(),
        OUT_OF_ORDER,
        "{} entries: {}",
        all.len(),
        order
            .as_deref()
            .unwrap_or("ids and VF numbers are in order")
    );
    for secondary in &all {
        require!(bench, secondary.is_bare(), NOT_BARE, "{secondary}");
    }
    Ok(())
}

/// What is wrong with the first entry that is.
fn out_of_order(primary: u16, all: &[SecondaryController]) -> Option<String> {
    let mut last = None;
    for (secondary, number) in all.iter().zip(1..) {
        let ascends = last.is_none_or(|last| secondary.scid > last);
        let owned = secondary.pcid == primary && secondary.scid != primary;
        if !ascends || !owned || secondary.vfn != number {
            return Some(format!(
                "entry {number} is {secondary}, the primary controller is {primary:#x}, the entry before is {last:x?}"
            ));
        }
        last = Some(secondary.scid);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{SecondaryController, out_of_order};

    fn list(ids: &[(u16, u16, u16)]) -> Option<String> {
        let entry = |(scid, pcid, vfn): &(u16, u16, u16)| SecondaryController {
            scid: *scid,
            pcid: *pcid,
            online: false,
            vfn: *vfn,
            nvq: 0,
            nvi: 0,
        };
        let all: Vec<_> = ids.iter().map(entry).collect();
        out_of_order(0, &all)
    }

    #[test]
    fn what_is_in_order_need_not_be_dense() {
        assert_eq!(list(&[(1, 0, 1), (2, 0, 2), (9, 0, 3)]), None);
        assert_eq!(list(&[]), None);
    }

    #[test]
    fn twice_back_or_of_another_is_told() {
        for wrong in [
            [(1, 0, 1), (1, 0, 2)],
            [(2, 0, 1), (1, 0, 2)],
            [(1, 0, 2), (2, 0, 1)],
            [(1, 0, 1), (2, 3, 2)],
            [(0, 0, 1), (1, 0, 2)],
            [(1, 0, 1), (2, 0, 1)],
        ] {
            assert!(list(&wrong).is_some(), "{wrong:?}");
        }
    }
}
