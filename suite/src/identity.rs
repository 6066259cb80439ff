//! Everything that says which device, firmware and software a certificate is about, and what it leaves open.

use harness::facts::{DeviceFacts, Facts, HostFacts};
use harness::plan::Choice;
use harness::profile::{Claims, Profile, VfAttribute};

/// The property with the address of the other PF that the checks may change.
pub(crate) const SECOND_PF: &str = "second pf";

/// What the property is called that says what the guests run.
pub(crate) const GUEST_SYSTEM: &str = "guest system";

/// The guest system where no other is named.
pub(crate) const PROBE_GUEST: &str = "probe guest: this machine's kernel, with sriov-certify alone";

/// In the order of the reports.
pub(crate) fn properties(
    profile: &Profile,
    facts: &Facts,
    choice: &Choice,
) -> Vec<(String, String)> {
    let mut pairs = of_device(profile, &facts.device);
    if let Some(second) = &facts.second {
        pairs.push((SECOND_PF, second.bdf.to_string()));
    }
    pairs.extend(of_host(&facts.host));
    pairs.push((GUEST_SYSTEM, guest_system(choice)));
    pairs.push(("tool version", env!("CARGO_PKG_VERSION").into()));
    let untested = untested(&profile.claims);
    if !untested.is_empty() {
        pairs.push(("claims without a check", untested.join(", ")));
    }
    for warning in &profile.warnings {
        pairs.push(("warning", format!("{} ({})", warning.text, warning.source)));
    }
    pairs
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn of_device(profile: &Profile, device: &DeviceFacts) -> Vec<(&'static str, String)> {
    let (ids, driver) = (&device.ids, device.driver.as_ref());
    let [pci, subsystem] = [
        [ids.vendor, ids.device],
        [ids.subsystem_vendor, ids.subsystem_device],
    ]
    .map(|[vendor, device]| format!("{vendor:04x}:{device:04x}"));
    let driver_name = driver.map(|driver| driver.name.clone());
    let version = driver.and_then(|driver| driver.version.clone());
    let firmware = driver.and_then(|driver| driver.firmware.clone());
    vec![
        ("device", device.name.clone()),
        ("profile name", profile.name.clone()),
        ("profile source", profile.source.clone()),
        ("pci ids", pci),
        ("pci subsystem ids", subsystem),
        ("pci revision", format!("{:02x}", ids.revision)),
        ("serial", known(device.serial(), "not readable")),
        ("driver", known(driver_name, "none")),
        ("driver version", known(version, "the kernel's")),
        ("firmware", known(firmware, "not readable")),
    ]
}

fn of_host(host: &HostFacts) -> Vec<(&'static str, String)> {
    let virtualization = &host.virtualization;
    vec![
        ("kernel", host.kernel.clone()),
        ("kernel command line", host.command_line.clone()),
        ("distribution", host.distribution.name.clone()),
        ("architecture", host.architecture.clone()),
        ("cpu", host.cpu.model.clone()),
        ("libvirt", known(virtualization.libvirt.clone(), "none")),
        ("qemu", known(virtualization.qemu.clone(), "none")),
    ]
}

/// What the guests run.
fn guest_system(choice: &Choice) -> String {
    let system = choice.guest.as_ref().map(ToString::to_string);
    known(system, PROBE_GUEST)
}

fn known(value: Option<String>, otherwise: &str) -> String {
    value.unwrap_or_else(|| otherwise.into())
}

/// The claims that no check asks about yet. A reader must not take them for certified.
fn untested(claims: &Claims) -> Vec<&'static str> {
    let asked = |attribute: &VfAttribute| *attribute == VfAttribute::MaxTxRate;
    let all_asked = claims.vf_attributes.iter().all(asked);
    (!all_asked)
        .then_some("vf_attributes")
        .into_iter()
        .collect()
}
