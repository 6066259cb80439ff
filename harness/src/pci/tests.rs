//! Real functions: what is decoded from `lspci -xxxx` must be what `lspci -vvv` said of them at the same moment.
//! Recorded with pciutils in a QEMU 11.1 machine under Linux 6.12: a root port, an 82576 with two virtual functions, one of
//! these, and an `NVMe` controller with two.

use std::collections::BTreeSet;

use super::capability::{
    AcsControl, Aer, CorrectableError, Express, LinkSpeed, SrIov, UncorrectableError,
};
use super::dump::{self, DumpedFunction};
use super::*;

const BYTES: &str = include_str!("recorded/lab.xxxx.txt");
const DECODED: &str = include_str!("recorded/lab.vvv.txt");

fn functions() -> Vec<DumpedFunction> {
    dump::parse(BYTES).unwrap()
}

fn function(bdf: &str) -> DumpedFunction {
    functions()
        .into_iter()
        .find(|function| function.bdf == bdf.parse().unwrap())
        .unwrap()
}

/// The text of `lspci -vvv` about each function it was asked about.
fn cases() -> Vec<(Capabilities, String)> {
    let texts = DECODED.split("\n\n").filter(|text| !text.trim().is_empty());
    let case = |text: &str| {
        (
            Capabilities::read(&function(text.split(' ').next().unwrap().trim()).config),
            format!("{text}\n"),
        )
    };
    texts.map(case).collect()
}

fn sign(on: bool) -> char {
    if on { '+' } else { '-' }
}

fn assert_says(text: &str, expected: &str) {
    assert!(text.contains(expected), "`{expected}` is not in\n{text}");
}

#[test]
fn the_same_capabilities_in_the_same_order() {
    assert_eq!(cases().len(), 4);
    for (read, text) in cases() {
        let places = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("Capabilities: ["));
        let places: Vec<u16> = places
            .map(|line| u16::from_str_radix(line.split([']', ' ']).next().unwrap(), 16).unwrap())
            .collect();
        assert_eq!(
            read.found
                .iter()
                .map(|located| located.at)
                .collect::<Vec<_>>(),
            places
        );
        assert_eq!((read.anomalies, read.complete), (vec![], true));
    }
}

#[test]
fn the_same_standard_capabilities() {
    for (read, text) in cases() {
        let msix = read.msix.unwrap();
        assert_says(
            &text,
            &format!(
                "MSI-X: Enable{} Count={} Masked{}\n",
                sign(msix.enabled),
                msix.vectors,
                sign(msix.masked)
            ),
        );
        if let Some(power) = read.power {
            assert_says(
                &text,
                &format!(
                    "Status: D{} NoSoftRst{} ",
                    power.state,
                    sign(power.no_soft_reset)
                ),
            );
        }
        same_express(&read.express.unwrap(), &text);
    }
}

fn same_express(express: &Express, text: &str) {
    let (port, has_forwarding) = match express.port {
        capability::PortType::Endpoint => ("Endpoint", false),
        capability::PortType::RootPort => ("Root Port", true),
        other => panic!("no such port was recorded: {other:?}"),
    };
    assert_says(text, &format!("Express (v{}) {port}", express.version));
    let [capable, now] = [express.link_capability, express.link_status].map(Option::unwrap);
    assert_says(
        text,
        &format!(
            "LnkCap:\tPort #0, Speed {}, Width x{},",
            speed(capable.speed),
            capable.width
        ),
    );
    assert_says(
        text,
        &format!(
            "LnkSta:\tSpeed {}, Width x{}\n",
            speed(now.speed),
            now.width
        ),
    );
    if has_forwarding {
        assert_says(
            text,
            &format!(
                "ExtTPHComp- ARIFwd{}\n",
                sign(express.ari_forwarding_supported)
            ),
        );
        assert_says(
            text,
            &format!(
                "TimeoutDis- ARIFwd{}\n",
                sign(express.ari_forwarding_enabled)
            ),
        );
    } else {
        assert_says(
            text,
            &format!("RBE+ FLReset{} ", sign(express.function_level_reset)),
        );
    }
}

/// As lspci writes it: `2.5GT/s`, `16GT/s`.
fn speed(speed: Option<LinkSpeed>) -> String {
    speed
        .unwrap()
        .to_string()
        .replace(".0", "")
        .replace(' ', "")
}

#[test]
fn the_same_sriov_ari_and_acs() {
    for (read, text) in cases() {
        assert_eq!(
            read.sriov.is_some(),
            text.contains("Single Root I/O Virtualization")
        );
        assert_eq!(
            read.ari.is_some(),
            text.contains("Alternative Routing-ID Interpretation")
        );
        assert_eq!(read.acs.is_some(), text.contains("Access Control Services"));
        if let Some(sriov) = read.sriov {
            same_sriov(&sriov, &text);
        }
        if let Some(ari) = read.ari {
            assert_says(
                &text,
                &format!(
                    "ARICap:\tMFVC- ACS-, Next Function: {}\n",
                    ari.next_function
                ),
            );
        }
        if let Some(acs) = read.acs {
            assert_eq!(named(&text, "ACSCap:", &ACS), acs.capable);
            assert_eq!(named(&text, "ACSCtl:", &ACS), acs.enabled);
        }
    }
}

