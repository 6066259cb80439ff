//! Reads what sysfs says of SR-IOV: the PF's attributes and its VFs.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::{SriovFacts, VfFacts, iommu, read};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// How long a look at the count may take: whoever writes it holds the lock that readers need (Linux
/// 6.12 drivers/pci/iov.c, `sriov_numvfs_show`), and a check gives up on a writer long before.
const LIMIT: Duration = Duration::from_secs(90);

/// What sysfs says of SR-IOV now; `None` where the kernel sees no usable capability.
pub async fn sriov(host: &dyn Host, bdf: Bdf) -> io::Result<Option<SriovFacts>> {
    if !offered(host, bdf).await? {
        return Ok(None);
    }
    let file = |name: &str| sysfs::attribute(bdf, &format!("sriov_{name}"));
    Ok(Some(SriovFacts {
        totalvfs: read::decimal(host, &file("totalvfs")).await?,
        numvfs: count(host, &file("numvfs")).await?,
        offset: read::decimal(host, &file("offset")).await?,
        stride: read::decimal(host, &file("stride")).await?,
        vf_device: read::hex(host, &file("vf_device")).await?,
        drivers_autoprobe: read::decimal::<u8>(host, &file("drivers_autoprobe")).await? != 0,
    }))
}

async fn count(host: &dyn Host, file: &str) -> io::Result<u16> {
    let Ok(count) = timeout(LIMIT, read::decimal(host, file)).await else {
        let error = format!(
            "{file}: no answer within {} s: a writer of it is stuck in the kernel; see `dmesg`, and reboot the machine",
            LIMIT.as_secs()
        );
        return Err(io::Error::new(io::ErrorKind::TimedOut, error));
    };
    count
}

/// Whether the kernel offers to create VFs.
pub(super) async fn offered(host: &dyn Host, bdf: Bdf) -> io::Result<bool> {
    Ok(
        read::optional(host, &sysfs::attribute(bdf, "sriov_totalvfs"))
            .await?
            .is_some(),
    )
}

/// The virtual functions of a PF as they are now, by index.
pub async fn vfs(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<VfFacts>> {
    let names = read::names(host, &sysfs::device(bdf)).await?;
    let mut indices: Vec<u16> = names
        .iter()
        .filter_map(|name| name.strip_prefix("virtfn")?.parse().ok())
        .collect();
    indices.sort_unstable();
    let mut all = Vec::with_capacity(indices.len());
    for index in indices {
        // A VF may go between the two looks; then it is not there.
        if let Some(vf) = function(host, bdf, index).await? {
            all.push(vf);
        }
    }
    Ok(all)
}

async fn function(host: &dyn Host, pf: Bdf, index: u16) -> io::Result<Option<VfFacts>> {
    let target = read::target(host, &sysfs::attribute(pf, &format!("virtfn{index}"))).await?;
    let Some(bdf) = target.and_then(|name| name.parse().ok()) else {
        return Ok(None);
    };
    Ok(Some(VfFacts {
        index,
        bdf,
        driver: driver_name(host, bdf).await?,
        iommu_group: iommu::iommu_group_number(host, bdf).await?,
    }))
}

/// The name of the driver that is bound to a PCI function now.
pub async fn driver_name(host: &dyn Host, bdf: Bdf) -> io::Result<Option<String>> {
    read::target(host, &sysfs::attribute(bdf, "driver")).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{IGB, Recorded, lab, lab_with_vfs, run};

    const FOLDER: &str = "/sys/devices/pci0000:00/0000:00:05.0/0000:01:00.0";

    fn read(machine: &Recorded) -> Vec<VfFacts> {
        run(vfs(machine, IGB.parse().unwrap())).unwrap()
    }

    #[test]
    fn the_lab_before_and_with_vfs() {
        let bdf = IGB.parse().unwrap();
        let before = run(sriov(&lab(), bdf)).unwrap().unwrap();
        assert_eq!(
            (before.totalvfs, before.numvfs, before.vf_device),
            (7, 0, 0x10ca)
        );
        assert_eq!(
            run(sriov(&lab_with_vfs(), bdf)).unwrap(),
            Some(SriovFacts {
                numvfs: 2,
                ..before
            })
        );
        assert_eq!(read(&lab()), []);
        let expected = |index, bdf: &str, group| VfFacts {
            index,
            bdf: bdf.parse().unwrap(),
            driver: Some("igbvf".to_owned()),
            iommu_group: Some(group),
        };
        assert_eq!(
            read(&lab_with_vfs()),
            [
                expected(0, "0000:01:10.0", 12),
                expected(1, "0000:01:10.2", 13)
            ]
        );
    }

    #[test]
    fn a_kernel_without_the_attributes_offers_nothing() {
        assert_eq!(
            run(sriov(&lab(), "0000:00:05.0".parse().unwrap())).unwrap(),
            None
        );
    }

    #[test]
    fn vfs_are_sorted_by_number_and_may_vanish() {
        let machine = lab_with_vfs()
            .link_to(&format!("{FOLDER}/virtfn10"), "../0000:01:11.4")
            .refuses(&format!("{FOLDER}/virtfn2"), nix::errno::Errno::ENOENT);
        let indices: Vec<u16> = read(&machine).iter().map(|vf| vf.index).collect();
        assert_eq!(indices, [0, 1, 10]);
    }
}
