//! What guests, libvirt and the machine say of each other.

use std::fmt::Write as _;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{DRIVERS, Interview, VF0, path};
use crate::guest::{Domain, Files, PING, Told, asks, primary, standby, starts};
use crate::machine::Host;
use crate::simulator::Simulator;

const VF: &str = "0000:01:10.0";
/// The addresses that libvirt gives the two VFs.
const MACS: [&str; 2] = ["52:54:00:00:01:80", "52:54:00:00:01:81"];
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

impl Interview {
    pub(super) async fn guests(&mut self) {
        let release = "/lib/modules/6.12.107+deb13-amd64";
        self.read(&format!("{release}/modules.dep")).await;
        self.numvfs("2").await;
        for name in ["a", "b"] {
            self.start(name).await;
        }
        self.handed_over().await;
        self.refused_to_others().await;
        self.looked_at().await;
        self.taken_back().await;
        self.removed_meanwhile().await;
        self.started_with().await;
        self.killed().await;
        self.beside().await;
        self.with_image().await;
        for name in ["a", "b"] {
            self.virsh(&["destroy", name]).await;
            self.virsh(&["undefine", name]).await;
        }
        self.numvfs("0").await;
    }

    pub(super) async fn start(&mut self, name: &str) {
        let domain = Domain {
            name: name.into(),
            memory: 256,
            image: None,
            spare_ports: 1,
        };
        let files = Files::of(&domain.name);
        let xml = domain.xml();
        for path in [&files.definition, &files.kernel, &files.initramfs] {
            let put = self.host.put(path, Some(xml.as_bytes())).await;
            let _ = writeln!(self.answers, "put {path}: {put:?}");
        }
        self.virsh(&["define", &files.definition]).await;
        self.virsh(&["start", name]).await;
    }

    /// A guest system, and how this program is started in it.
    async fn with_image(&mut self) {
        let Files {
            definition,
            overlay,
            program,
            ..
        } = Files::of("c");
        let image = Simulator::guest_system().image;
        let domain = Domain {
            name: "c".into(),
            memory: 256,
            image: Some(image.clone()),
            spare_ports: 1,
        };
        let xml = domain.xml();
        for path in [&definition, &program] {
            self.host.put(path, Some(xml.as_bytes())).await.unwrap();
        }
        let create = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2"];
        self.run(&[&create[..], &["-b", &image, &overlay]].concat())
            .await;
        self.virsh(&["define", &definition]).await;
        self.virsh(&["start", "c"]).await;
        sleep(PATIENCE).await;
        let asks = asks("{\"return\":{\"pid\":571}}").unwrap();
        for question in [PING, &starts("igbvf", ""), &asks] {
            self.virsh(&["qemu-agent-command", "c", question]).await;
        }
        self.virsh(&["destroy", "c"]).await;
        self.virsh(&["undefine", "c"]).await;
    }

    async fn handed_over(&mut self) {
        self.attach("a", VF, &["--live", "--config"]).await;
        self.attach("a", "0000:01:10.1", &["--live"]).await;
        self.list(VF0).await;
        self.told().await;
        self.inside().await;
        self.traffic().await;
        self.paired().await;
        self.streamed().await;
    }

    /// Frames from one card of the guest to the other.
    async fn traffic(&mut self) {
        let guest = self.guest().await;
        let up = guest.write("/sys/class/net/eth1/flags", b"0x1003");
        let _ = timeout(PATIENCE, up).await;
        let program = ["/proc/self/exe", "traffic"];
        let echo = ["echo", "--interface", "eth1", "--seconds", "20"];
        let ping = [
            "ping",
            "--interface",
            "eth0",
            "--to",
            MACS[1],
            "--largest",
            "1514",
        ];
        let echo = [&program[..], &echo].concat();
        let ping = [&program[..], &ping].concat();
        let both = tokio::join!(guest.run(&echo), guest.run(&ping));
        let _ = writeln!(self.answers, "traffic: {both:?}");
    }

    /// One of the guest's two cards makes way for one that is used together with an emulated interface.
    async fn paired(&mut self) {
        self.detach(MACS[1], &["--live"]).await;
        let file = Files::of("a").plug;
        let plug = ["attach-device", "a", &file, "--live"];
        let _ = self
            .host
            .put(&file, Some(standby("enp1s0").as_bytes()))
            .await;
        self.virsh(&plug).await;
        self.told().await;
        let xml = self.host.run(&["virsh", "dumpxml", "a"]).await.unwrap();
        let told = Told::parse(&xml.text()).unwrap_or_default();
        let mac = told.direct.first().cloned().unwrap_or_default();
        let vf = "0000:01:10.1".parse().unwrap();
        let _ = self
            .host
            .put(&file, Some(primary(vf, &mac).as_bytes()))
            .await;
        self.virsh(&plug).await;
        self.told().await;
        sleep(PATIENCE).await;
        self.by_pair(&mac).await;
        self.detach(&mac, &["--live"]).await;
        self.by_pair(&mac).await;
        let words = ["detach-interface", "a", "direct", "--mac", &mac, "--live"];
        self.virsh(&words).await;
        self.attach("a", "0000:01:10.1", &["--live"]).await;
    }