fn same_sriov(sriov: &SrIov, text: &str) {
    let [enable, memory, ari] =
        [sriov.vf_enable, sriov.vf_memory_enable, sriov.ari_hierarchy].map(sign);
    assert_says(
        text,
        &format!("IOVCtl:\tEnable{enable} Migration- Interrupt- MSE{memory} ARIHierarchy{ari} "),
    );
    let SrIov {
        initial_vfs,
        total_vfs,
        num_vfs,
        function_link,
        ..
    } = sriov;
    assert_says(
        text,
        &format!("Initial VFs: {initial_vfs}, Total VFs: {total_vfs}, Number of VFs: {num_vfs}, "),
    );
    assert_says(
        text,
        &format!("Function Dependency Link: {function_link:02x}\n"),
    );
    let SrIov {
        first_vf_offset,
        vf_stride,
        vf_device,
        supported_page_sizes,
        system_page_size,
        ..
    } = sriov;
    assert_says(
        text,
        &format!("VF offset: {first_vf_offset}, stride: {vf_stride}, Device ID: {vf_device:04x}\n"),
    );
    assert_says(
        text,
        &format!(
            "Supported Page Size: {supported_page_sizes:08x}, System Page Size: {system_page_size:08x}\n"
        ),
    );
    let (_, regions) = text.split_once("System Page Size").unwrap();
    assert_eq!(regions.matches("Region ").count(), sriov.vf_bars.len());
    for bar in &sriov.vf_bars {
        let prefetchable = if bar.prefetchable {
            "prefetchable"
        } else {
            "non-prefetchable"
        };
        assert!(bar.is_64bit, "no other was recorded");
        assert_says(
            regions,
            &format!(
                "Region {}: Memory at {:016x} (64-bit, {prefetchable})\n",
                bar.index,
                bar.address()
            ),
        );
    }
    assert_eq!(sriov.migration, None);
}

#[test]
fn the_same_errors() {
    let mut compared = 0;
    for (read, text) in cases() {
        let Some(Aer {
            uncorrectable,
            uncorrectable_mask,
            fatal,
            correctable,
            correctable_mask,
            ..
        }) = read.aer
        else {
            assert!(!text.contains("Advanced Error Reporting"));
            continue;
        };
        compared += 1;
        assert_eq!(named(&text, "UESta:", &UNCORRECTABLE), uncorrectable);
        assert_eq!(named(&text, "UEMsk:", &UNCORRECTABLE), uncorrectable_mask);
        assert_eq!(named(&text, "UESvrt:", &UNCORRECTABLE), fatal);
        assert_eq!(named(&text, "CESta:", &CORRECTABLE), correctable);
        assert_eq!(named(&text, "CEMsk:", &CORRECTABLE), correctable_mask);
    }
    assert_eq!(compared, 3);
}

/// The names whose word after this heading ends in `+`.
fn named<T: Copy + Ord>(text: &str, heading: &str, table: &[(&str, T)]) -> BTreeSet<T> {
    let (_, rest) = text.split_once(heading).unwrap();
    let words = rest
        .split_whitespace()
        .take_while(|word| word.ends_with(['+', '-']));
    let on = words.filter_map(|word| word.strip_suffix('+'));
    on.map(|word| table.iter().find(|(name, _)| *name == word).unwrap().1)
        .collect()
}

const ACS: [(&str, AcsControl); 7] = [
    ("SrcValid", AcsControl::Sv),
    ("TransBlk", AcsControl::Tb),
    ("ReqRedir", AcsControl::Rr),
    ("CmpltRedir", AcsControl::Cr),
    ("UpstreamFwd", AcsControl::Uf),
    ("EgressCtrl", AcsControl::Ec),
    ("DirectTrans", AcsControl::Dt),
];

// The words that were on in at least one recording.
const UNCORRECTABLE: [(&str, UncorrectableError); 7] = [
    ("DLP", UncorrectableError::DataLinkProtocol),
    ("SDES", UncorrectableError::SurpriseDown),
    ("FCP", UncorrectableError::FlowControlProtocol),
    ("RxOF", UncorrectableError::ReceiverOverflow),
    ("MalfTLP", UncorrectableError::MalformedTlp),
    ("UncorrIntErr", UncorrectableError::Internal),
    ("TLPBlockedErr", UncorrectableError::TlpPrefixBlocked),
];

const CORRECTABLE: [(&str, CorrectableError); 3] = [
    ("AdvNonFatalErr", CorrectableError::AdvisoryNonFatal),
    ("CorrIntErr", CorrectableError::Internal),
    ("HeaderOF", CorrectableError::HeaderLogOverflow),
];

#[test]
fn the_headers_of_a_physical_and_of_a_virtual_function() {
    let pf = function("01:00.0");
    let header = pf.config.header().unwrap();
    assert_eq!(
        (header.vendor, header.device, header.revision, header.class),
        (0x8086, 0x10c9, 1, 0x02_0000)
    );
    assert_eq!(
        (header.subsystem_vendor, header.subsystem_device),
        (Some(0x1af4), Some(0x1100))
    );
    assert_eq!(
        pf.description,
        "Ethernet controller: Intel Corporation 82576 Gigabit Network Connection (rev 01)"
    );
    let vf = function("01:10.0").config.header().unwrap();
    assert_eq!((vf.vendor, vf.device), (0xffff, 0xffff));
    let bridge = function("00:05.0").config.header().unwrap();
    assert_eq!(
        bridge.buses,
        Some(BridgeBuses {
            primary: 0,
            secondary: 1,
            subordinate: 1
        })
    );
}

#[test]
fn the_virtual_functions_are_where_linux_found_them() {
    let sriov = Capabilities::read(&function("01:00.0").config)
        .sriov
        .unwrap();
    let vfs = [0, 1].map(|index| {
        sriov
            .vf("01:00.0".parse().unwrap(), index)
            .unwrap()
            .to_string()
    });
    assert_eq!(vfs, ["0000:01:10.0", "0000:01:10.2"]);
}

#[test]
fn conventional_pci_is_complete_with_256_bytes() {
    let function = function("00:01.0");
    let read = Capabilities::read(&function.config);
    assert_eq!(
        (function.config.bytes().len(), read.complete, read.express),
        (256, true, None)
    );
}
