//! Whether as many VFs are there as there must be, wherever one looks.

use anyhow::Context;

use super::{Bench, Vf};
use crate::finding::{Answer, Finding};
use crate::pci::Bdf;
use crate::sysfs;

/// The places that tell how many VFs there are do not agree.
pub const COUNT_DIFFERS: Finding = Finding::device(
    "vf-count-differs",
    "The kernel's count, the `virtfn` links and the SR-IOV capability (`NumVFs`, `VF Enable`) do not all show the number of VFs expected.",
    "Read the kernel log of this check; a driver or a firmware that enables another number, or none, says so there. Update both.",
);
/// Removed VFs are still there.
pub const VFS_REMAIN: Finding = Finding::device(
    "removed-vfs-remain",
    "The VFs were removed, but their devices are still in sysfs.",
    "Read the kernel log of this check; look for a holder of the VF (`fuser -v /dev/vfio/*`, a bridge or bond over its interface) and update the driver.",
);

/// Things as a message lists them; no things are worth a word too.
pub fn listed<T: ToString>(things: impl IntoIterator<Item = T>) -> String {
    let list: Vec<String> = things.into_iter().map(|thing| thing.to_string()).collect();
    if list.is_empty() {
        "none".to_owned()
    } else {
        list.join(", ")
    }
}

/// VFs as a message names them.
pub fn named(vfs: &[Vf]) -> String {
    let name = |vf: &Vf| {
        let driver = vf.driver.as_deref().unwrap_or("no driver");
        let group = vf
            .iommu_group
            .map_or("no group".to_owned(), |group| format!("group {group}"));
        format!("{} ({driver}, {group})", vf.bdf)
    };
    listed(vfs.iter().map(name))
}

impl Bench {
    /// As many VFs as a check looks at where more would prove nothing more.
    pub fn few(&self) -> u16 {
        self.limit().min(2)
    }

    /// Requires that the kernel and the device both show exactly that many VFs.
    pub async fn expect_vfs(&mut self, wanted: u16) -> Answer {
        let (pf, counted) = (self.pf(), self.sriov().await?.numvfs);
        let links = self.vfs().await?.len();
        let read = self.capabilities_of(pf).await?.sriov;
        let capability = read.with_context(|| {
            format!("the SR-IOV capability of {pf} could not be read (root is needed)")
        })?;
        let (enabled, number) = (capability.vf_enable, capability.num_vfs);
        let agree = counted == wanted
            && links == usize::from(wanted)
            && number == wanted
            && enabled == (wanted > 0);
        let seen = format!(
            "numvfs {counted}, {links} virtfn links, NumVFs {number}, VF Enable {}",
            u8::from(enabled)
        );
        self.assert(
            agree,
            &COUNT_DIFFERS,
            format!("expected {wanted} VFs, found {seen}"),
        )
    }

    /// Requires that these VFs are gone from sysfs.
    pub async fn expect_gone(&mut self, vfs: &[Bdf]) -> Answer {
        let mut left = self
            .vfs()
            .await?
            .iter()
            .map(|vf| vf.bdf.to_string())
            .collect::<Vec<_>>();
        for vf in vfs {
            let folder = self.list(&sysfs::device(*vf)).await?;
            left.extend(folder.map(|_| vf.to_string()));
        }
        left.sort_unstable();
        left.dedup();
        let text = format!(
            "{} removed VFs, still in sysfs: {}",
            vfs.len(),
            listed(&left)
        );
        self.assert(left.is_empty(), &VFS_REMAIN, text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Vf, named};

    #[test]
    fn vfs_are_named_by_all_that_may_change() {
        let bdf = |text: &str| text.parse().unwrap();
        let bound = Vf {
            index: 0,
            bdf: bdf("0000:01:10.0"),
            driver: Some("igbvf".into()),
            iommu_group: Some(5),
        };
        let bare = Vf {
            index: 1,
            bdf: bdf("0000:01:10.2"),
            driver: None,
            iommu_group: None,
        };
        assert_eq!(
            named(&[bound, bare]),
            "0000:01:10.0 (igbvf, group 5), 0000:01:10.2 (no driver, no group)"
        );
        assert_eq!(named(&[]), "none");
    }
}
