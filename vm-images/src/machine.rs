//! The lab host as a machine: what a caller chooses, and the QEMU command that follows from it.

use std::path::{Path, PathBuf};

use crate::acceleration::Acceleration;
use crate::fault::LabFault;
use crate::image::Image;
use crate::monitor;
use crate::nvme;
use crate::qemu::Qemu;

/// Who uses the lab host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Session {
    /// The program `run` of the payload folder; its output comes line by line, the console goes to a file.
    Payload {
        /// Where the console's log goes.
        serial_log: PathBuf,
    },
    /// A person, at the console in this terminal.
    Person,
}

/// What a caller chooses about the lab host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabSpec {
    /// What is wrong with it.
    pub faults: Vec<LabFault>,
    /// How its instructions run.
    pub acceleration: Acceleration,
    /// Its memory. 2048 is enough for the suite; every nested guest comes on top.
    pub memory_mib: u32,
    /// Its processors.
    pub cpus: u32,
    /// How many VFs its `NVMe` controller has: 1 to 32.
    pub nvme_vfs: u8,
    /// The folder it sees as `/payload`, read-only.
    pub payload: PathBuf,
    /// The folder it sees as `/results` and writes to.
    pub results: PathBuf,
    /// Who uses it.
    pub session: Session,
}

/// The whole command that boots the lab host: program first.
pub fn command_line(spec: &LabSpec, image: &Image, qemu: &Qemu) -> Vec<String> {
    let mut command = qemu.command(image);
    command.extend(board(spec));
    command.extend(kernel(spec, image));
    command.extend(console(&spec.session));
    command.extend(disks(spec, image));
    command.extend(shares(spec));
    command.extend(devices_under_test(spec));
    command
}

/// A q35 board with an IOMMU that also remaps interrupts, which needs the split irqchip under KVM, and without the parts
/// no check looks at. A reset restarts it in place: whether it may is for whoever follows it to say.
fn board(spec: &LabSpec) -> Vec<String> {
    let mut options = split(
        "-nodefaults -no-user-config -display none \
         -machine q35,kernel-irqchip=split,sata=off,smbus=off,i8042=off,vmport=off,pit=off -device intel-iommu,intremap=on",
    );
    options.extend(spec.acceleration.options().map(str::to_owned));
    if spec.faults.contains(&LabFault::NoKvm) {
        // No processor has both (VMX is Intel's, SVM is AMD's).
        options
            .last_mut()
            .into_iter()
            .for_each(|cpu| *cpu += ",-vmx,-svm");
    }
    options.extend([
        "-smp".into(),
        spec.cpus.to_string(),
        "-m".into(),
        spec.memory_mib.to_string(),
    ]);
    options
}

/// Not `quiet`: the console's log is the evidence when a boot fails, and writing it costs no time that could be measured.
fn kernel(spec: &LabSpec, image: &Image) -> Vec<String> {
    let mut line = vec![KERNEL_LINE];
    line.push(if spec.faults.contains(&LabFault::NoIommu) {
        "intel_iommu=off"
    } else {
        "intel_iommu=on iommu=pt"
    });
    line.push(match spec.session {
        Session::Payload { .. } => "systemd.unit=sriov-lab.target",
        Session::Person => "systemd.unit=multi-user.target",
    });
    let (kernel, initramfs) = (text(&image.kernel()), text(&image.initramfs()));
    vec![
        "-kernel".into(),
        kernel,
        "-initrd".into(),
        initramfs,
        "-append".into(),
        line.join(" "),
    ]
}

