//! Which `NVMe` namespaces hold something: mounted, swap, partitioned or claimed by LVM, dm-crypt or MD.

use std::io;

use crate::facts::read;
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// The block devices that the machine uses.
#[derive(Debug, Default)]
pub(super) struct Storage {
    uses: Vec<Use>,
}

/// A block device in use, and how, as the end of "… is".
#[derive(Debug, PartialEq, Eq)]
struct Use {
    device: String,
    how: String,
}

impl Storage {
    pub(super) async fn read(host: &dyn Host) -> io::Result<Self> {
        let mounts = read::optional(host, "/proc/mounts")
            .await?
            .unwrap_or_default();
        let swaps = read::optional(host, "/proc/swaps")
            .await?
            .unwrap_or_default();
        let command_line = read::optional(host, "/proc/cmdline")
            .await?
            .unwrap_or_default();
        let mut uses = parse_swaps(&swaps);
        for (source, point) in parse_mounts(&mounts) {
            let source = if source == "/dev/root" {
                root(&command_line)
            } else {
                source
            };
            uses.push(Use {
                device: device_name(host, &source).await,
                how: format!("mounted on {point}"),
            });
        }
        Ok(Self { uses })
    }

    /// Why the namespaces of a function must stay, one sentence a reason.
    pub(super) async fn reasons(&self, host: &dyn Host, bdf: Bdf) -> io::Result<Vec<String>> {
        let mut reasons = Vec::new();
        for namespace in namespaces(host, bdf).await? {
            let folder = format!("/sys/class/block/{namespace}");
            let partitions = partitions(&namespace, read::names(host, &folder).await?);
            if !partitions.is_empty() {
                reasons.push(format!(
                    "{namespace} is partitioned ({})",
                    partitions.join(", ")
                ));
            }
            for device in std::iter::once(namespace).chain(partitions) {
                reasons.extend(self.uses_of(&device));
                let holders =
                    read::names(host, &format!("/sys/class/block/{device}/holders")).await?;
                reasons.extend(
                    holders
                        .iter()
                        .map(|holder| format!("{device} is part of {holder}")),
                );
            }
        }
        Ok(reasons)
    }

    fn uses_of(&self, device: &str) -> impl Iterator<Item = String> {
        let uses = self.uses.iter().filter(move |used| used.device == device);
        uses.map(|used| format!("{} is {}", used.device, used.how))
    }
}

/// What the machine has on the namespaces of a function just now, one sentence each, which begins with the block device's name.
pub(crate) async fn namespaces_in_use(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<String>> {
    Storage::read(host).await?.reasons(host, bdf).await
}

/// The block devices of a function's namespaces, by the names under which they are used.
async fn namespaces(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<String>> {
    let folder = sysfs::attribute(bdf, "nvme");
    let mut all = Vec::new();
    for controller in read::names(host, &folder).await? {
        let names = read::names(host, &format!("{folder}/{controller}")).await?;
        all.extend(names.iter().filter_map(|name| parse_namespace(name)));
    }
    Ok(all)
}

/// `nvme0n1` is a namespace. Under multipath `nvme0c1n1` is the hidden way to it through
/// controller 1, and `nvme0n1` what is mounted (Linux 6.12 `drivers/nvme/host/core.c`, `nvme_alloc_ns`).
pub(crate) fn parse_namespace(name: &str) -> Option<String> {
    let (subsystem, namespace) = name.strip_prefix("nvme")?.rsplit_once('n')?;
    let subsystem = subsystem
        .split_once('c')
        .map_or(subsystem, |(subsystem, _)| subsystem);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(subsystem) && is_number(namespace)).then(|| format!("nvme{subsystem}n{namespace}"))
}

/// The partitions of a namespace among the names in its folder.
fn partitions(namespace: &str, names: Vec<String>) -> Vec<String> {
    let is_partition = |name: &String| {
        name.strip_prefix(namespace)
            .is_some_and(|rest| rest.starts_with('p'))
    };
    names.into_iter().filter(is_partition).collect()
}

/// Source and mount point of everything that is mounted from a device.
fn parse_mounts(text: &str) -> Vec<(String, String)> {
    let mounts = text.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        Some((unescaped(fields.next()?), unescaped(fields.next()?)))
    });
    mounts
        .filter(|(source, _)| source.starts_with("/dev/"))
        .collect()
}

