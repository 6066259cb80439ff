//! What is different between the facts at the start of a run and those at its end.

use std::collections::BTreeSet;
use std::io;

use futures_util::future::try_join3;
use serde_json::Value;

use super::{DeviceFacts, Facts, device, host};
use crate::machine::Host;

/// What changes although everything was undone, with the reason. A rule fits where its words stand
/// side by side in a path such as `device.path.0.capabilities.power.state`; `*` fits any word.
const IGNORED: [(&[&str], &str); 17] = [
    (
        &["host", "virtualization"],
        "libvirt's daemon starts and ends by itself",
    ),
    (
        &["host", "vfio"],
        "binding a VF loads the modules, and nobody unloads them",
    ),
    (
        &["host", "iommu", "groups"],
        "every other device of the machine has its groups too",
    ),
    (&["in_use"], "it is others who use it"),
    (
        &["nvme", "name"],
        "the kernel gives numbers out as controllers come",
    ),
    (
        &["nvme", "unasked"],
        "it is why nothing is known, and no state of the controller",
    ),
    (
        &["iommu_group", "id"],
        "likewise as groups come; the members are compared",
    ),
    (
        &["vfs", "*", "iommu_group"],
        "as above: a VF that was made anew has a new group",
    ),
    (
        &["sriov", "offset"],
        "means nothing without VFs; where there are VFs, their addresses are compared",
    ),
    (&["sriov", "stride"], "as above"),
    (&["capabilities", "sriov", "first_vf_offset"], "as above"),
    (&["capabilities", "sriov", "vf_stride"], "as above"),
    (
        &["capabilities", "power"],
        "a function that is not used is put to sleep",
    ),
    (
        &["capabilities", "msix", "enabled"],
        "some drivers enable interrupts only while the interface is up",
    ),
    (&["capabilities", "msix", "masked"], "as above"),
    (
        &["capabilities", "express", "link_status"],
        "links slow down to save power",
    ),
    (
        &["capabilities", "aer"],
        "errors are logged at any time; the kernel log tells which of them count",
    ),
];

/// Reads the facts again, as far as they can be compared with earlier ones.
pub async fn reread(machine: &dyn Host, before: &Facts) -> io::Result<Facts> {
    let second = async {
        match &before.second {
            Some(second) => Box::pin(again(machine, second)).await.map(Some),
            None => Ok(None),
        }
    };
    let device = again(machine, &before.device);
    let (host, device, second) = try_join3(host::host(machine), device, second).await?;
    Ok(Facts {
        host,
        device,
        second: second.map(Box::new),
    })
}

async fn again(machine: &dyn Host, before: &DeviceFacts) -> io::Result<DeviceFacts> {
    Ok(DeviceFacts {
        name: before.name.clone(),
        in_use: before.in_use.clone(),
        ..device::observe(machine, before.bdf).await?
    })
}

/// Every difference, in words such as `sriov.numvfs was 0, is 2`.
pub fn compare(before: &Facts, after: &Facts) -> Vec<String> {
    let mut differences = Vec::new();
    match (serde_json::to_value(before), serde_json::to_value(after)) {
        (Ok(before), Ok(after)) => walk(&mut Vec::new(), &before, &after, &mut differences),
        (Err(error), _) | (_, Err(error)) => {
            differences.push(format!("the facts cannot be compared: {error}"));
        }
    }
    differences
}

fn walk(path: &mut Vec<String>, before: &Value, after: &Value, differences: &mut Vec<String>) {
    if before == after || is_ignored(path) {
        return;
    }
    let names: BTreeSet<String> = match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.keys().chain(after.keys()).cloned().collect()
        }
        (Value::Array(old), Value::Array(new)) if old.iter().chain(new).all(Value::is_object) => (0
            ..old.len().max(new.len()))
            .map(|index| index.to_string())
            .collect(),
        _ => {
            return differences.push(format!(
                "{} was {}, is {}",
                name(path),
                words(before),
                words(after)
            ));
        }
    };
    for part in names {
        let (before, after) = (member(before, &part), member(after, &part));
        path.push(part);
        walk(path, before, after, differences);
        path.pop();
    }
}

fn member<'a>(value: &'a Value, part: &str) -> &'a Value {
    let of_array = part.parse().ok().and_then(|index: usize| value.get(index));
    of_array.or_else(|| value.get(part)).unwrap_or(&Value::Null)
}

fn is_ignored(path: &[String]) -> bool {
    let fits = |rule: &[&str], words: &[String]| {
        rule.iter()
            .zip(words)
            .all(|(rule, word)| *rule == "*" || rule == word)
    };
    IGNORED
        .iter()
        .any(|(rule, _)| path.windows(rule.len()).any(|words| fits(rule, words)))
}

