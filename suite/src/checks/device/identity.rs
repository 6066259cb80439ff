//! The function is the physical function that the profile is about, under the driver that the profile names.
//!
//! Source: RHEL 9, 14.7.3 (each device with its driver). A VF is told by `physfn` in sysfs: Linux 6.12
//! Documentation/ABI/testing/sysfs-bus-pci.

use harness::bench::Bench;
use harness::check::{Answer, Check, Finding};
use harness::facts::DeviceFacts;
use harness::pci::PciIds;
use harness::require;

use super::LIMIT;

/// See the module's documentation.
pub const CHECK: Check = Check {
    id: "device::identity",
    proves: "this is the physical function that the profile is about, under the profile's driver",
    source: "RHEL 9, 14.7.3",
    needs: &[],
    limit: LIMIT,
    provokes: &[],
    findings: &[
        &IDS_DISAGREE,
        &OTHER_DEVICE,
        &IS_VF,
        &NO_DRIVER,
        &OTHER_DRIVER,
    ],
    parts: &[|bench| Box::pin(async { run(bench) })],
};

const IDS_DISAGREE: Finding = Finding::device(
    "ids-disagree",
    "The ids that the kernel read when it found the device are not those its config space has now: the card has fallen off the bus \
     (all ones), was exchanged, or has loaded other firmware.",
    "Power the machine off and on, and reseat the card; then compare: lspci -nn -s BDF with lspci -nn -H1 -s BDF.",
);
const OTHER_DEVICE: Finding = Finding::device(
    "ids-not-in-profile",
    "The ids of the function are none that the profile is for.",
    "Choose the profile of this device (sriov-certify probe names it), or draft one: sriov-certify probe --draft BDF.",
);
const IS_VF: Finding = Finding::device(
    "not-a-physical-function",
    "The function is itself a virtual function and can have none of its own.",
    "Certify its physical function: readlink /sys/bus/pci/devices/BDF/physfn",
);
const NO_DRIVER: Finding = Finding::device(
    "pf-driver-not-bound",
    "No driver is bound to the physical function, so nobody can create virtual functions.",
    "modprobe the profile's driver; if it does not bind by itself: echo BDF > /sys/bus/pci/drivers/DRIVER/bind. Then read: dmesg | grep BDF",
);
const OTHER_DRIVER: Finding = Finding::device(
    "other-pf-driver-bound",
    "Another driver than the profile's is bound to the physical function. The claims hold for the profile's only.",
    "echo BDF > /sys/bus/pci/devices/BDF/driver/unbind; echo > /sys/bus/pci/devices/BDF/driver_override; then \
     echo BDF > /sys/bus/pci/drivers/DRIVER/bind. For good: driverctl unset-override BDF.",
);

fn run(bench: &mut Bench) -> Answer {
    let facts = bench.facts.clone();
    for (name, value) in origin(&facts.device) {
        bench.log.note(format!("{name}: {value}"))?;
    }
    // First, since a VF has no ids of its own in config space.
    let (bdf, pf) = (facts.device.bdf, facts.device.physfn);
    let above = pf.map_or("none".into(), |pf| pf.to_string());
    require!(
        bench,
        pf.is_none(),
        IS_VF,
        "{bdf}: physical function above it (physfn): {above}"
    );
    ids(bench, &facts.device)?;
    driver(bench, &facts.device)
}

fn ids(bench: &mut Bench, device: &DeviceFacts) -> Answer {
    let (bdf, here) = (device.bdf, show(&device.ids));
    let there = device.config_ids.as_ref().map_or("unreadable".into(), show);
    require!(
        bench,
        here == there,
        IDS_DISAGREE,
        "{bdf}: sysfs has the ids {here}, config space {there}"
    );
    let (known, name) = (bench.profile.matches(&device.ids), bench.profile.id.clone());
    let verb = if known { "lists" } else { "does not list" };
    require!(
        bench,
        known,
        OTHER_DEVICE,
        "{bdf}: profile {name} {verb} {here}"
    );
    Ok(())
}

