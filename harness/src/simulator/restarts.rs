//! The simulated machine over restarts: what lasts, what udev does, what each fault shows only then.

use std::time::Duration;

use nix::errno::Errno;
use tokio::time::Instant;

use super::model::{Model, PF, SECOND};
use super::tests::{answer, path, profile, raw, simulator, text};
use super::{Fault, Simulator};
use crate::facts;
use crate::machine::Host;
use crate::pci::Bdf;
use crate::profile::shipped;

pub(super) const RULES: &str = "/etc/udev/rules.d/a.rules";
pub(super) const RULE: &str = r#"ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:01:00.0", ENV{ID_NET_DRIVER}=="igb", ATTR{device/sriov_numvfs}="2""#;

pub(super) fn igb(fault: Option<Fault>) -> Simulator {
    simulator("igb", "igbvf", fault)
}

async fn numvfs_after(host: &Simulator, rule: Option<&str>) -> String {
    host.put(RULES, rule.map(str::as_bytes)).await.unwrap();
    host.reboot().await.unwrap();
    text(host, &path("sriov_numvfs")).await
}

/// A property that udev has of a device.
async fn property(host: &Simulator, device: &str, name: &str) -> String {
    let device = format!("--path={device}");
    let argv = ["udevadm", "info", "--query=property", &device];
    let output = host.run(&argv).await.unwrap();
    let text = output.text();
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or(&output.stderr).to_owned()
}

async fn initialized(host: &Simulator, device: &str) -> Duration {
    let text = property(host, device, "USEC_INITIALIZED").await;
    Duration::from_micros(text.parse().unwrap())
}

async fn started(host: &Simulator, unit: &str) -> Duration {
    let question = "ExecMainStartTimestampMonotonic";
    let argv = ["systemctl", "show", "-p", question, "--value", unit];
    let text = host.run(&argv).await.unwrap().text();
    Duration::from_micros(text.trim().parse().unwrap())
}

pub(super) async fn log(host: &Simulator) -> String {
    host.run(&["dmesg", "-r"]).await.unwrap().text()
}

#[tokio::test(start_paused = true)]
async fn a_rule_acts_at_each_boot_until_it_is_removed() {
    let host = igb(None);
    let first = facts::boot(&host).await.unwrap();
    for _ in 0..2 {
        assert_eq!(numvfs_after(&host, Some(RULE)).await, "2");
    }
    assert_ne!(facts::boot(&host).await.unwrap().id, first.id);
    let vfs = facts::vfs(&host, host.bdf()).await.unwrap();
    assert_eq!(vfs[1].driver.as_deref(), Some("igbvf"));
    assert_eq!(text(&host, "/sys/class/net/enp1s0/carrier").await, "1");
    assert_eq!(numvfs_after(&host, None).await, "0");
}

