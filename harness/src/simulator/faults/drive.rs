//! The controllers of a drive, asked and told.

use super::super::Simulator;
use super::super::tests::{path, profile};
use super::{Fault, Interview};
use crate::machine::Host as _;

const VF: &str = "0000:01:00.1";

impl Interview {
    /// What a drive says of its controllers, and to commands right and wrong.
    pub(super) async fn of_drive(fault: Option<Fault>) -> String {
        let host = Simulator::new(
            &profile("nvme", "nvme", "total_vfs = 4\nvf_msix = 3"),
            fault,
        );
        let mut interview = Self {
            host,
            answers: String::new(),
        };
        interview.identified().await;
        for rt in ["0", "1"] {
            interview.virt_mgmt(["0", rt, "1", "0"]).await;
        }
        interview.write(&path("reset"), "1").await;
        interview.identified().await;
        // Nothing, VFs or not; then too much, nobody's and no action; then enough.
        interview.virt_mgmt(["1", "0", "9", "0"]).await;
        interview.write(&path("sriov_drivers_autoprobe"), "0").await;
        interview.numvfs("2").await;
        interview.virt_mgmt(["4", "0", "8", "4"]).await;
        interview.virt_mgmt(["1", "0", "8", "4"]).await;
        interview.virt_mgmt(["1", "1", "8", "3"]).await;
        interview.virt_mgmt(["1", "1", "8", "9"]).await;
        interview.virt_mgmt(["9", "0", "8", "1"]).await;
        interview.virt_mgmt(["1", "0", "5", "0"]).await;
        interview.virt_mgmt(["1", "0", "9", "0"]).await;
        interview.virt_mgmt(["1", "0", "8", "2"]).await;
        interview.with_driver().await;
        interview.virt_mgmt(["1", "0", "7", "0"]).await;
        interview.data(("verify", 2)).await;
        interview.virt_mgmt(["1", "0", "9", "0"]).await;
        interview.virt_mgmt(["2", "0", "8", "2"]).await;
        interview.numvfs("0").await;
        interview.identified().await;
        interview.namespaces(["detach-ns", "1"]).await;
        interview.namespaces(["attach-ns", "0"]).await;
        interview.data(("write --overwrite", 2)).await;
        let create = "nvme create-ns /dev/nvme0 --nsze=9 --ncap=9 --flbas=0 --nmic=1";
        for line in [create, "nvme delete-ns /dev/nvme0 --namespace-id=34"] {
            interview.run(&line.split(' ').collect::<Vec<_>>()).await;
            let list = "nvme admin-passthru /dev/nvme0 --cdw10=0x10";
            interview.run(&list.split(' ').collect::<Vec<_>>()).await;
        }
        interview.host.reboot().await.unwrap();
        interview.data(("verify", 2)).await;
        interview.answers
    }

    async fn with_driver(&mut self) {
        let device = format!("/sys/bus/pci/devices/{VF}");
        self.write(&format!("{device}/driver_override"), "nvme")
            .await;
        self.write("/sys/bus/pci/drivers/nvme/bind", VF).await;
        self.read(&format!("{device}/config")).await;
        for file in ["state", "cntlid", "queue_count"] {
            self.read(&format!("/sys/class/nvme/nvme1/{file}")).await;
        }
        for step in [["attach-ns", "2"], ["detach-ns", "2"], ["attach-ns", "1"]] {
            self.namespaces(step).await;
        }
        self.list(&format!("{device}/nvme/nvme1")).await;
        let third = "nvme attach-ns /dev/nvme0 --namespace-id=3 --controllers=2";
        self.run(&third.split(' ').collect::<Vec<_>>()).await;
        for step in [
            ("write --overwrite", 2),
            ("write --overwrite", 3),
            ("verify", 2),
            ("verify", 3),
        ] {
            self.data(step).await;
        }
        self.write(&format!("{device}/reset"), "1").await;
        self.identified().await;
        for step in [("verify", 2), ("verify", 3), ("write --overwrite", 2)] {
            self.data(step).await;
        }
        self.run(&["nvme", "virt-mgmt", "/dev/nvme1", "--cntlid=1", "--act=7"])
            .await;
        self.drive_in_guest().await;
    }

    /// Attaches or detaches the second namespace. The controllers of both VFs are asked which they see.
    async fn namespaces(&mut self, [command, cntlid]: [&str; 2]) {
        let cntlid = format!("--controllers={cntlid}");
        self.run(&["nvme", command, "/dev/nvme0", "--namespace-id=2", &cntlid])
            .await;
        for number in [0, 1] {
            let path = format!("/sys/class/nvme/nvme{number}/rescan_controller");
            self.write(&path, "1").await;
        }
        for device in ["/dev/nvme1", "/dev/nvme0"] {
            for cns in [
                "--cdw10=0x2",
                "--cdw10=0x10",
                "--cdw10=0x11",
                "--cdw10=0x12",
            ] {
                self.run(&["nvme", "admin-passthru", device, cns, "--namespace-id=2"])
                    .await;
            }
        }
    }

    pub(super) async fn data(&mut self, (command, nsid): (&str, u32)) {
        let line = format!(
            "/proc/self/exe blocks {command} --device /dev/nvme0n{nsid} --seed {nsid} --first 0 --count 8"
        );
        self.run(&line.split(' ').collect::<Vec<_>>()).await;
    }

    async fn virt_mgmt(&mut self, [cntlid, rt, act, nr]: [&str; 4]) {
        let options = [("cntlid", cntlid), ("rt", rt), ("act", act), ("nr", nr)];
        let options = options.map(|(name, value)| format!("--{name}={value}"));
        let mut words = vec!["nvme", "virt-mgmt", "/dev/nvme0"];
        words.extend(options.iter().map(String::as_str));
        self.run(&words).await;
        self.identified().await;
    }

    pub(super) async fn identified(&mut self) {
        for what in ["id-ctrl", "primary-ctrl-caps", "list-secondary"] {
            self.run(&["nvme", what, "/dev/nvme0", "--output-format=binary"])
                .await;
        }
    }
}