/// The clock of a busy emulator misleads the kernel in three ways:
///
/// * It tests the timer interrupt early and panics when that comes late, "timer doesn't work through Interrupt-remapped
///   IO-APIC" (arch/x86/kernel/apic/io_apic.c, `check_timer`): 2 of 30 boots, none of 40 with `no_timer_check`.
/// * It measures the TSC against the PIT and may be wrong by a factor of a hundred, so that all its time and its delays run
///   too fast (arch/x86/kernel/tsc.c, `pit_hpet_ptimer_calibrate_cpu`): 24 MHz and 900 MHz for 2596 MHz were seen. Without
///   a PIT it takes the HPET: none of 25 boots was off by more than an eighth, so `clocksource=hpet` keeps the time.
/// * Its watchdog over the TSC writes warnings about the load, which `tsc=reliable` turns off.
const KERNEL_LINE: &str = "console=ttyS0 root=/dev/vda rw mitigations=off panic=-1 \
    no_timer_check clocksource=hpet tsc=reliable";

/// The payload's output has a port of its own: a login prompt on the console would hang up whoever writes there.
fn console(session: &Session) -> Vec<String> {
    match session {
        Session::Person => split("-serial mon:stdio"),
        Session::Payload { serial_log } => {
            let mut options = vec!["-serial".into(), format!("file:{}", escaped(serial_log))];
            options.extend(split(
                "-device virtio-serial-pci -chardev file,id=output,path=/dev/stdout \
                 -device virtserialport,chardev=output,name=lab.output",
            ));
            options.extend(split(monitor::OPTIONS));
            options
        }
    }
}

/// `snapshot=on`: a reboot of the lab host keeps what it wrote, the next start of QEMU begins with the image again.
fn disks(spec: &LabSpec, image: &Image) -> Vec<String> {
    let drive = |path: &Path, id: &str| {
        format!(
            "file={},if=none,id={id},format=raw,snapshot=on,cache=unsafe",
            escaped(path)
        )
    };
    let mut options = vec![
        "-drive".into(),
        drive(&image.root_disk(), "root"),
        "-device".into(),
        "virtio-blk-pci,drive=root".into(),
    ];
    // One empty file is enough: what is written to one of them goes to a file of its own, and is gone with QEMU.
    for nsid in nvme::namespaces(spec.nvme_vfs) {
        let id = namespace_drive(nsid);
        options.extend(["-drive".into(), drive(&image.nvme_disk(), &id)]);
    }
    options
}

/// The drive that a namespace's blocks are on.
fn namespace_drive(nsid: u32) -> String {
    format!("namespace{nsid}")
}

/// `security_model=none`: what the lab host's root writes belongs to whoever started QEMU.
fn shares(spec: &LabSpec) -> Vec<String> {
    let share = |name: &str, path: &Path, mode: &str| {
        let source = format!(
            "local,id={name},path={},security_model=none{mode}",
            escaped(path)
        );
        let device = format!("virtio-9p-pci,fsdev={name},mount_tag={name}");
        ["-fsdev".into(), source, "-device".into(), device]
    };
    let mut options = share("payload", &spec.payload, ",readonly=on").to_vec();
    options.extend(share("results", &spec.results, ""));
    options
}

/// The port `port<number>` for one device: a root port, with Access Control Services.
fn root_port(number: u8) -> String {
    format!("-device pcie-root-port,id=port{number},chassis={number},slot={number}")
}

/// The ports that the cable joins, by their addresses in the lab host where its adapters are below root ports.
pub const CABLE: [&str; 2] = ["0000:01:00.0", "0000:02:00.0"];

/// The same below a switch: QEMU's XIO3130 has no Access Control Services in its downstream ports.
fn port_of_switch(number: u8) -> String {
    format!(
        "-device pcie-root-port,id=root{number},chassis={number},slot={number} \
         -device x3130-upstream,id=switch{number},bus=root{number} \
         -device xio3130-downstream,id=port{number},bus=switch{number},chassis=1{number},slot=1{number}"
    )
}