fn driver(bench: &mut Bench, device: &DeviceFacts) -> Answer {
    let (bdf, wanted) = (device.bdf, bench.profile.driver.pf.clone());
    let bound = device.driver.as_ref().map_or("none", |driver| &driver.name);
    let text = format!("{bdf}: bound driver: {bound}, the profile's: {wanted}");
    require!(bench, device.driver.is_some(), NO_DRIVER, "{text}");
    require!(bench, bound == wanted, OTHER_DRIVER, "{text}");
    Ok(())
}

/// Without the class, which the kernel corrects for some devices (Linux 6.12 drivers/pci/quirks.c).
fn show(ids: &PciIds) -> String {
    let PciIds {
        vendor,
        device,
        subsystem_vendor,
        subsystem_device,
        revision,
        ..
    } = ids;
    format!(
        "{vendor:04x}:{device:04x}, subsystem {subsystem_vendor:04x}:{subsystem_device:04x}, revision {revision:02x}"
    )
}

/// Which specimen it is and what runs on it.
fn origin(device: &DeviceFacts) -> Vec<(&'static str, String)> {
    let driver = device.driver.as_ref();
    let firmware = driver.and_then(|driver| driver.firmware.clone());
    let version = driver.map(|driver| {
        format!(
            "{} {}",
            driver.name,
            driver.version.as_deref().unwrap_or("as in the kernel")
        )
    });
    let known = [
        ("serial number", device.serial()),
        ("firmware", firmware),
        ("driver", version),
    ];
    known
        .into_iter()
        .map(|(name, value)| (name, value.unwrap_or_else(|| "unknown".into())))
        .collect()
}

#[cfg(test)]
mod tests {
    use harness::facts::Facts;

    use super::CHECK;
    use crate::checks::fixture::{ask, bdf, facts, profile};

    fn told(change: impl Fn(&mut Facts)) -> String {
        let mut facts = facts();
        change(&mut facts);
        ask(&CHECK, profile(), facts).unwrap_err()
    }

    #[test]
    fn a_pass_notes_the_specimen() {
        let notes = ask(&CHECK, profile(), facts()).unwrap();
        assert_eq!(
            notes,
            [
                "serial number: 52-54-00-ff-ff-12-34-56",
                "firmware: 1.1.0",
                "driver: igb as in the kernel"
            ]
        );
    }

    #[test]
    fn every_wrong_identity_has_its_finding() {
        let disagree = told(|facts| facts.device.config_ids.as_mut().unwrap().device = 0xffff);
        assert_eq!(
            disagree,
            "ids-disagree: 0000:01:00.0: sysfs has the ids 8086:10c9, subsystem 1af4:1100, revision 01, \
             config space 8086:ffff, subsystem 1af4:1100, revision 01"
        );
        assert!(told(|facts| facts.device.config_ids = None).ends_with("config space unreadable"));
        let vf = told(|facts| facts.device.physfn = Some(bdf("01:00.1")));
        assert_eq!(
            vf,
            "not-a-physical-function: 0000:01:00.0: physical function above it (physfn): 0000:01:00.1"
        );
        let unbound = told(|facts| facts.device.driver = None);
        assert_eq!(
            unbound,
            "pf-driver-not-bound: 0000:01:00.0: bound driver: none, the profile's: igb"
        );
        let other = told(|facts| facts.device.driver.as_mut().unwrap().name = "vfio-pci".into());
        assert_eq!(
            other,
            "other-pf-driver-bound: 0000:01:00.0: bound driver: vfio-pci, the profile's: igb"
        );
    }

    #[test]
    fn a_device_of_another_profile_is_refused() {
        let mut profile = profile();
        profile.matches[0].subsystem_vendor = Some(0x8086);
        let told = ask(&CHECK, profile, facts()).unwrap_err();
        assert!(
            told.starts_with(
                "ids-not-in-profile: 0000:01:00.0: profile intel-82576 does not list 8086:10c9"
            ),
            "{told}"
        );
    }

    #[test]
    fn a_class_that_the_kernel_corrected_is_no_disagreement() {
        let mut facts = facts();
        facts.device.config_ids.as_mut().unwrap().class = 0;
        assert!(ask(&CHECK, profile(), facts).is_ok());
    }
}
