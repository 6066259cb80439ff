//! No fault is idle: each shows somewhere in what can be read, written and run.

mod drive;
mod drive_in_guest;
mod guests;
mod streams;

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::tests::{path, profile};
use super::{Fault, Simulator};
use crate::machine::Host;

const MANY_CLAIMS: &str = "total_vfs = 6\nvf_msix = 5\nmax_mtu = 9000\nvf_reset = ['flr']";
const VF0: &str = "/sys/bus/pci/devices/0000:01:10.0";
/// A command that has not ended by then never does.
const FOR_EVER: Duration = Duration::from_mins(5);
const DRIVERS: &str = "/sys/bus/pci/drivers";

/// What the machine says to one and the same sequence of questions.
struct Interview {
    host: Simulator,
    answers: String,
}

impl Interview {
    async fn with(fault: Option<Fault>) -> String {
        let host = Simulator::new(&profile("mock_nic", "mock_nic_vf", MANY_CLAIMS), fault);
        let mut interview = Self {
            host,
            answers: String::new(),
        };
        interview.machine().await;
        interview.device().await;
        interview.counts().await;
        interview.vf().await;
        interview.guests().await;
        interview.use_over_time().await;
        interview.over_restarts().await;
        interview.answers
    }

    async fn machine(&mut self) {
        for file in [
            "/proc/cmdline",
            "/proc/interrupts",
            "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
        ] {
            self.read(file).await;
        }
        self.read("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts")
            .await;
        for folder in [
            "/dev",
            "/sys/firmware/acpi/tables",
            "/sys/class/iommu",
            "/sys/kernel/iommu_groups/1/devices",
        ] {
            self.list(folder).await;
        }
        self.run(&["uname", "-m"]).await;
        self.run(&["virsh", "version"]).await;
        self.run(&["modinfo", "-n", "vfio-pci"]).await;
    }

    async fn device(&mut self) {
        for file in ["config", "resource", "sriov_totalvfs", "sriov_vf_device"] {
            self.read(&path(file)).await;
        }
        self.read("/sys/bus/pci/devices/0000:00:03.0/config").await;
        self.read("/sys/class/net/enp1s0/carrier").await;
    }

    async fn counts(&mut self) {
        for count in ["6", "7", "5", "6", "0", "junk", "2", "0", "0"] {
            self.numvfs(count).await;
        }
        let at = path("sriov_numvfs");
        let both = tokio::join!(self.host.write(&at, b"1"), self.host.write(&at, b"2"));
        let _ = writeln!(self.answers, "both {both:?}");
        self.numvfs("0").await;
    }

    async fn vf(&mut self) {
        self.write(&path("sriov_drivers_autoprobe"), "0").await;
        self.numvfs("2").await;
        self.list("/sys/kernel/iommu_groups").await;
        self.list(VF0).await;
        self.read(&format!("{VF0}/config")).await;
        for (name, text) in [
            ("reset_method", "flr"),
            ("reset", "1"),
            ("driver_override", "mock_nic_vf"),
        ] {
            self.write(&format!("{VF0}/{name}"), text).await;
        }
        self.read(&format!("{VF0}/config")).await;
        self.write(&format!("{DRIVERS}/mock_nic_vf/bind"), "0000:01:10.0")
            .await;
        self.numvfs("0").await;
        self.write(&path("sriov_drivers_autoprobe"), "1").await;
    }

    async fn link(&mut self, path: &str) {
        let answer = self.host.link(path).await;
        let _ = writeln!(self.answers, "readlink {path}: {answer:?}");
    }

    async fn use_over_time(&mut self) {
        for _ in 0..5 {
            self.numvfs("3").await;
            self.numvfs("0").await;
        }
        self.numvfs("2").await;
        for setting in [["mtu", "8999"], ["mtu", "9001"]] {
            self.run(&["ip", "link", "set", "dev", "enp1s0", setting[0], setting[1]])
                .await;
        }
        for state in ["down", "up"] {
            self.run(&["ip", "link", "set", "dev", "enp1s0", state])
                .await;
        }
        sleep(Duration::from_secs(5)).await;
        self.run(&["ip", "-j", "-d", "link", "show"]).await;
        self.list(&path("")).await;
        for action in ["unbind", "bind"] {
            self.write(&format!("{DRIVERS}/mock_nic/{action}"), "0000:01:00.0")
                .await;
            self.read(&path("sriov_numvfs")).await;
        }
        self.run(&["dmesg", "-r"]).await;
    }

    async fn over_restarts(&mut self) {
        let path = "/etc/udev/rules.d/a.rules";
        let rule = r#"ACTION=="add", SUBSYSTEM=="net", KERNELS=="0000:01:00.0", ATTR{device/sriov_numvfs}="2""#;
        self.host.put(path, Some(rule.as_bytes())).await.unwrap();
        self.restart().await;
        self.host.put(path, None).await.unwrap();
        self.restart().await;
    }

    async fn restart(&mut self) {
        self.host.reboot().await.unwrap();
        for file in ["osrelease", "random/boot_id"] {
            self.read(&format!("/proc/sys/kernel/{file}")).await;
        }
        for folder in [
            "/sys/bus/pci/devices",
            "/sys/kernel/iommu_groups",
            "/sys/class/net",
        ] {
            self.list(folder).await;
        }
        self.read(&path("sriov_numvfs")).await;
        self.read(&format!("{VF0}/net/enp1s0v0/addr_assign_type"))
            .await;
        let seen = format!("--path={VF0}");
        self.run(&["udevadm", "info", "--query=property", &seen])
            .await;
        self.run(&["dmesg", "-r"]).await;
    }

    async fn numvfs(&mut self, count: &str) {
        self.write(&path("sriov_numvfs"), count).await;
        self.read(&path("sriov_numvfs")).await;
    }

    async fn write(&mut self, path: &str, text: &str) {
        let start = tokio::time::Instant::now();
        let answer = self.host.write(path, text.as_bytes()).await;
        let _ = writeln!(
            self.answers,
            "{text} > {path}: {answer:?}, {:?}",
            start.elapsed()
        );
    }

    async fn read(&mut self, path: &str) {
        let answer = self.host.read(path).await;
        let _ = writeln!(self.answers, "< {path}: {answer:?}");
    }

    async fn list(&mut self, path: &str) {
        let answer = self.host.list(path).await;
        let _ = writeln!(self.answers, "ls {path}: {answer:?}");
    }

    async fn run(&mut self, argv: &[&str]) {
        let Ok(output) = timeout(FOR_EVER, self.host.run(argv)).await else {
            let _ = writeln!(self.answers, "$ {argv:?} hangs");
            return;
        };
        let output = output.unwrap();
        let _ = writeln!(
            self.answers,
            "$ {argv:?} {} {} {}",
            output.status,
            output.text(),
            output.stderr
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_shows_and_a_good_machine_answers_the_same_each_time() {
    let good = (Interview::with(None).await, Interview::of_drive(None).await);
    let again = (Interview::with(None).await, Interview::of_drive(None).await);
    assert_eq!(good, again);
    for fault in Fault::ALL {
        let of_drive = Interview::of_drive(Some(*fault)).await;
        let changed = of_drive != good.1 || Interview::with(Some(*fault)).await != good.0;
        assert!(changed, "{fault} changes nothing");
    }
}
