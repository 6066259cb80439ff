//! A good 82576 on a good Intel host, as plain data, and a way to ask a check about it.
//!
//! The numbers are made up after the emulated card of QEMU. [`recorded`] has its real config space instead.

use std::collections::BTreeSet;
use std::io;
use std::rc::Rc;

use async_trait::async_trait;
use futures_util::FutureExt;
use harness::bench::{Bench, Log};
use harness::check::{Check, Problem};
use harness::facts::{
    Cpu, DeviceFacts, Distribution, Driver, Facts, HostFacts, IommuFacts, IommuGroup, IommuKind,
    IommuTable, NetFacts, Port, SriovFacts, VfWindow, VfioFacts, Virtualization,
};
use harness::machine::{Host, Output};
use harness::pci::capability::{
    Acs, AcsControl, Express, Link, LinkSpeed, MsiX, PortType, Serial, SrIov, VfBar,
};
use harness::pci::{Bdf, Capabilities, ConfigSpace, PciIds};
use harness::profile::{Claims, Drivers, Kind, PciMatch, Profile};
use reports::{Durability, Journal};

use crate::simulated::scratch;

/// Asks a check. `Ok` has its notes; `Err` is `code: message`, or `bench: message` where nobody found anything.
pub(super) fn ask(check: &Check, profile: Profile, facts: Facts) -> Result<Vec<String>, String> {
    let folder = scratch().unwrap();
    let journal = Journal::create(folder.path(), Durability::Process, "b").unwrap();
    let mut bench = Bench::new(
        Rc::new(Nowhere),
        Rc::new(profile),
        Rc::new(facts),
        Log::new(journal),
    );
    bench.log.begin(check.id).unwrap();
    let answer = (check.parts[0])(&mut bench)
        .now_or_never()
        .expect("these checks wait for nothing");
    match answer {
        Ok(()) if bench.log.assertions() == 0 => panic!("{} asserted nothing", check.id),
        Ok(()) => Ok(bench.log.notes()),
        Err(Problem::Found { finding, message }) => {
            assert!(
                check.findings.contains(&finding),
                "{} does not list {}",
                check.id,
                finding.code
            );
            Err(format!("{}: {message}", finding.code))
        }
        Err(Problem::Bench(error)) => Err(format!("bench: {error}")),
    }
}

pub(super) fn profile() -> Profile {
    let any = PciMatch {
        vendor: 0x8086,
        device: 0x10c9,
        subsystem_vendor: None,
        subsystem_device: None,
        revision: None,
    };
    Profile {
        id: "intel-82576".into(),
        name: "Intel 82576".into(),
        kind: Kind::Nic,
        source: "RHEL 9, 14.7.3".into(),
        matches: vec![any],
        driver: Drivers {
            pf: "igb".into(),
            vf: "igbvf".into(),
        },
        vf_devices: vec![0x10ca],
        unsupported_architectures: Vec::new(),
        claims: Claims {
            total_vfs: Some(7),
            ..Claims::default()
        },
        sources: std::collections::BTreeMap::default(),
        known_issues: Vec::new(),
        warnings: Vec::new(),
        kernel_log: Vec::new(),
    }
}

pub(super) fn facts() -> Facts {
    Facts {
        host: host(),
        device: device(),
        second: None,
    }
}

/// With the capabilities that a device and its root port really showed in the lab.
pub(super) fn recorded(device: &[u8], port: &[u8], windows: Vec<VfWindow>) -> Facts {
    let read = |bytes: &[u8]| Capabilities::read(&ConfigSpace::new(bytes.to_vec()));
    let mut facts = facts();
    facts.device.capabilities = read(device);
    facts.device.path[0].capabilities = read(port);
    facts.device.path[0].subordinate_bus = 1;
    facts.device.vf_windows = windows;
    facts
}

fn host() -> HostFacts {
    HostFacts {
        kernel: "6.12.107+deb13-amd64".into(),
        architecture: "x86_64".into(),
        command_line: "root=/dev/vda rw intel_iommu=on iommu=pt".into(),
        distribution: Distribution {
            id: "debian".into(),
            ..Distribution::default()
        },
        cpu: Cpu {
            vendor: "GenuineIntel".into(),
            model: "Xeon".into(),
            virtualization: true,
            hypervisor: false,
        },
        iommu: IommuFacts {
            table: Some(IommuTable {
                kind: IommuKind::VtD,
                units: 1,
                interrupt_remapping: Some(true),
            }),
            table_error: None,
            units: vec!["dmar0".into()],
            groups: 7,
            interrupt_remapping: true,
        },
        vfio: VfioFacts {
            available: true,
            unsafe_interrupts: Some(false),
            noiommu: Some(false),
        },
        kvm: true,
        virtualization: Virtualization {
            libvirt: Some("11.3.0".into()),
            qemu: Some("10.0.13".into()),
            error: None,
        },
        root: true,
    }
}