    /// Frames from the interface that is used together with others, to the PF.
    async fn by_pair(&mut self, mac: &str) {
        let guest = self.guest().await;
        for part in ["eth0/master", "eth1/master"] {
            let path = format!("/sys/class/net/{part}");
            let link = timeout(PATIENCE, guest.link(&path)).await;
            let _ = writeln!(self.answers, "{mac}: {link:?}");
        }
        let up = guest.write("/sys/class/net/pair0/flags", b"0x1003");
        let _ = timeout(PATIENCE, up).await;
        let echo = "/proc/self/exe traffic echo --interface pair0 --seconds 20";
        let ping =
            format!("/proc/self/exe traffic ping --interface enp1s0 --to {mac} --largest 1514");
        let [echo, ping]: [Vec<&str>; 2] = [echo, &ping].map(|line| line.split(' ').collect());
        let both = tokio::join!(guest.run(&echo), self.host.run(&ping));
        let counter = "/sys/class/net/eth1/statistics/rx_packets";
        let by_vf = timeout(PATIENCE, guest.read(counter)).await;
        let _ = writeln!(self.answers, "pair: {both:?}, by the VF: {by_vf:?}");
    }

    async fn refused_to_others(&mut self) {
        for name in ["a", "b"] {
            self.attach(name, VF, &["--live"]).await;
        }
        for verb in ["managedsave", "migrate"] {
            match verb {
                "migrate" => {
                    self.virsh(&[verb, "--live", "--unsafe", "a", "there"])
                        .await;
                }
                _ => self.virsh(&[verb, "a"]).await,
            }
        }
        self.start("a").await;
    }

    async fn looked_at(&mut self) {
        self.memory().await;
        self.virsh(&["setmem", "a", "131072", "--live"]).await;
        self.memory().await;
        self.virsh(&["setmem", "a", "262144", "--live"]).await;
        for verb in ["suspend", "resume"] {
            self.virsh(&[verb, "a"]).await;
            self.virsh(&["domstate", "a"]).await;
        }
        self.inside().await;
        let guest = self.guest().await;
        let restarted = timeout(PATIENCE, guest.reboot()).await;
        let _ = writeln!(self.answers, "reboot: {restarted:?}");
        self.inside().await;
        self.run(&["systemctl", "restart", "libvirtd.service"])
            .await;
        self.virsh(&["domstate", "a"]).await;
        self.told().await;
    }

    async fn taken_back(&mut self) {
        self.detach(MACS[1], &["--live"]).await;
        self.detach(MACS[0], &["--live", "--config"]).await;
        self.told().await;
        for kib in ["131072", "262144"] {
            self.virsh(&["setmem", "a", kib, "--live"]).await;
            self.memory().await;
        }
        self.list("/sys/class/net").await;
        let words = ["migrate", "--live", "--unsafe", "a", "there"];
        self.virsh(&words).await;
        self.run(&["ip", "-j", "link", "show", "dev", "enp1s0"])
            .await;
        self.link(&format!("{VF0}/driver")).await;
        self.run(&["ip", "link", "set", "dev", "enp1s0", "down"])
            .await;
        self.attach("b", VF, &["--live"]).await;
        self.link(&format!("{VF0}/driver")).await;
        self.run(&["ip", "link", "set", "dev", "enp1s0", "up"])
            .await;
    }

    async fn removed_meanwhile(&mut self) {
        self.attach("a", VF, &["--live", "--config"]).await;
        for count in ["1", "0"] {
            self.numvfs(count).await;
            self.told().await;
        }
        self.inside().await;
        self.virsh(&["destroy", "a"]).await;
        self.virsh(&["start", "a"]).await;
    }

    async fn started_with(&mut self) {
        self.virsh(&["destroy", "a"]).await;
        self.numvfs("1").await;
        self.attach("a", VF, &["--config"]).await;
        self.virsh(&["start", "a"]).await;
        self.told().await;
        self.write(&format!("{DRIVERS}/vfio-pci/unbind"), VF).await;
        self.read(&path("sriov_numvfs")).await;
    }

