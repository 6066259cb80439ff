//! The simulated machine as a whole: every shipped profile on it, its clock, its restart.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use tokio::time::{Instant, timeout};

use super::{Fault, Simulator};
use crate::facts::{self, Facts};
use crate::machine::Host;
use crate::profile::{Kind, Profile, shipped};

/// A profile for these drivers with these claims.
pub(super) fn profile(pf: &str, vf: &str, claims: &str) -> Profile {
    let kind = if pf.contains("nvme") { "nvme" } else { "nic" };
    let claims = claims.replace('\'', "\"");
    let text = format!(
        "name = \"device\"\nkind = \"{kind}\"\nsource = \"test\"\nmatch = [{{ vendor = 0x8086, device = 0x10c9 }}]\n\
         driver = {{ pf = \"{pf}\", vf = \"{vf}\" }}\n[claims]\n{claims}\n[sources]\nmatch = \"test\"\n{}",
        claims
            .lines()
            .filter_map(|line| line.split_once(" ="))
            .fold(String::new(), |text, (key, _)| text + key + " = \"test\"\n"),
    );
    Profile::parse("device", "device.toml", &text, &[])
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

pub(super) fn simulator(pf: &str, vf: &str, fault: Option<Fault>) -> Simulator {
    Simulator::new(&profile(pf, vf, ""), fault)
}

pub(super) fn path(name: &str) -> String {
    format!("/sys/bus/pci/devices/0000:01:00.0/{name}")
}

/// The kernel's answer to a write to a file of the PF.
pub(super) async fn answer(host: &Simulator, name: &str, text: &str) -> Result<(), Errno> {
    raw(host.write(&path(name), text.as_bytes()).await)
}

pub(super) fn raw<T>(result: io::Result<T>) -> Result<T, Errno> {
    result.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap()))
}

pub(super) async fn text(host: &Simulator, path: &str) -> String {
    String::from_utf8(host.read(path).await.unwrap())
        .unwrap()
        .trim()
        .to_owned()
}

pub(super) async fn facts_of(host: &Simulator) -> Facts {
    let names = facts::names(host).await;
    Facts {
        host: facts::host(host).await.unwrap(),
        device: facts::device(host, host.bdf(), &names).await.unwrap(),
        second: None,
    }
}

#[tokio::test(start_paused = true)]
async fn every_shipped_profile_is_probed_as_it_claims() {
    for profile in shipped(&["vf::create_one"]) {
        let host = Simulator::new(&profile, None);
        let Facts {
            host: machine,
            device,
            ..
        } = facts_of(&host).await;
        assert!(profile.matches(&device.ids), "{}", profile.id);
        assert!(
            device.name.contains(&profile.name),
            "{}: {}",
            profile.id,
            device.name
        );
        assert_eq!(device.in_use, [""; 0], "{}", profile.id);
        assert_eq!(device.driver.unwrap().name, profile.driver.pf);
        let sriov = device.sriov.unwrap();
        assert_eq!(
            profile.claims.total_vfs.unwrap_or(sriov.totalvfs),
            sriov.totalvfs,
            "{}",
            profile.id
        );
        assert_eq!((sriov.numvfs, device.vfs.len()), (0, 0));
        assert_eq!(device.capabilities.anomalies, [], "{}", profile.id);
        assert_eq!(device.path.len(), 1);
        assert_eq!(device.iommu_group.unwrap().members, [host.bdf()]);
        match profile.kind {
            Kind::Nic => assert!(
                device.net[0].up && device.net[0].carrier == Some(true),
                "{}",
                profile.id
            ),
            Kind::Nvme => assert_eq!(device.nvme.unwrap().name, "nvme0"),
        }
        assert!(
            machine.kvm
                && machine.root
                && machine.vfio.available
                && machine.iommu.interrupt_remapping
        );
        assert_eq!(machine.iommu.table.unwrap().interrupt_remapping, Some(true));
        assert_eq!(machine.virtualization.qemu.as_deref(), Some("10.0.2"));
    }
}

