//! How many frames a VF and an emulated card of a guest carry.

use std::fmt::Write as _;

use tokio::time::timeout;

use super::Interview;
use super::guests::PATIENCE;
use crate::guest::{Files, Model, Told, emulated};
use crate::machine::Host;

impl Interview {
    /// A guest that has a VF gets an emulated card too, sends by both, and gives the card back.
    pub(super) async fn streamed(&mut self) {
        let file = Files::of("a").plug;
        let xml = emulated("enp1s0", Model::E1000e);
        let _ = self.host.put(&file, Some(xml.as_bytes())).await;
        self.virsh(&["attach-device", "a", &file, "--live"]).await;
        self.told().await;
        let guest = self.guest().await;
        for net in ["eth0", "emu0"] {
            let at = format!("/sys/class/net/{net}");
            let flags = format!("{at}/flags");
            let _ = timeout(PATIENCE, guest.write(&flags, b"0x1003")).await;
            let path = format!("{at}/carrier");
            let carrier = timeout(PATIENCE, guest.read(&path)).await;
            let _ = writeln!(self.answers, "{net}: {carrier:?}");
            for _ in 0..2 {
                self.stream(net).await;
            }
        }
        let xml = self.host.run(&["virsh", "dumpxml", "a"]).await.unwrap();
        let told = Told::parse(&xml.text()).unwrap_or_default();
        let mac = told.direct.first().cloned().unwrap_or_default();
        let words = ["detach-interface", "a", "direct", "--mac", &mac, "--live"];
        self.virsh(&words).await;
    }

    async fn stream(&mut self, net: &str) {
        let guest = self.guest().await;
        let pf = self.host.read("/sys/class/net/enp1s0/address").await;
        let pf = String::from_utf8(pf.unwrap_or_default()).unwrap();
        let receive = "/proc/self/exe traffic receive --interface enp1s0 --meet --seconds 5 --json";
        let send = format!(
            "/proc/self/exe traffic send --interface {net} --to {} --meet --size 1514 --seconds 1 --json",
            pf.trim()
        );
        let [receive, send]: [Vec<&str>; 2] =
            [receive, &send].map(|line| line.split(' ').collect());
        let both = tokio::join!(self.host.run(&receive), guest.run(&send));
        let _ = writeln!(self.answers, "{net}: {both:?}");
    }
}
