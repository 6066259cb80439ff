//! What the lab host's image is made of: the files of `lab-host/` as data, and the exact commands that build it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

/// The Debian release the lab host runs.
const SUITE: &str = "trixie";

/// The root disk's size; the file is sparse, so what is not used costs nothing.
const ROOT_SIZE: &str = "3G";

/// The size of the NVMe namespace the lab's controller offers.
const NVME_SIZE: &str = "256M";

/// What the QEMU is called that emulates the lab host.
pub(crate) const EMULATOR: &str = "qemu-system-x86_64";

/// Every file of `lab-host/`: name and content. They travel in the binary, so that an installed one can build the image.
pub(crate) const FILES: [(&str, &str); 21] = [
    ("autologin.conf", include_str!("../lab-host/autologin.conf")),
    ("backports", include_str!("../lab-host/backports")),
    ("coldplug.conf", include_str!("../lab-host/coldplug.conf")),
    ("customize", include_str!("../lab-host/customize")),
    ("fstab", include_str!("../lab-host/fstab")),
    ("init", include_str!("../lab-host/init")),
    ("journald.conf", include_str!("../lab-host/journald.conf")),
    ("libvirtd.conf", include_str!("../lab-host/libvirtd.conf")),
    ("make-initramfs", include_str!("../lab-host/make-initramfs")),
    (
        "masked-generators",
        include_str!("../lab-host/masked-generators"),
    ),
    ("masked-units", include_str!("../lab-host/masked-units")),
    ("mend-emulator", include_str!("../lab-host/mend-emulator")),
    ("modprobe.conf", include_str!("../lab-host/modprobe.conf")),
    ("modules", include_str!("../lab-host/modules")),
    ("packages", PACKAGES),
    ("profile", include_str!("../lab-host/profile")),
    ("run-payload", include_str!("../lab-host/run-payload")),
    (
        "sriov-lab-restarting.service",
        include_str!("../lab-host/sriov-lab-restarting.service"),
    ),
    (
        "sriov-lab.service",
        include_str!("../lab-host/sriov-lab.service"),
    ),
    (
        "sriov-lab.target",
        include_str!("../lab-host/sriov-lab.target"),
    ),
    ("unpack-modules", include_str!("../lab-host/unpack-modules")),
];

const PACKAGES: &str = include_str!("../lab-host/packages");

/// The commands that build the image in `dir`, in order, each as its words.
///
/// `dir/recipe` must hold the files of `lab-host/`. A user who is not root builds in the user namespace mmdebstrap
/// makes for him; there the files belong to other ids, so what reads them runs in that namespace too.
pub fn build_steps(dir: &Path, as_root: bool) -> Vec<Vec<String>> {
    vec![
        bootstrap(dir),
        mend_emulator(dir),
        in_namespace(as_root, &make_disk(dir)),
        words(&["truncate", "--size", NVME_SIZE, &path(dir, "nvme.img")]),
    ]
}

fn bootstrap(dir: &Path) -> Vec<String> {
    let recipe = path(dir, "recipe");
    words(&[
        "env",
        // Debian's own initramfs is not booted; making it takes longer than all the rest (its kernel hook reads this).
        "INITRD=No",
        "mmdebstrap",
        "--variant=minbase",
        "--components=main",
        "--format=directory",
        "--aptopt=APT::Install-Recommends \"false\"",
        &format!(
            "--include={}",
            listed(PACKAGES).collect::<Vec<_>>().join(",")
        ),
        &format!("--setup-hook=sh '{recipe}/backports' \"$1\""),
        "--customize-hook=mkdir \"$1/usr/lib/sriov-lab\"",
        &format!("--customize-hook=sync-in '{recipe}' /usr/lib/sriov-lab"),
        "--customize-hook=chroot \"$1\" sh /usr/lib/sriov-lab/customize",
        SUITE,
        &path(dir, "rootfs"),
    ])
}

/// The QEMU that emulates the lab host, beside the one that is in it.
fn mend_emulator(dir: &Path) -> Vec<String> {
    let script = path(dir, "recipe/mend-emulator");
    let qemu = path(dir, "rootfs/usr/bin/qemu-system-x86_64");
    words(&["sh", &script, &qemu, &path(dir, EMULATOR)])
}

/// With a journal, as a distribution's installer makes it: without one a power cut leaves a file system that wants checking.
/// A small one, since little is written.
fn make_disk(dir: &Path) -> Vec<String> {
    let (rootfs, disk) = (path(dir, "rootfs"), path(dir, "root.img"));
    words(&[
        "mke2fs", "-q", "-F", "-t", "ext4", "-J", "size=16", "-d", &rootfs, &disk, ROOT_SIZE,
    ])
}

/// Puts `command` into mmdebstrap's user namespace unless the caller is root.
pub(crate) fn in_namespace(as_root: bool, command: &[String]) -> Vec<String> {
    let mut words = if as_root {
        Vec::new()
    } else {
        words(&["mmdebstrap", "--unshare-helper"])
    };
    words.extend_from_slice(command);
    words
}

/// A name for what this recipe builds: another recipe gets another name.
pub(crate) fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    build_steps(Path::new("/image"), true).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// The entries of a list file: its lines without comments and blank lines.
fn listed(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

pub(crate) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_what_a_person_would_type() {
        let steps = build_steps(Path::new("/cache/lab"), false);
        let text: Vec<_> = steps.iter().map(|step| step.join("\n  ")).collect();
        insta::assert_snapshot!(text.join("\n\n"));
    }

    #[test]
    fn root_needs_no_namespace() {
        assert_eq!(build_steps(Path::new("/c"), true)[2][0], "mke2fs");
        assert_eq!(
            build_steps(Path::new("/c"), false)[2][..2],
            ["mmdebstrap", "--unshare-helper"]
        );
    }

    #[test]
    fn a_list_ignores_comments_and_blank_lines() {
        assert_eq!(
            listed("# why\n\nudev\n  kmod \n").collect::<Vec<_>>(),
            ["udev", "kmod"]
        );
    }

    #[test]
    fn every_file_of_the_recipe_travels_in_the_binary() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab-host");
        let mut on_disk: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        on_disk.sort();
        assert_eq!(on_disk, FILES.map(|(name, _)| name));
    }
}
