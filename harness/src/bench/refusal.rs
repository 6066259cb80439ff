//! What libvirt refuses because of the machine, and not because of the VF.

use crate::finding::{Finding, Problem};
use crate::machine::Output;

/// The emulator may not lock as much memory as the guest has.
pub const MEMLOCK: Finding = Finding::bench(
    "locked-memory-limit",
    "The VF was refused because the emulator may not lock as much memory as the guest has.",
    "Raise the limit: `memtune/hard_limit` must not be set too low, and the unit of libvirt needs LimitMEMLOCK; root's libvirt raises it by itself.",
);
/// The machine does not let the emulator do what it must.
pub const NOT_PERMITTED: Finding = Finding::bench(
    "handover-not-permitted",
    "The VF was refused because this machine does not permit libvirt or the emulator what they must do.",
    "Look for a refusal by SELinux (`ausearch -m avc -ts recent`) or AppArmor (`dmesg`), and at the cgroup's devices; libvirt must run as root.",
);
/// libvirt's daemon went away, or is busy with something else.
pub const LIBVIRT_UNAVAILABLE: Finding = Finding::bench(
    "libvirt-unavailable",
    "libvirt's daemon went away or was busy with something else, so nothing can be told of the VF.",
    "Read `journalctl -u libvirtd` (or virtqemud), and let nobody else work on this guest.",
);

/// There is no room for a guest's files.
pub const DISK_FULL: Finding = Finding::bench(
    "disk-full",
    "There is no room on this machine's disk for what a guest starts with, or for what libvirt writes of it.",
    "Free some: a guest takes about 30 MB in /var/lib/libvirt/boot, one from an image also all that it writes, its memory once in /var/lib/libvirt/qemu/save, and its console and log in /var/log/libvirt/qemu.",
);

/// What libvirt and QEMU say where the machine is at fault, and not the VF.
///
/// Source: libvirt src/util/virprocess.c, `virProcessSetMaxMemLock`; tools/virsh.c; src/conf/virdomainjob.c.
/// The others are the kernel's words for ENOMEM, EACCES, EPERM and ENOSPC, which QEMU and libvirt pass on.
const MACHINE_AT_FAULT: &[(&str, &Finding)] = &[
    ("cannot limit locked memory", &MEMLOCK),
    ("Cannot allocate memory", &MEMLOCK),
    ("Permission denied", &NOT_PERMITTED),
    ("Operation not permitted", &NOT_PERMITTED),
    ("failed to connect to the hypervisor", &LIBVIRT_UNAVAILABLE),
    ("Disconnected from", &LIBVIRT_UNAVAILABLE),
    ("state change lock", &LIBVIRT_UNAVAILABLE),
    ("No space left on device", &DISK_FULL),
];

/// A refusal that is the machine's fault, as a problem.
pub(super) fn not_the_machines(output: &Output, words: &[&str]) -> Result<(), Problem> {
    match machine_at_fault(&output.stderr) {
        None => Ok(()),
        Some(finding) => Err(Problem::Found {
            finding,
            message: refused(words, output),
        }),
    }
}

/// What `virsh` refused, in one line.
pub(super) fn refused(words: &[&str], output: &Output) -> String {
    let answer = output.stderr.replace('\n', "; ");
    format!("`virsh {}`: {answer}", words.join(" "))
}

/// What the answer of a command says of the machine, if anything.
pub(super) fn machine_at_fault(answer: &str) -> Option<&'static Finding> {
    let mut known = MACHINE_AT_FAULT.iter();
    let found = known.find(|(text, _)| answer.contains(text));
    found.map(|(_, finding)| *finding)
}

#[cfg(test)]
mod tests {
    use super::machine_at_fault;

    #[test]
    fn what_is_the_machines_fault_is_not_the_devices() {
        let code = |answer| machine_at_fault(answer).map(|finding| finding.code);
        let memlock = "error: internal error: unable to execute QEMU command 'device_add': vfio 0000:01:10.0: failed to setup container for group 11: memory listener initialization failed: Region pc.ram: vfio_container_dma_map(0x55d0, 0x100000, 0xff00000, 0x7f40) = -12 (Cannot allocate memory)";
        assert_eq!(code(memlock), Some("locked-memory-limit"));
        let labels = "error: internal error: unable to execute QEMU command 'device_add': vfio 0000:01:10.0: failed to open /dev/vfio/11: Permission denied";
        assert_eq!(code(labels), Some("handover-not-permitted"));
        let group = "error: internal error: unable to execute QEMU command 'device_add': vfio 0000:01:10.0: group 3 is not viable";
        assert_eq!(code(group), None);
    }
}