/// Nearly all facts are the device's, so that only the host's are called by their full path.
fn name(path: &[String]) -> String {
    let path = path.join(".");
    path.strip_prefix("device.")
        .map_or_else(|| path.clone(), str::to_owned)
}

fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "empty".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::facts::testing::{IGB, Recorded, lab, lab_with_vfs, run};
    use crate::pci::Names;

    const FOLDER: &str = "/sys/devices/pci0000:00/0000:00:05.0/0000:01:00.0";

    fn facts(machine: &Recorded) -> Facts {
        let device = run(device::device(
            machine,
            IGB.parse().unwrap(),
            &Names::default(),
        ))
        .unwrap();
        Facts {
            host: run(host::host(machine)).unwrap(),
            device,
            second: None,
        }
    }

    /// What a run would find that began in the lab and ended on this machine.
    fn differences(after: &Recorded) -> Vec<String> {
        let before = facts(&lab());
        compare(&before, &run(reread(after, &before)).unwrap())
    }

    #[test]
    fn nothing_has_changed() {
        assert_eq!(differences(&lab()), Vec::<String>::new());
    }

    #[test]
    fn vfs_that_were_left_behind() {
        insta::assert_snapshot!(differences(&lab_with_vfs()).join("\n"));
    }

    #[test]
    fn a_second_pf_is_read_again_too() {
        let before = Facts {
            second: Some(Box::new(facts(&lab()).device)),
            ..facts(&lab())
        };
        let left = |after: &Recorded| compare(&before, &run(reread(after, &before)).unwrap());
        assert_eq!(left(&lab()), Vec::<String>::new());
        let left = left(&lab_with_vfs());
        assert!(left.contains(&"second.sriov.numvfs was 0, is 2".to_owned()));
    }

    #[test]
    fn facts_of_an_earlier_version_know_no_second_pf() {
        let facts = facts(&lab());
        let mut text = serde_json::to_value(&facts).unwrap();
        text.as_object_mut().unwrap().remove("second");
        assert_eq!(serde_json::from_value::<Facts>(text).unwrap(), facts);
    }

    #[test]
    fn settings_that_were_not_put_back() {
        let after = lab()
            .file(&format!("{FOLDER}/net/enp1s0/mtu"), "9000\n")
            .file(&format!("{FOLDER}/net/enp1s0/flags"), "0x1002\n")
            .refuses(&format!("{FOLDER}/net/enp1s0/carrier"), Errno::EINVAL)
            .file(&format!("{FOLDER}/reset_method"), "flr\n")
            .file(&format!("{FOLDER}/sriov_drivers_autoprobe"), "0\n")
            .link_to(
                &format!("{FOLDER}/driver"),
                "../../../../bus/pci/drivers/vfio-pci",
            )
            .file("/proc/cmdline", "root=/dev/vda rw\n");
        insta::assert_snapshot!(differences(&after).join("\n"));
    }

    #[test]
    fn what_changes_by_itself_is_no_difference() {
        let mut config = include_bytes!("recorded/igb.config").to_vec();
        let capabilities = &facts(&lab()).device.capabilities;
        let at = |offset: u16, register: usize| usize::from(offset) + register;
        config[at(capabilities.power.as_ref().unwrap().at, 4)] |= 3;
        config[at(capabilities.msix.as_ref().unwrap().at, 3)] ^= 0xc0;
        config[at(capabilities.express.as_ref().unwrap().at, 0x12)] ^= 3;
        config[at(capabilities.aer.as_ref().unwrap().at, 0x10)] |= 1;
        config[at(capabilities.sriov.as_ref().unwrap().at, 0x14)] = 0;
        let after = lab()
            .file(&format!("{FOLDER}/config"), config)
            .file(&format!("{FOLDER}/sriov_offset"), "0\n")
            .link_to(
                &format!("{FOLDER}/iommu_group"),
                "../../../../kernel/iommu_groups/20",
            )
            .link_to(&format!("/sys/kernel/iommu_groups/20/devices/{IGB}"), "")
            .file(
                "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
                "N\n",
            )
            .refuses_to_run("virsh version");
        assert_ne!(facts(&after), facts(&lab()));
        assert_eq!(differences(&after), Vec::<String>::new());
    }

    #[test]
    fn vfs_made_anew_may_have_new_groups_but_no_other_driver() {
        let before = facts(&lab_with_vfs());
        let mut after = before.clone();
        after.device.vfs[1].iommu_group = Some(99);
        assert_eq!(compare(&before, &after), Vec::<String>::new());
        after.device.vfs[1].driver = None;
        assert_eq!(
            compare(&before, &after),
            ["vfs.1.driver was igbvf, is nothing"]
        );
    }
}
