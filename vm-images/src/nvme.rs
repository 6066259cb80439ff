//! The lab's `NVMe` controller and its namespaces.

use std::ops::RangeInclusive;

/// The controller's serial number.
pub const NVME_SERIAL: &str = "LAB0";

/// How many VFs it has where the caller has no wish.
pub const NVME_VFS: u8 = 4;

/// What QEMU keeps for the primary controller: queue pairs for data, and vectors. Its rules ask for the admin queues and one
/// pair more at least, and for one vector (hw/nvme/ctrl.c, `nvme_check_params`).
const PRIMARY_QUEUES: u16 = 10;
const PRIMARY_VECTORS: u16 = 9;

/// The namespaces that a run may overwrite: one for each VF, but two at least, so that one has a neighbour. No controller is
/// attached to them.
pub fn scratch_namespaces(vfs: u8) -> RangeInclusive<u32> {
    2..=u32::from(vfs.max(2)) + 1
}

/// All of them: the first is the primary controller's own.
pub(crate) fn namespaces(vfs: u8) -> RangeInclusive<u32> {
    1..=*scratch_namespaces(vfs).end()
}

/// The controller with the flexible resources of two VQ and one VI for each VF, as many as QEMU's rules ask for. The other
/// numbers count what is flexible too.
pub(crate) fn controller(vfs: u8) -> String {
    let vfs = u16::from(vfs);
    let (queues, vectors) = (2 * vfs, vfs);
    let pairs = queues + PRIMARY_QUEUES;
    let table = vectors + PRIMARY_VECTORS;
    format!(
        "-device nvme-subsys,id=subsystem \
         -device nvme,id=nvme,bus=port3,serial={NVME_SERIAL},subsys=subsystem,sriov_max_vfs={vfs},\
         sriov_vq_flexible={queues},sriov_vi_flexible={vectors},max_ioqpairs={pairs},msix_qsize={table}"
    )
}

/// A namespace, whose blocks are those of the drive with that name.
pub(crate) fn namespace(nsid: u32, drive: &str) -> String {
    // QEMU attaches each new controller to what is shared and not detached, and nobody would detach it with its VF.
    let kind = if nsid == 1 {
        "shared=off"
    } else {
        "shared=on,detached=on"
    };
    format!("-device nvme-ns,drive={drive},bus=nvme,nsid={nsid},{kind}")
}

#[cfg(test)]
mod tests {
    use super::{controller, namespaces, scratch_namespaces};

    #[test]
    fn qemu_has_what_its_rules_ask_for() {
        insta::assert_snapshot!([1, 4, 32].map(controller).join("\n"));
    }

    #[test]
    fn each_vf_has_a_namespace_and_one_has_a_neighbour() {
        let scratch = [1, 2, 4, 32].map(scratch_namespaces);
        assert_eq!(scratch, [2..=3, 2..=3, 2..=5, 2..=33]);
        assert_eq!(namespaces(4), 1..=5);
    }
}