#[tokio::test(start_paused = true)]
async fn every_shipped_profile_gets_all_its_vfs_with_drivers() {
    for profile in shipped(&["vf::create_one"]) {
        let host = Simulator::new(&profile, None);
        let total = text(&host, &path("sriov_totalvfs")).await;
        answer(&host, "sriov_numvfs", &total).await.unwrap();
        let vfs = facts::vfs(&host, host.bdf()).await.unwrap();
        assert_eq!(vfs.len().to_string(), total, "{}", profile.id);
        let driver = (profile.kind == Kind::Nic).then_some(profile.driver.vf.as_str());
        for vf in vfs {
            assert_eq!(vf.driver.as_deref(), driver, "{} {}", profile.id, vf.bdf);
            let device = text(&host, &format!("/sys/bus/pci/devices/{}/device", vf.bdf)).await;
            assert_eq!(
                device,
                format!("0x{:0>4}", text(&host, &path("sriov_vf_device")).await)
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn creating_and_removing_take_their_time_on_the_clock() {
    let host = simulator("igb", "igbvf", None);
    let start = Instant::now();
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(550));
    answer(&host, "sriov_numvfs", "0").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_millis(2650));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_given_up_on_goes_on_in_the_kernel() {
    let host = simulator("igb", "igbvf", None);
    let write = answer(&host, "sriov_numvfs", "3");
    assert!(timeout(Duration::from_millis(50), write).await.is_err());
    assert_eq!(
        text(&host, &path("sriov_numvfs")).await,
        "3",
        "the read waits for the lock"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_forgets_all_but_the_disk() {
    let host = simulator("igb", "igbvf", None);
    answer(&host, "sriov_numvfs", "3").await.unwrap();
    answer(&host, "sriov_drivers_autoprobe", "0").await.unwrap();
    host.run(&["ip", "link", "set", "dev", "enp1s0", "mtu", "9000"])
        .await
        .unwrap();
    let before = facts_of(&simulator("igb", "igbvf", None)).await;
    host.reboot().await.unwrap();
    assert_eq!(facts::compare(&before, &facts_of(&host).await), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn unknown_commands_and_files_are_refused() {
    let host = simulator("igb", "igbvf", None);
    let output = host.run(&["lspci", "-v"]).await.unwrap();
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            127,
            "lspci: the simulated machine has no answer to `lspci -v`"
        )
    );
    assert_eq!(raw(host.read(&path("nothing")).await), Err(Errno::ENOENT));
    assert_eq!(answer(&host, "vendor", "1").await, Err(Errno::EACCES));
    assert_eq!(
        answer(&host, "sriov_totalvfs", "1").await,
        Err(Errno::EACCES)
    );
}

#[tokio::test(start_paused = true)]
async fn the_kernel_logs_what_it_is_told_and_what_it_does() {
    let host = simulator("igb", "igbvf", None);
    host.write("/dev/kmsg", b"sriov-certify r1 vf::create_one")
        .await
        .unwrap();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    answer(&host, "sriov_numvfs", "2").await.unwrap_err();
    let log = host.run(&["dmesg", "-r"]).await.unwrap().text();
    insta::assert_snapshot!(log, @r"
    <5>[    0.000000] Linux version 6.12.107+deb13-amd64 (simulated)
    <6>[    0.000000] pci 0000:01:00.0: Adding to iommu group 1
    <6>[    0.000000] pci 0000:02:00.0: Adding to iommu group 3
    <12>[    0.000000] sriov-certify r1 vf::create_one
    <6>[    0.000000] igb 0000:01:00.0: 1 VFs allocated
    <6>[    0.100000] pci 0000:01:10.0: [8086:10ca] type 00 class 0x020000 PCIe Endpoint
    <6>[    0.100000] pci 0000:01:10.0: Adding to iommu group 4
    <4>[    0.550000] igb 0000:01:00.0: 1 VFs already enabled. Disable before enabling 2 VFs
    ");
}

#[tokio::test(start_paused = true)]
async fn a_link_goes_down_and_comes_back_with_the_vfs_behind_it() {
    let host = simulator("igb", "igbvf", None);
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    let vf_up = host
        .run(&["ip", "link", "set", "dev", "enp1s0v0", "up"])
        .await
        .unwrap();
    assert!(vf_up.success());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let carrier = |name: &str| format!("/sys/class/net/{name}/carrier");
    assert_eq!(text(&host, &carrier("enp1s0v0")).await, "1");
    host.run(&["ip", "link", "set", "dev", "enp1s0", "down"])
        .await
        .unwrap();
    assert_eq!(raw(host.read(&carrier("enp1s0")).await), Err(Errno::EINVAL));
    assert_eq!(text(&host, &carrier("enp1s0v0")).await, "0");
    host.run(&["ip", "link", "set", "dev", "enp1s0", "up"])
        .await
        .unwrap();
    assert_eq!(text(&host, &carrier("enp1s0")).await, "0");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(text(&host, &carrier("enp1s0")).await, "1");
    assert_eq!(text(&host, &carrier("enp1s0v0")).await, "1");
}

#[tokio::test(start_paused = true)]
async fn an_mtu_is_kept_within_its_limits() {
    let host = simulator("igb", "igbvf", None);
    let set = async |mtu: &str| {
        host.run(&["ip", "link", "set", "dev", "enp1s0", "mtu", mtu])
            .await
            .unwrap()
    };
    assert_eq!(
        set("9217").await.stderr,
        "Error: mtu greater than device maximum."
    );
    assert_eq!(
        set("67").await.stderr,
        "Error: mtu less than device minimum."
    );
    assert!(set("9216").await.success());
    assert_eq!(text(&host, "/sys/class/net/enp1s0/mtu").await, "9216");
    let none = host
        .run(&["ip", "link", "set", "dev", "eth7", "up"])
        .await
        .unwrap();
    assert_eq!(
        (none.status, none.stderr.as_str()),
        (1, "Cannot find device \"eth7\"")
    );
}
