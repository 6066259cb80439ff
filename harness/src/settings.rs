//! The bench file: what depends on the bench and on the time there is, and not on the device.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::nvme::Scratch;
use crate::pci::Bdf;
use crate::traffic::MacAddr;

/// One turn leaves nothing to compare with; so many take the hour that the check has, with 10 s each.
const GUEST_CYCLES: RangeInclusive<u32> = 2..=300;
/// A command on a machine has two minutes.
const STREAM_SECONDS: RangeInclusive<u32> = 1..=60;
/// The judge asks for no more.
const STREAM_PAIRS: RangeInclusive<u32> = 1..=1000;
/// A check that lasts has that long, and a few minutes more.
const SOAK_MINUTES: RangeInclusive<u32> = 0..=540;
/// In seconds on each side: what a check that compares has time for.
const STREAM_LONGEST: u32 = 10_000;

/// What stands in a bench file, or its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often `guest::hotplug_cycle` hands a VF to a guest and takes it back.
    pub guest_cycles: u32,
    /// Which guest system of the manifest the guests run; without it they are probe guests.
    pub guest: Option<String>,
    /// The ports of this machine that a cable joins, by the addresses of their PFs.
    pub cables: Vec<[Bdf; 2]>,
    /// The machines at the other ends of cables that lead to no port of this one.
    pub partners: Vec<Partner>,
    /// The namespaces of `NVMe` drives whose data may be lost.
    pub scratch_namespaces: Vec<Scratch>,
    /// Whether namespaces are created to be overwritten, and deleted again, on drives of which none is named.
    pub create_namespaces: bool,
    /// For how long a check of the area `traffic` sends frames at a time, and `nvme::throughput` blocks.
    pub stream_seconds: u32,
    /// How often they measure each of the two that they compare, but at least nine times where they judge what is claimed.
    pub stream_pairs: u32,
    /// For how many minutes `traffic::soak` sends frames; with none three times, as `stream_seconds` says.
    pub soak_minutes: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            guest_cycles: 25,
            guest: None,
            cables: Vec::new(),
            partners: Vec::new(),
            scratch_namespaces: Vec::new(),
            create_namespaces: false,
            stream_seconds: 5,
            stream_pairs: 9,
            soak_minutes: 5,
        }
    }
}

impl Settings {
    /// From the text of a bench file, which is TOML. The error is one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| one_line(text, &error))?;
        within("guest_cycles", settings.guest_cycles, &GUEST_CYCLES)?;
        within("stream_seconds", settings.stream_seconds, &STREAM_SECONDS)?;
        within("stream_pairs", settings.stream_pairs, &STREAM_PAIRS)?;
        within("soak_minutes", settings.soak_minutes, &SOAK_MINUTES)?;
        settings.ends_in_time()?;
        settings.cables_are_possible()?;
        settings.partners_are_possible()?;
        Ok(settings)
    }

    /// The namespaces of the controller with that serial number whose data may be lost, each once.
    pub fn scratch_of(&self, serial: &str) -> Vec<u32> {
        let own = self.scratch_namespaces.iter();
        let own = own.filter(|scratch| scratch.serial == serial);
        own.map(|scratch| scratch.nsid)
            .collect::<BTreeSet<u32>>()
            .into_iter()
            .collect()
    }

    /// A check that compares has to come to its end.
    fn ends_in_time(&self) -> Result<(), String> {
        let (pairs, seconds) = (self.stream_pairs, self.stream_seconds);
        if pairs * seconds <= STREAM_LONGEST {
            return Ok(());
        }
        Err(format!(
            "stream_pairs times stream_seconds is {}, and must be at most {STREAM_LONGEST}",
            pairs * seconds
        ))
    }

    /// A port has one cable, and a cable two ends.
    fn cables_are_possible(&self) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        match self.cables.iter().flatten().find(|end| !seen.insert(**end)) {
            None => Ok(()),
            Some(port) => Err(format!(
                "cables names {port} twice, and a port is at one end of one cable"
            )),
        }
    }

    /// A port has one cable, and a partner the address of one interface.
    fn partners_are_possible(&self) -> Result<(), String> {
        let mut seen: BTreeSet<Bdf> = self.cables.iter().flatten().copied().collect();
        for Partner { port, address } in &self.partners {
            if !seen.insert(*port) {
                return Err(format!(
                    "partners names {port}, which has a cable to somewhere else already"
                ));
            }
            let mac: Result<MacAddr, _> = address.parse();
            if !mac.is_ok_and(|mac| mac.is_unicast() && !mac.is_zero()) {
                return Err(format!(
                    "partners: {address:?} is no address of one interface; write it as 02:00:00:00:00:01"
                ));
            }
        }
        Ok(())
    }

    /// As a bench file.
    pub fn text(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The address of the partner at the other end of a port's cable.
    pub fn partner(&self, port: Bdf) -> Option<&str> {
        let mut partners = self.partners.iter();
        let partner = partners.find(|partner| partner.port == port);
        partner.map(|partner| partner.address.as_str())
    }

    /// The port at the other end of a port's cable.
    pub fn opposite(&self, port: Bdf) -> Option<Bdf> {
        self.cables.iter().find_map(|[one, other]| match port {
            port if port == *one => Some(*other),
            port if port == *other => Some(*one),
            _ => None,
        })
    }
}

