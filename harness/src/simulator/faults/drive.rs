//! The controllers of a drive, asked and told.

use super::super::Simulator;
use super::super::tests::{path, profile};
use super::{Fault, Interview};

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
        self.run(&["nvme", "virt-mgmt", "/dev/nvme1", "--cntlid=1", "--act=7"])
            .await;
        self.write("/sys/bus/pci/drivers/nvme/unbind", VF).await;
    }

    async fn virt_mgmt(&mut self, [cntlid, rt, act, nr]: [&str; 4]) {
        let options = [("cntlid", cntlid), ("rt", rt), ("act", act), ("nr", nr)];
        let options = options.map(|(name, value)| format!("--{name}={value}"));
        let mut words = vec!["nvme", "virt-mgmt", "/dev/nvme0"];
        words.extend(options.iter().map(String::as_str));
        self.run(&words).await;
        self.identified().await;
    }

    async fn identified(&mut self) {
        for what in ["id-ctrl", "primary-ctrl-caps", "list-secondary"] {
            self.run(&["nvme", what, "/dev/nvme0", "--output-format=binary"])
                .await;
        }
    }
}