    /// A guest is killed while frames pass between another VF and the PF.
    async fn killed(&mut self) {
        self.virsh(&["destroy", "a"]).await;
        for count in ["0", "2"] {
            self.numvfs(count).await;
        }
        self.virsh(&["start", "a"]).await;
        self.run(&["ip", "link", "set", "dev", "enp1s0v1", "up"])
            .await;
        let pf = self.host.read("/sys/class/net/enp1s0/address").await;
        let pf = String::from_utf8(pf.unwrap_or_default()).unwrap();
        let pid = self.host.read("/run/libvirt/qemu/a.pid").await;
        let pid = String::from_utf8(pid.unwrap_or_default()).unwrap();
        let pid = pid.trim();
        let kill = format!("grep -qaF guest=a, /proc/{pid}/cmdline && kill -9 {pid}");
        let echo = "/proc/self/exe traffic echo --interface enp1s0";
        let ping = format!(
            "/proc/self/exe traffic ping --interface enp1s0v1 --to {} --largest 1514 --at-least 5",
            pf.trim()
        );
        let [echo, ping]: [Vec<&str>; 2] = [echo, &ping].map(|line| line.split(' ').collect());
        let kill = async {
            sleep(PATIENCE / 2).await;
            self.host.run(&["sh", "-c", &kill]).await
        };
        let all = tokio::join!(self.host.run(&echo), self.host.run(&ping), kill);
        let _ = writeln!(self.answers, "killed: {all:?}");
        self.virsh(&["domstate", "a"]).await;
        self.virsh(&["start", "a"]).await;
        self.inside().await;
    }

    /// The guest gets a VF of the second PF beside its own.
    async fn beside(&mut self) {
        let numvfs = "/sys/bus/pci/devices/0000:02:00.0/sriov_numvfs";
        self.read("/sys/class/net/enp2s0/carrier").await;
        self.write(numvfs, "1").await;
        self.attach("a", "0000:02:10.0", &["--live"]).await;
        self.told().await;
        self.inside().await;
        self.write(numvfs, "0").await;
        self.told().await;
    }

    async fn attach(&mut self, name: &str, vf: &str, when: &[&str]) {
        let words = ["attach-interface", name, "hostdev", vf, "--managed"];
        self.virsh(&[&words, when].concat()).await;
    }

    async fn detach(&mut self, mac: &str, when: &[&str]) {
        let words = ["detach-interface", "a", "hostdev", "--mac", mac];
        self.virsh(&[&words, when].concat()).await;
    }

    pub(super) async fn virsh(&mut self, words: &[&str]) {
        self.run(&[&["virsh"], words].concat()).await;
    }

    pub(super) async fn told(&mut self) {
        self.virsh(&["dumpxml", "a"]).await;
        self.virsh(&["dumpxml", "a", "--inactive"]).await;
        self.link(&format!("{VF0}/driver")).await;
    }

    /// The memory and the files of a guest's emulator.
    async fn memory(&mut self) {
        self.virsh(&["dommemstat", "a"]).await;
        let pid = self.host.read("/run/libvirt/qemu/a.pid").await;
        let pid = String::from_utf8(pid.unwrap_or_default()).unwrap();
        for part in ["status", "fd"] {
            let path = format!("/proc/{}/{part}", pid.trim());
            self.read(&path).await;
            self.list(&path).await;
        }
    }

    pub(super) async fn guest(&self) -> std::rc::Rc<dyn Host> {
        let socket = "/run/libvirt/qemu/channel/a/port";
        self.host.guest(socket).await.unwrap()
    }

    /// What the guest itself says, as far as it answers.
    async fn inside(&mut self) {
        let guest = self.guest().await;
        sleep(PATIENCE).await;
        let boot = guest.read("/proc/sys/kernel/random/boot_id");
        let boot = timeout(PATIENCE, boot).await;
        let _ = writeln!(self.answers, "guest: {boot:?}");
        let at = "/sys/bus/pci/devices";
        let drivers = "/sys/bus/pci/drivers";
        for path in [at, drivers, "/sys/bus/pci/devices/0000:02:00.0"] {
            let listed = timeout(PATIENCE, guest.list(path)).await;
            let _ = writeln!(self.answers, "guest: {listed:?}");
        }
        let net = "/sys/class/net/eth0";
        let flags = format!("{net}/flags");
        let _ = timeout(PATIENCE, guest.write(&flags, b"0x1003")).await;
        sleep(PATIENCE).await;
        for file in ["carrier", "address"] {
            let path = format!("{net}/{file}");
            let answer = timeout(PATIENCE, guest.read(&path)).await;
            let _ = writeln!(self.answers, "guest: {answer:?}");
        }
    }
}