/// A machine that runs `traffic echo --partner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The port of this machine that the cable leads from, by the address of its PF.
    pub port: Bdf,
    /// The address of the interface at the other end.
    pub address: String,
}

fn within(name: &str, value: u32, range: &RangeInclusive<u32>) -> Result<(), String> {
    if range.contains(&value) {
        return Ok(());
    }
    let (least, most) = (range.start(), range.end());
    Err(format!(
        "{name} is {value}, and must be from {least} to {most}"
    ))
}

/// What is wrong with a text that is to be TOML, and in which line.
pub(crate) fn one_line(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| line(text, span.start));
    format!("line {line}: {}", error.message().replace('\n', " "))
}

/// The line of a place in a text.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_does_not_stand_there_has_a_default() {
        assert_eq!(Settings::parse(""), Ok(Settings::default()));
        let settings = Settings::parse("guest_cycles = 3\nguest = 'rhel-9.6'\n").unwrap();
        assert_eq!(settings.guest_cycles, 3);
        assert_eq!(settings.guest.as_deref(), Some("rhel-9.6"));
    }

    #[test]
    fn a_cable_leads_from_each_port_to_the_other() {
        let settings = Settings::parse("cables = [['0000:01:00.0', '0000:02:00.0']]").unwrap();
        let ends = ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"].map(|bdf| bdf.parse().unwrap());
        let opposite = ends.map(|port| settings.opposite(port));
        assert_eq!(opposite, [Some(ends[1]), Some(ends[0]), None]);
    }

    #[test]
    fn a_bench_file_that_was_written_says_the_same() {
        let text = "guest = 'a'\ncables = [['0000:01:00.0', '0000:02:00.0']]\n\
            partners = [{ port = '0000:03:00.0', address = '02:00:00:00:00:01' }]";
        let settings = Settings::parse(text).unwrap();
        assert_eq!(Settings::parse(&settings.text().unwrap()), Ok(settings));
    }

    #[test]
    fn what_cannot_be_used_is_told_in_one_line() {
        let error = |text| Settings::parse(text).unwrap_err();
        insta::assert_snapshot!(
            [
                error("\nguest_cycle = 3"),
                error("guest_cycles = 'three'"),
                error("guest_cycles = 1"),
                error("stream_seconds = 0"),
                error("stream_pairs = 1001"),
                error("soak_minutes = 541"),
                error("cables = [['0000:01:00.0']]"),
                error("cables = [['enp1s0', 'enp2s0']]"),
                error("cables = [['0000:01:00.0', '0000:01:00.0']]"),
                error("stream_pairs = 1000\nstream_seconds = 60"),
                error("partners = [{ port = '0000:01:00.0', address = 'ff:ff:ff:ff:ff:ff' }]"),
                error("partners = [{ port = '0000:01:00.0' }]"),
                error(
                    "cables = [['0000:01:00.0', '0000:02:00.0']]\npartners = [{ port = '0000:02:00.0', address = '02:00:00:00:00:01' }]"
                ),
                error("guest_cycles"),
            ]
            .join("\n")
        );
    }
}
