//! `lab --nvme-vfs N`: the shipped profile claims as many VFs as the lab's NVMe controller has where nobody says otherwise. With
//! another number it is certified by a copy that claims that number, under a name of its own.

use vm_images::NVME_VFS;

use super::super::usage;

/// The profile that comes with the program.
const SHIPPED: &str = "lab-nvme";
const TEXT: &str = include_str!("../../../../profiles/lab-nvme.toml");

/// A profile of its own for another number of VFs.
#[derive(Debug)]
pub(super) struct Copy {
    /// The file's name.
    pub(super) name: String,
    /// What stands in it.
    pub(super) text: String,
}

/// The copy, where one is needed. A run takes one profile that is not shipped, so that the lab's other devices are left out then.
pub(super) fn copy(vfs: u8, profile: Option<&str>) -> anyhow::Result<Option<Copy>> {
    if vfs == NVME_VFS {
        return Ok(None);
    }
    match profile {
        None | Some(SHIPPED) => Ok(Some(Copy::new(vfs))),
        Some(other) => Err(usage(format!(
            "--nvme-vfs {vfs} concerns the NVMe controller alone, which {other} is not for: leave out --profile, or name {SHIPPED}"
        ))),
    }
}

impl Copy {
    fn new(vfs: u8) -> Self {
        let claims = |vfs| [format!("total_vfs = {vfs}"), format!("sriov_max_vfs={vfs}")];
        let pairs = claims(NVME_VFS).into_iter().zip(claims(vfs));
        let replaced =
            |text: String, (shipped, own): (String, String)| text.replace(&shipped, &own);
        Self {
            name: format!("{SHIPPED}-{vfs}-vfs.toml"),
            text: pairs.fold(TEXT.to_owned(), replaced),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{TEXT, copy};

    #[test]
    fn the_copy_differs_in_that_claim_and_its_source() {
        let copy = copy(16, None).unwrap().unwrap();
        assert_eq!(copy.name, "lab-nvme-16-vfs.toml");
        let lines = TEXT.lines().zip(copy.text.lines());
        let changed: Vec<&str> = lines
            .filter(|(shipped, own)| shipped != own)
            .map(|(_, own)| own)
            .collect();
        assert_eq!(
            changed,
            [
                "total_vfs = 16",
                "total_vfs = \"the lab starts QEMU with sriov_max_vfs=16\""
            ]
        );
        assert_eq!(TEXT.lines().count(), copy.text.lines().count());
    }

    #[test]
    fn the_shipped_profile_is_for_the_number_that_nobody_chose() {
        assert!(copy(4, Some("intel-82576")).unwrap().is_none());
        assert!(copy(1, Some("lab-nvme")).unwrap().is_some());
        assert!(copy(1, Some("intel-82576")).is_err());
    }
}