/// Two 82576 ports joined by a cable and an NVMe controller, each below its own root port: a second function-0 device on
/// one port would not be found.
fn devices_under_test(spec: &LabSpec) -> Vec<String> {
    let port = if spec.faults.contains(&LabFault::NoAcs) {
        port_of_switch
    } else {
        root_port
    };
    let mut options = Vec::new();
    for number in 1..=3 {
        options.extend(split(&port(number)));
    }
    for port in 1..=2 {
        options.extend([
            "-netdev".into(),
            format!("hubport,id=cable{port},hubid=0"),
            "-device".into(),
        ]);
        options.push(format!(
            "igb,id=nic{port},bus=port{port},netdev=cable{port},mac=52:54:00:00:0{port}:01,romfile="
        ));
    }
    options.extend(split(&nvme::controller(spec.nvme_vfs)));
    for nsid in nvme::namespaces(spec.nvme_vfs) {
        options.extend(split(&nvme::namespace(nsid, &namespace_drive(nsid))));
    }
    options
}

fn split(options: &str) -> Vec<String> {
    options.split_whitespace().map(str::to_owned).collect()
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A path inside an option of several keys: QEMU reads a doubled comma as one.
fn escaped(path: &Path) -> String {
    text(path).replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(faults: &[LabFault], session: Session) -> LabSpec {
        LabSpec {
            faults: faults.to_vec(),
            acceleration: Acceleration::Tcg {
                reason: "no /dev/kvm".into(),
            },
            memory_mib: 2048,
            cpus: 2,
            nvme_vfs: nvme::NVME_VFS,
            payload: "/out/payload".into(),
            results: "/out/results".into(),
            session,
        }
    }

    fn command(spec: &LabSpec) -> String {
        command_line(spec, &Image::at("/cache/lab".into()), &Qemu::OfImage)
            .join(" ")
            .replace(" -", "\n-")
    }

    fn payload() -> Session {
        Session::Payload {
            serial_log: "/out/serial.log".into(),
        }
    }

    #[test]
    fn a_sound_host() {
        insta::assert_snapshot!(command(&spec(&[], payload())));
    }

    /// What one choice changes: the lines that are gone and those that are new.
    fn difference(from: &str, to: &str) -> String {
        let gone = from
            .lines()
            .filter(|line| !to.lines().any(|other| other == *line))
            .map(|line| format!("- {line}"));
        let new = to
            .lines()
            .filter(|line| !from.lines().any(|other| other == *line))
            .map(|line| format!("+ {line}"));
        gone.chain(new).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_fault_changes_one_thing() {
        let sound = command(&spec(&[], payload()));
        let faults = LabFault::ALL.map(|fault| {
            let machine = difference(&sound, &command(&spec(&[fault], payload())));
            let all = [fault.name(), &machine, fault.spoils().trim()];
            let told: Vec<&str> = all.into_iter().filter(|text| !text.is_empty()).collect();
            told.join("\n")
        });
        insta::assert_snapshot!(faults.join("\n\n"));
    }

    #[test]
    fn another_number_of_vfs_has_other_resources_and_namespaces() {
        let sound = command(&spec(&[], payload()));
        let one = LabSpec {
            nvme_vfs: 1,
            ..spec(&[], payload())
        };
        insta::assert_snapshot!(difference(&sound, &command(&one)));
    }

    #[test]
    fn a_person_sits_at_the_console() {
        let sound = command(&spec(&[], payload()));
        insta::assert_snapshot!(difference(&sound, &command(&spec(&[], Session::Person))));
    }

    #[test]
    fn kvm_takes_the_processor_as_it_is() {
        let kvm = LabSpec {
            acceleration: Acceleration::Kvm,
            ..spec(&[], payload())
        };
        assert!(command(&kvm).contains("-accel kvm\n-cpu host\n"));
    }

    #[test]
    fn another_qemu_takes_the_place_of_the_images_own() {
        let other = Qemu::Program("/opt/qemu".into());
        let words = command_line(
            &spec(&[], payload()),
            &Image::at("/cache/lab".into()),
            &other,
        );
        assert_eq!(words[..2], ["/opt/qemu", "-nodefaults"]);
    }

    #[test]
    fn a_comma_in_a_path_stays_one_path() {
        let comma = LabSpec {
            results: "/a,b".into(),
            ..spec(&[], payload())
        };
        assert!(command(&comma).contains("path=/a,,b,security_model"));
    }
}