#[tokio::test(start_paused = true)]
async fn a_rule_for_others_does_nothing() {
    let host = igb(None);
    for (this, other) in [
        ("0000:01:00.0", "0000:02:00.0"),
        (r#""igb""#, r#""ixgbe""#),
        ("KERNELS==", "KERNELS!="),
        ("SUBSYSTEM==", "DRIVERS=="),
        (r#""2""#, r#""8""#),
    ] {
        let rule = RULE.replace(this, other);
        assert_eq!(numvfs_after(&host, Some(&rule)).await, "0", "{rule}");
    }
    host.put(RULES, None).await.unwrap();
    let other = format!("{RULES}.off");
    host.put(&other, Some(RULE.as_bytes())).await.unwrap();
    assert_eq!(numvfs_after(&host, None).await, "0", "no .rules");
}

#[tokio::test(start_paused = true)]
async fn the_first_of_two_rules_wins() {
    let host = igb(None);
    let later = RULE.replace(r#""2""#, r#""3""#);
    let path = RULES.replace("a.", "b.");
    host.put(&path, Some(later.as_bytes())).await.unwrap();
    assert_eq!(numvfs_after(&host, Some(RULE)).await, "2");
    assert!(log(&host).await.contains("2 VFs already enabled"));
}

/// The adapter of the requirement's warning: udev acts while the link is still down.
#[tokio::test(start_paused = true)]
async fn bnx2x_refuses_a_rule_though_its_link_comes_up_later() {
    let host = simulator("bnx2x", "bnx2x", None);
    let rule = RULE.replace("igb", "bnx2x");
    assert_eq!(numvfs_after(&host, Some(&rule)).await, "0");
    assert_eq!(text(&host, "/sys/class/net/enp1s0/carrier").await, "1");
    assert_eq!(answer(&host, "sriov_numvfs", "2").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_rule_acts_too_when_the_driver_is_bound_again() {
    let host = igb(None);
    host.put(RULES, Some(RULE.as_bytes())).await.unwrap();
    assert_eq!(text(&host, &path("sriov_numvfs")).await, "0");
    for action in ["unbind", "bind"] {
        let path = format!("/sys/bus/pci/drivers/igb/{action}");
        host.write(&path, b"0000:01:00.0").await.unwrap();
    }
    let settled = async |limit| {
        let argv = ["udevadm", "settle", limit];
        host.run(&argv).await.unwrap().success()
    };
    assert!(!settled("--timeout=0").await, "the driver is still at it");
    assert!(settled("--timeout=20").await);
    let start = Instant::now();
    assert_eq!(text(&host, &path("sriov_numvfs")).await, "2");
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody holds the lock");
}

#[tokio::test(start_paused = true)]
async fn the_disk_lasts_and_nothing_else() {
    let host = igb(None);
    let lasting = [
        RULES,
        "/etc/systemd/system/a.service",
        "/var/lib/sriov-certify",
    ];
    for path in lasting.iter().chain(&["/dev/a"]) {
        host.put(path, Some(b"text")).await.unwrap();
    }
    host.reboot().await.unwrap();
    for path in lasting {
        assert_eq!(text(&host, path).await, "text", "{path}");
    }
    assert_eq!(raw(host.read("/dev/a").await), Err(Errno::ENOENT));
}

#[tokio::test(start_paused = true)]
async fn a_file_is_removed_with_its_remains_and_in_no_kernel_folder() {
    let host = igb(None);
    let unfinished = format!("{RULES}.new");
    host.put(&unfinished, Some(b"half")).await.unwrap();
    host.put(RULES, None).await.unwrap();
    assert_eq!(host.list("/etc/udev/rules.d").await.unwrap(), [""; 0]);
    let folder = raw(host.put("/etc/nowhere/a", Some(b"")).await);
    assert_eq!(folder, Err(Errno::ENOENT));
    assert_eq!(
        raw(host.put(&path("sriov_numvfs"), None).await),
        Err(Errno::EPERM)
    );
}

#[tokio::test(start_paused = true)]
async fn a_unit_is_enabled_by_a_link_that_lasts() {
    let host = igb(None);
    let systemctl = async |verb: &str| {
        let argv = ["systemctl", verb, "a.service"];
        let output = host.run(&argv).await.unwrap();
        (output.status, output.stderr)
    };
    let missing = |verb| {
        let words = format!("Failed to {verb} unit: Unit a.service does not exist");
        (1, words)
    };
    assert_eq!(systemctl("enable").await, missing("enable"));
    assert_eq!(systemctl("disable").await, missing("disable"));
    let unit = "/etc/systemd/system/a.service";
    let text = b"[Install]\nWantedBy=multi-user.target\n";
    host.put(unit, Some(text)).await.unwrap();
    assert_eq!(systemctl("enable").await.0, 0);
    host.reboot().await.unwrap();
    let wants = "/etc/systemd/system/multi-user.target.wants";
    let link = format!("{wants}/a.service");
    assert_eq!(host.link(&link).await.unwrap(), unit);
    assert_eq!(systemctl("disable").await.0, 0);
    assert_eq!(host.list(wants).await.unwrap(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn udev_tells_what_it_knows_by_any_path() {
    let host = igb(None);
    numvfs_after(&host, Some(RULE)).await;
    let below = "/devices/pci0000:00/0000:00:03.0";
    let pf = "/sys/class/net/enp1s0";
    let vf = "/sys/bus/pci/devices/0000:01:10.0";
    assert_eq!(
        property(&host, pf, "DEVPATH").await,
        format!("{below}/0000:01:00.0/net/enp1s0")
    );
    assert_eq!(property(&host, pf, "SUBSYSTEM").await, "net");
    assert_eq!(
        property(&host, vf, "DEVPATH").await,
        format!("{below}/0000:01:10.0")
    );
    assert_eq!(property(&host, vf, "SUBSYSTEM").await, "pci");
    let gone = vf.replace("10.0", "10.4");
    assert_eq!(
        property(&host, &gone, "DEVPATH").await,
        format!("Unknown device \"{gone}\": No such device")
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_rule_makes_is_there_before_libvirt_unless_it_is_late() {
    for (fault, early) in [(None, true), (Some(Fault::LateAfterLibvirt), false)] {
        let host = igb(fault);
        assert_eq!(numvfs_after(&host, Some(RULE)).await, "2");
        let libvirt = started(&host, "libvirtd.service").await;
        assert_eq!(libvirt, Duration::from_secs(8));
        assert!(initialized(&host, "/sys/class/net/enp1s0").await < libvirt);
        for vf in facts::vfs(&host, host.bdf()).await.unwrap() {
            let device = format!("/sys/bus/pci/devices/{}", vf.bdf);
            assert_eq!(initialized(&host, &device).await < libvirt, early);
        }
        for unit in ["virtqemud.service", "nonsense.service"] {
            assert_eq!(started(&host, unit).await, Duration::ZERO);
        }
    }
}

/// What the VFs' addresses are and how they came about, each time that VFs are created.
async fn macs(host: &Simulator) -> (String, String) {
    answer(host, "sriov_numvfs", "0").await.unwrap();
    answer(host, "sriov_numvfs", "1").await.unwrap();
    let at = "/sys/class/net/enp1s0v0";
    (
        text(host, &format!("{at}/addr_assign_type")).await,
        text(host, &format!("{at}/address")).await,
    )
}

#[tokio::test(start_paused = true)]
async fn an_address_that_is_made_up_is_another_each_time() {
    for (drivers, policy, lasts) in [
        (("mock_nic", "mock_nic_vf"), "0", true),
        (("igb", "igbvf"), "1", false),
        (("sfc", "sfc"), "0", false),
    ] {
        let host = simulator(drivers.0, drivers.1, None);
        let mut seen = vec![macs(&host).await, macs(&host).await];
        host.reboot().await.unwrap();
        seen.push(macs(&host).await);
        assert!(seen.iter().all(|(found, _)| found == policy), "{drivers:?}");
        seen.dedup();
        assert_eq!(seen.len() == 1, lasts, "{drivers:?}: {seen:?}");
        let pf = "/sys/class/net/enp1s0/addr_assign_type";
        assert_eq!(text(&host, pf).await, "0");
    }
}

#[tokio::test(start_paused = true)]
async fn the_address_that_a_pf_gives_outlasts_the_vfs_driver() {
    let host = simulator("sfc", "sfc", None);
    let (_, before) = macs(&host).await;
    let vf = facts::vfs(&host, host.bdf()).await.unwrap()[0].bdf;
    for action in ["unbind", "bind"] {
        let path = format!("/sys/bus/pci/drivers/sfc/{action}");
        host.write(&path, vf.to_string().as_bytes()).await.unwrap();
    }
    assert_eq!(text(&host, "/sys/class/net/enp1s0v0/address").await, before);
}

/// The devices that are not root ports: those lie on bus 0.
async fn endpoints(host: &Simulator) -> Vec<Bdf> {
    let list = facts::list(host).await.unwrap();
    let bdfs = list.into_iter().map(|(bdf, _)| bdf);
    bdfs.filter(|bdf| bdf.bus != 0).collect()
}

#[tokio::test(start_paused = true)]
async fn the_other_port_gets_vfs_by_the_rule_at_boot_and_in_no_other_way() {
    let host = igb(Some(Fault::VfsOnWrongPort));
    let other = async || facts::sriov(&host, SECOND).await.unwrap().unwrap().numvfs;
    let names = facts::names(&host).await;
    let device = facts::device(&host, SECOND, &names).await.unwrap();
    let own = facts::device(&host, host.bdf(), &names).await.unwrap();
    assert_eq!(device.ids, own.ids);
    assert_eq!(device.driver.unwrap().name, own.driver.unwrap().name);
    assert_eq!(device.path[0].bdf.to_string(), "0000:00:04.0");
    assert_eq!(device.iommu_group.unwrap().members, [SECOND]);
    assert_eq!(endpoints(&host).await, [host.bdf(), SECOND]);
    answer(&host, "sriov_numvfs", "3").await.unwrap();
    assert_eq!(other().await, 0);
    assert_eq!(numvfs_after(&host, Some(RULE)).await, "2");
    assert_eq!(other().await, 2);
    assert_eq!(numvfs_after(&host, None).await, "0");
    answer(&host, "sriov_numvfs", "3").await.unwrap();
    assert_eq!(other().await, 0);
}

#[test]
fn no_vf_comes_to_lie_where_the_other_port_is() {
    for profile in shipped(&["vf::create_one"]) {
        let model = Model::new(&profile, None);
        assert!(model.buses(PF)[1] < SECOND.bus, "{}", profile.id);
    }
}

#[tokio::test(start_paused = true)]
async fn a_device_that_has_moved_is_the_same_elsewhere() {
    let host = igb(Some(Fault::DeviceMovedByReboot));
    let names = facts::names(&host).await;
    let before = facts::device(&host, host.bdf(), &names).await.unwrap();
    host.reboot().await.unwrap();
    assert_eq!(endpoints(&host).await, [SECOND]);
    let now = facts::device(&host, SECOND, &names).await.unwrap();
    assert_eq!(now.ids, before.ids);
    assert_eq!(now.driver.unwrap().name, before.driver.unwrap().name);
    assert_eq!(now.capabilities.serial, before.capabilities.serial);
    assert_eq!(now.net[0].mac, before.net[0].mac);
}

#[tokio::test(start_paused = true)]
async fn the_kernel_warns_at_a_boot_with_a_rule_only() {
    let host = igb(Some(Fault::KernelWarnsAtBoot));
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    assert!(!log(&host).await.contains("WARNING"));
    host.reboot().await.unwrap();
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    assert!(!log(&host).await.contains("WARNING"));
    numvfs_after(&host, Some(RULE)).await;
    let log = log(&host).await;
    assert!(log.contains("WARNING") && log.contains("[igb]"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_rule_acts_at_boots_and_at_no_other_time() {
    let host = igb(Some(Fault::RuleNotRemoved));
    assert_eq!(numvfs_after(&host, Some(RULE)).await, "2");
    assert_eq!(numvfs_after(&host, None).await, "2");
    for action in ["unbind", "bind"] {
        let path = format!("/sys/bus/pci/drivers/igb/{action}");
        host.write(&path, b"0000:01:00.0").await.unwrap();
    }
    assert_eq!(text(&host, &path("sriov_numvfs")).await, "0");
}

/// Faults of a restart are none before it.
#[tokio::test(start_paused = true)]
async fn each_fault_of_a_restart_waits_for_it() {
    for fault in [
        Fault::VfsLostAtReboot,
        Fault::VfsOnWrongPort,
        Fault::KernelWarnsAtBoot,
        Fault::GroupChanged,
        Fault::NameChanged,
        Fault::MacPolicyChanged,
        Fault::LateAfterLibvirt,
        Fault::RuleNotRemoved,
        Fault::DeviceGoneAfterReboot,
        Fault::DeviceMovedByReboot,
        Fault::KernelChangesAtReboot,
    ] {
        let [good, bad] = [None, Some(fault)];
        assert_eq!(first_boot(bad).await, first_boot(good).await, "{fault}");
    }
}

/// All there is of VFs, drivers and kernel before a restart. Not the numbers of the groups: the
/// kernel counts them, so another port shifts them.
async fn first_boot(fault: Option<Fault>) -> String {
    let host = Simulator::new(&profile("igb", "igbvf", ""), fault);
    host.put(RULES, Some(RULE.as_bytes())).await.unwrap();
    for action in ["unbind", "bind"] {
        let path = format!("/sys/bus/pci/drivers/igb/{action}");
        host.write(&path, b"0000:01:00.0").await.unwrap();
    }
    host.run(&["udevadm", "settle"]).await.unwrap();
    let vfs = facts::vfs(&host, host.bdf()).await.unwrap();
    let mut seen: Vec<_> = vfs
        .iter()
        .map(|vf| format!("{} {:?}", vf.bdf, vf.driver))
        .collect();
    let groups = async |vf: &str| facts::iommu_group(&host, vf.parse().unwrap()).await;
    for vf in ["0000:01:10.0", "0000:01:10.2"] {
        let members = groups(vf).await.unwrap().unwrap().members.len();
        let link = host.list(&format!("/sys/bus/pci/devices/{vf}/net")).await;
        seen.push(format!("{members} {link:?}"));
    }
    let policy = "/sys/class/net/enp1s0v0/addr_assign_type";
    seen.push(text(&host, policy).await);
    seen.push(facts::boot(&host).await.unwrap().kernel);
    seen.push(log(&host).await.contains("WARNING").to_string());
    seen.join("\n")
}
