//! How many frames a VF and an emulated card of a guest carry.

use std::fmt::Write as _;

use tokio::time::timeout;

use super::Interview;
use super::guests::PATIENCE;
use crate::guest::{Files, Model, Told, emulated};
use crate::machine::Host;

/// The interface of the PF.
const PF: &str = "enp1s0";

impl Interview {
    /// A guest that has a VF gets an emulated card too, sends by both, is sent to by the PF, and gives the card back.
    pub(super) async fn streamed(&mut self) {
        let file = Files::of("a").plug;
        let xml = emulated(PF, Model::E1000e);
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
            for _ in 0..16 {
                let both = stream((guest.as_ref(), net), (&self.host, PF)).await;
                let _ = writeln!(self.answers, "{net}: {both}");
            }
        }
        self.limited(guest.as_ref()).await;
        let crowd = crowd((&self.host, PF), (guest.as_ref(), ["eth0", "emu0"])).await;
        let _ = writeln!(self.answers, "both at once: {crowd}");
        let (here, there) = ((&self.host as &dyn Host, PF), (guest.as_ref(), "eth0"));
        let back = stream(here, there).await;
        let both_ways = tokio::join!(stream(here, there), stream(there, here));
        let stat = self.host.read("/proc/stat").await;
        let _ = writeln!(self.answers, "{PF}: {back} {both_ways:?} {stat:?}");
        let xml = self.host.run(&["virsh", "dumpxml", "a"]).await.unwrap();
        let told = Told::parse(&xml.text()).unwrap_or_default();
        let mac = told.direct.first().cloned().unwrap_or_default();
        let words = ["detach-interface", "a", "direct", "--mac", &mac, "--live"];
        self.virsh(&words).await;
    }
}

impl Interview {
    /// The VF of a guest sends with a limit, which is taken away again.
    async fn limited(&mut self, guest: &dyn Host) {
        let limit = ["ip", "link", "set", "dev", PF, "vf", "0", "max_tx_rate"];
        self.run(&[&limit[..], &["100"]].concat()).await;
        let limited = stream((guest, "eth0"), (&self.host, PF)).await;
        let _ = writeln!(self.answers, "limited: {limited}");
        self.run(&[&limit[..], &["0"]].concat()).await;
        let partner = "/proc/self/exe traffic ask --interface eth0 --to 02:00:00:00:00:fe -- about";
        let asked = guest.run(&partner.split(' ').collect::<Vec<_>>()).await;
        let _ = writeln!(self.answers, "partner: {asked:?}");
    }
}

/// Two interfaces of a guest send to a machine at once.
async fn crowd((far, to): (&dyn Host, &str), (near, from): (&dyn Host, [&str; 2])) -> String {
    let address = far.read(&format!("/sys/class/net/{to}/address")).await;
    let address = String::from_utf8(address.unwrap_or_default()).unwrap();
    let receive = format!(
        "/proc/self/exe traffic receive --interface {to} --meet --senders 2 --flows 2 --seconds 5 --json"
    );
    let [one, other] = from.map(|name| {
        format!(
            "/proc/self/exe traffic send --interface {name} --to {} --meet --size 1514 --seconds 1 --json",
            address.trim()
        )
    });
    let [receive, one, other]: [Vec<&str>; 3] =
        [&receive, &one, &other].map(|line| line.split(' ').collect());
    let all = tokio::join!(far.run(&receive), near.run(&one), near.run(&other));
    format!("{all:?}")
}

/// One side sends to the other, each of them a machine and an interface there.
async fn stream((near, from): (&dyn Host, &str), (far, to): (&dyn Host, &str)) -> String {
    let path = format!("/sys/class/net/{to}/address");
    let address = timeout(PATIENCE, far.read(&path)).await;
    let address = String::from_utf8(address.ok().and_then(Result::ok).unwrap_or_default()).unwrap();
    let receive =
        format!("/proc/self/exe traffic receive --interface {to} --meet --seconds 5 --json");
    let send = format!(
        "/proc/self/exe traffic send --interface {from} --to {} --meet --size 1514 --seconds 1 --json",
        address.trim()
    );
    let [receive, send]: [Vec<&str>; 2] = [&receive, &send].map(|line| line.split(' ').collect());
    let both = tokio::join!(far.run(&receive), near.run(&send));
    format!("{both:?}")
}
