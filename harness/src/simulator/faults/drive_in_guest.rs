//! What a guest says of a drive that it has, and the drive of the guest.

use std::fmt::Write as _;

use tokio::time::{sleep, timeout};

use super::Interview;
use super::guests::PATIENCE;
use crate::guest::{Files, hostdev, virtio_disk};
use crate::machine::Host as _;

const VF: &str = "0000:01:00.1";

impl Interview {
    /// The VF has a namespace, and the machine's driver.
    pub(super) async fn drive_in_guest(&mut self) {
        self.start("a").await;
        sleep(PATIENCE).await;
        self.plug(&hostdev(VF.parse().unwrap())).await;
        self.drive_inside("/dev/nvme0n2").await;
        let both = "nvme attach-ns /dev/nvme0 --namespace-id=2 --controllers=0";
        self.run(&both.split(' ').collect::<Vec<_>>()).await;
        self.plug(&virtio_disk("/dev/nvme0n2", 512)).await;
        self.drive_inside("/dev/vda").await;
        self.data(("write --overwrite", 2)).await;
        let file = Files::of("a").plug;
        let xml = hostdev(VF.parse().unwrap());
        self.host.put(&file, Some(xml.as_bytes())).await.unwrap();
        self.virsh(&["detach-device", "a", &file, "--live", "--config"])
            .await;
        self.data(("verify", 2)).await;
        self.drive_killed().await;
    }

    async fn drive_killed(&mut self) {
        self.plug(&hostdev(VF.parse().unwrap())).await;
        let pid = self.host.read("/run/libvirt/qemu/a.pid").await;
        let pid = String::from_utf8(pid.unwrap_or_default()).unwrap();
        let pid = pid.trim();
        let kill = format!("grep -qaF guest=a, /proc/{pid}/cmdline && kill -9 {pid}");
        self.run(&["sh", "-c", &kill]).await;
        self.identified().await;
        for words in [["destroy", "a"], ["undefine", "a"]] {
            self.virsh(&words).await;
        }
    }

    async fn plug(&mut self, xml: &str) {
        let file = Files::of("a").plug;
        self.host.put(&file, Some(xml.as_bytes())).await.unwrap();
        self.virsh(&["attach-device", "a", &file, "--live"]).await;
        sleep(PATIENCE).await;
    }

    /// What the guest makes of a disk.
    async fn drive_inside(&mut self, device: &str) {
        let guest = self.guest().await;
        for folder in ["/dev", "/sys/bus/pci/devices", "/sys/block"] {
            let listed = timeout(PATIENCE, guest.list(folder)).await;
            let _ = writeln!(self.answers, "guest's {folder}: {listed:?}");
        }
        for what in [
            "write --overwrite",
            "verify",
            "rate --seconds 1",
            "rate --seconds 1",
        ] {
            let line = format!(
                "/proc/self/exe blocks {what} --device {device} --seed 9 --first 0 --count 8"
            );
            let words: Vec<&str> = line.split(' ').collect();
            let output = timeout(PATIENCE, guest.run(&words)).await;
            let _ = writeln!(self.answers, "guest$ {line}: {output:?}");
        }
    }
}