fn parse_swaps(text: &str) -> Vec<Use> {
    let names = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_whitespace().next()?.strip_prefix("/dev/"));
    names
        .map(|name| Use {
            device: unescaped(name),
            how: "swap space".to_owned(),
        })
        .collect()
}

/// Blanks and the like are written as a backslash and three octal digits (Linux `fs/proc_namespace.c`, `mangle`).
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let octal = part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match octal {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => plain.extend(['\\'].into_iter().chain(part.chars())),
        }
    }
    plain
}

/// What the kernel itself has mounted without an initramfs is called `/dev/root` (Linux `init/do_mounts.c`).
fn root(command_line: &str) -> String {
    let value = command_line
        .split_whitespace()
        .rev()
        .find_map(|word| word.strip_prefix("root="));
    value.unwrap_or_default().to_owned()
}

/// A source such as `/dev/disk/by-uuid/…` is a link to the device; most are no links (EINVAL).
async fn device_name(host: &dyn Host, source: &str) -> String {
    let target = host
        .link(source)
        .await
        .unwrap_or_else(|_| source.to_owned());
    target.rsplit('/').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{NVME, Recorded, lab, run};

    fn reasons(machine: &Recorded) -> Vec<String> {
        run(async {
            Storage::read(machine)
                .await?
                .reasons(machine, NVME.parse().unwrap())
                .await
        })
        .unwrap()
    }

    #[test]
    fn the_namespace_of_the_lab_is_free() {
        assert_eq!(reasons(&lab()), Vec::<String>::new());
    }

    #[test]
    fn mounted_under_its_own_name_although_sysfs_shows_the_path_to_it() {
        assert_eq!(
            reasons(&lab().file("/proc/mounts", "/dev/nvme0n1 /a\\040b xfs rw 0 0\n")),
            ["nvme0n1 is mounted on /a b"]
        );
    }

    #[test]
    fn mounted_by_a_link_or_by_the_kernel_itself() {
        let by_link = lab()
            .file("/proc/mounts", "/dev/disk/by-uuid/1-2 /data ext4 rw 0 0\n")
            .link_to("/dev/disk/by-uuid/1-2", "../../nvme0n1");
        assert_eq!(reasons(&by_link), ["nvme0n1 is mounted on /data"]);
        let as_root = lab()
            .file("/proc/mounts", "/dev/root / ext4 rw 0 0\n")
            .file("/proc/cmdline", "root=/dev/nvme0n1 rw\n");
        assert_eq!(reasons(&as_root), ["nvme0n1 is mounted on /"]);
    }

    #[test]
    fn partitions_swap_and_holders() {
        let block = "/sys/class/block";
        let machine = lab()
            .file(&format!("{block}/nvme0n1/nvme0n1p1/partition"), "1\n")
            .file(&format!("{block}/nvme0n1/nvme0n1p2/partition"), "2\n")
            .link_to(&format!("{block}/nvme0n1p2/holders/dm-0"), "")
            .file("/proc/swaps", "Filename Type Size Used Priority\n/dev/nvme0n1p1 partition 1 0 -2\n/swapfile file 1 0 -3\n");
        let expected = [
            "nvme0n1 is partitioned (nvme0n1p1, nvme0n1p2)",
            "nvme0n1p1 is swap space",
            "nvme0n1p2 is part of dm-0",
        ];
        assert_eq!(reasons(&machine), expected);
    }

    proptest::proptest! {
        #[test]
        fn a_mount_point_comes_back_as_it_was(point: String) {
            let escape = |sign: char| match sign {
                ' ' | '\t' | '\n' | '\\' | '#' => format!("\\{:03o}", u32::from(sign)),
                sign => sign.to_string(),
            };
            let escaped: String = point.chars().map(escape).collect();
            proptest::prop_assert_eq!(unescaped(&escaped), point);
        }
    }

    #[test]
    fn names_of_namespaces() {
        assert_eq!(parse_namespace("nvme0n1"), Some("nvme0n1".to_owned()));
        assert_eq!(parse_namespace("nvme3c10n12"), Some("nvme3n12".to_owned()));
        for other in [
            "nvme0",
            "hwmon0",
            "ng0n1",
            "nvme0n",
            "nvmen1",
            "nvme0n1p1",
            "subsystem",
        ] {
            assert_eq!(parse_namespace(other), None, "{other}");
        }
    }

    #[test]
    fn escapes_that_are_none_stay() {
        assert_eq!(unescaped(r"a\040b\011c"), "a b\tc");
        assert_eq!(unescaped(r"a\xyz"), r"a\xyz");
    }
}