pub(super) fn bdf(text: &str) -> Bdf {
    text.parse().unwrap()
}

fn device() -> DeviceFacts {
    let ids = PciIds {
        vendor: 0x8086,
        device: 0x10c9,
        subsystem_vendor: 0x1af4,
        subsystem_device: 0x1100,
        class: 0x02_0000,
        revision: 1,
    };
    let bdf = bdf("01:00.0");
    DeviceFacts {
        bdf,
        ids,
        config_ids: Some(ids),
        name: "Intel Corporation 82576 Gigabit Network Connection".into(),
        capabilities: capabilities(),
        path: vec![root_port("00:03.0")],
        driver: Some(Driver {
            name: "igb".into(),
            version: None,
            firmware: Some("1.1.0".into()),
        }),
        iommu_group: Some(IommuGroup {
            id: 12,
            members: vec![bdf],
        }),
        numa_node: None,
        physfn: None,
        sriov: Some(SriovFacts {
            totalvfs: 7,
            numvfs: 0,
            offset: 128,
            stride: 2,
            vf_device: 0x10ca,
            drivers_autoprobe: true,
        }),
        vf_windows: vec![window(0, 0x80_0000_0000), window(3, 0x80_0002_0000)],
        vfs: Vec::new(),
        net: vec![NetFacts {
            name: "enp1s0".into(),
            mac: "52:54:00:12:34:56".into(),
            up: true,
            carrier: Some(true),
            mtu: 1500,
            speed: Some(1000),
        }],
        nvme: None,
        reset_methods: vec!["flr".into(), "bus".into()],
        in_use: Vec::new(),
    }
}

fn window(bar: u8, start: u64) -> VfWindow {
    VfWindow {
        bar,
        start,
        end: start + 8 * 16 * 1024 - 1,
    }
}

/// A port with ARI forwarding and access control on, and a link as that of the card behind it.
pub(super) fn root_port(address: &str) -> Port {
    let mut express = express(PortType::RootPort);
    express.ari_forwarding_supported = true;
    express.ari_forwarding_enabled = true;
    let capabilities = Capabilities {
        express: Some(express),
        acs: Some(acs()),
        complete: true,
        ..Capabilities::default()
    };
    Port {
        bdf: bdf(address),
        capabilities,
        subordinate_bus: 2,
    }
}

fn acs() -> Acs {
    use AcsControl::{Cr, Rr, Sv, Tb, Uf};
    Acs {
        at: 0x148,
        capable: BTreeSet::from([Sv, Tb, Rr, Cr, Uf]),
        enabled: BTreeSet::from([Sv, Rr, Cr, Uf]),
    }
}

fn express(port: PortType) -> Express {
    let link = Some(Link {
        speed: Some(LinkSpeed::Gt5),
        width: 4,
    });
    Express {
        at: 0xa0,
        version: 2,
        port,
        function_level_reset: true,
        link_capability: link,
        link_status: link,
        ari_forwarding_supported: false,
        ari_forwarding_enabled: false,
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        express: Some(express(PortType::Endpoint)),
        msix: Some(MsiX {
            at: 0x70,
            vectors: 10,
            enabled: true,
            masked: false,
        }),
        serial: Some(Serial {
            at: 0x140,
            number: "52-54-00-ff-ff-12-34-56".into(),
        }),
        sriov: Some(sriov()),
        complete: true,
        ..Capabilities::default()
    }
}

fn sriov() -> SrIov {
    let bar = |index, raw| VfBar {
        index,
        raw,
        is_64bit: true,
        prefetchable: true,
    };
    SrIov {
        at: 0x160,
        vf_enable: false,
        vf_memory_enable: false,
        ari_hierarchy: true,
        initial_vfs: 8,
        total_vfs: 8,
        num_vfs: 0,
        function_link: 0,
        first_vf_offset: 128,
        vf_stride: 2,
        vf_device: 0x10ca,
        supported_page_sizes: 0x553,
        system_page_size: 1,
        vf_bars: vec![bar(0, 0x80_0000_000c), bar(3, 0x80_0002_000c)],
        migration: None,
    }
}

/// A machine on which nothing can be done: these checks only compute.
struct Nowhere;

#[async_trait(?Send)]
impl Host for Nowhere {
    async fn read(&self, _: &str) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn write(&self, _: &str, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn put(&self, _: &str, _: Option<&[u8]>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn list(&self, _: &str) -> io::Result<Vec<String>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn link(&self, _: &str) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn run(&self, _: &[&str]) -> io::Result<Output> {
        Err(io::ErrorKind::Unsupported.into())
    }

    async fn reboot(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
