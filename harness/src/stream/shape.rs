//! What the frames of a stream look like, and the templates that they are made from.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use pnet_datalink::MacAddr;
use pnet_packet::ethernet::{EtherType, EtherTypes, MutableEthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::{self, MutableIpv4Packet};
use pnet_packet::ipv6::MutableIpv6Packet;
use pnet_packet::udp::{self, MutableUdpPacket};
use pnet_packet::vlan::MutableVlanPacket;
use rings::Template;

use super::mark::{LENGTH, Mark, STAMP, stamp};
use crate::traffic::fill;

/// Local Experimental Ethertype 2 of IEEE 802 (`ETH_P_802_EX2`), so that an echo does not hear of it.
pub(super) const ETHERTYPE: EtherType = EtherType(0x88b6);
/// Headers in bytes.
const ETHERNET: usize = 14;
const VLAN: usize = 4;
const IPV4: usize = 20;
const IPV6: usize = 40;
const UDP: usize = 8;
/// Seven short frames to four middle ones and a long one: packets of 40, 576 and 1500 bytes of IP in Ethernet, without the check
/// sequence.
pub const IMIX: [u16; 12] = [60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60];

/// The addresses of the two ends, which nobody else has (RFC 2544, appendix C.2.2; RFC 5180, section 8).
const NEAR_4: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 1);
const FAR_4: Ipv4Addr = Ipv4Addr::new(198, 19, 0, 1);
const NEAR_6: Ipv6Addr = Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 1);
const FAR_6: Ipv6Addr = Ipv6Addr::new(0x2001, 2, 0, 0x8000, 0, 0, 0, 1);
/// The first source port, and the destination: `discard` (RFC 863).
const FIRST_PORT: u16 = 49_152;
pub(super) const DISCARD: u16 = 9;

/// What carries the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// Ethernet alone, with an ethertype for experiments.
    Ethernet,
    /// UDP over IPv4.
    Udp4,
    /// UDP over IPv6.
    Udp6,
}

/// What the frames of a stream look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Who sends them.
    pub from: MacAddr,
    /// Whom they are for.
    pub to: MacAddr,
    /// What carries the payload.
    pub carrier: Carrier,
    /// The VLAN that they are in.
    pub vlan: Option<u16>,
    /// Their sizes in turn, in bytes without the check sequence.
    pub sizes: Vec<u16>,
    /// How many flows they belong to, in turn.
    pub flows: u16,
    /// Whether each says when it was sent.
    pub stamped: bool,
    /// The number of the first flow.
    pub first: u16,
}

/// A frame is too short for what it has to carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsendable {
    size: u16,
    least: usize,
}

impl fmt::Display for Unsendable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, least } = self;
        write!(
            f,
            "{size} bytes are too few for these headers and the number of a frame: {least} at least"
        )
    }
}

impl std::error::Error for Unsendable {}

impl Shape {
    /// A template for each size of each flow, in the order in which they are sent.
    pub fn templates(&self) -> Result<Vec<Template>, Unsendable> {
        let flows = 0..self.flows;
        let each = flows.flat_map(|flow| self.sizes.iter().map(move |size| (flow, *size)));
        each.map(|(flow, size)| self.template(flow, size)).collect()
    }

    fn template(&self, flow: u16, size: u16) -> Result<Template, Unsendable> {
        let payload = self.payload();
        let least = payload + LENGTH + if self.stamped { STAMP } else { 0 };
        if usize::from(size) < least {
            return Err(Unsendable { size, least });
        }
        let mut bytes = vec![0; size.into()];
        let id = self.first.wrapping_add(flow);
        write_payload(&mut bytes[payload..], id);
        if self.stamped {
            // All stamps leave the checksum as this one does.
            stamp(&mut bytes[payload..], 0);
        }
        self.write_ethernet(&mut bytes);
        self.write_ip(&mut bytes[self.ethernet()..], flow);
        Ok(Template { bytes, payload })
    }

    fn ethernet(&self) -> usize {
        ETHERNET + self.vlan.map_or(0, |_| VLAN)
    }

    /// Where the payload begins.
    pub(super) fn payload(&self) -> usize {
        self.ethernet()
            + match self.carrier {
                Carrier::Ethernet => 0,
                Carrier::Udp4 => IPV4 + UDP,
                Carrier::Udp6 => IPV6 + UDP,
            }
    }

    fn write_ethernet(&self, bytes: &mut [u8]) {
        let (header, rest) = bytes.split_at_mut(ETHERNET);
        let carried = self.carrier.ethertype();
        if let Some(mut packet) = MutableEthernetPacket::new(header) {
            packet.set_source(self.from);
            packet.set_destination(self.to);
            packet.set_ethertype(self.vlan.map_or(carried, |_| EtherTypes::Vlan));
        }
        if let (Some(vlan), Some(mut tag)) = (self.vlan, MutableVlanPacket::new(rest)) {
            tag.set_vlan_identifier(vlan);
            tag.set_ethertype(carried);
        }
    }

    fn write_ip(&self, bytes: &mut [u8], flow: u16) {
        match self.carrier {
            Carrier::Ethernet => {}
            Carrier::Udp4 => {
                write_udp(&mut bytes[IPV4..], flow, |udp| {
                    udp::ipv4_checksum(udp, &NEAR_4, &FAR_4)
                });
                write_ipv4(bytes);
            }
            Carrier::Udp6 => {
                write_udp(&mut bytes[IPV6..], flow, |udp| {
                    udp::ipv6_checksum(udp, &NEAR_6, &FAR_6)
                });
                write_ipv6(bytes);
            }
        }
    }
}

impl Carrier {
    /// What stands in the Ethernet header.
    pub(super) fn ethertype(self) -> EtherType {
        match self {
            Self::Ethernet => ETHERTYPE,
            Self::Udp4 => EtherTypes::Ipv4,
            Self::Udp6 => EtherTypes::Ipv6,
        }
    }
}

/// The number is another in each frame; all else follows from the flow.
fn write_payload(payload: &mut [u8], flow: u16) {
    payload[..2].copy_from_slice(&flow.to_be_bytes());
    Mark::Frame(0).write(payload);
    fill(&mut payload[LENGTH..], flow.into(), 0);
}

fn write_udp(bytes: &mut [u8], flow: u16, checksum: impl Fn(&udp::UdpPacket<'_>) -> u16) {
    let length = short(bytes.len());
    let Some(mut packet) = MutableUdpPacket::new(bytes) else {
        return;
    };
    packet.set_source(FIRST_PORT.wrapping_add(flow));
    packet.set_destination(DISCARD);
    packet.set_length(length);
    packet.set_checksum(0);
    let checksum = checksum(&packet.to_immutable());
    packet.set_checksum(checksum);
}

fn write_ipv4(bytes: &mut [u8]) {
    let length = short(bytes.len());
    let Some(mut packet) = MutableIpv4Packet::new(bytes) else {
        return;
    };
    packet.set_version(4);
    packet.set_header_length(5);
    packet.set_total_length(length);
    packet.set_ttl(64);
    packet.set_next_level_protocol(IpNextHeaderProtocols::Udp);
    packet.set_source(NEAR_4);
    packet.set_destination(FAR_4);
    let checksum = ipv4::checksum(&packet.to_immutable());
    packet.set_checksum(checksum);
}

fn write_ipv6(bytes: &mut [u8]) {
    let length = short(bytes.len() - IPV6);
    let Some(mut packet) = MutableIpv6Packet::new(bytes) else {
        return;
    };
    packet.set_version(6);
    packet.set_payload_length(length);
    packet.set_hop_limit(64);
    packet.set_next_header(IpNextHeaderProtocols::Udp);
    packet.set_source(NEAR_6);
    packet.set_destination(FAR_6);
}

fn short(length: usize) -> u16 {
    u16::try_from(length).expect("the length of a frame")
}

/// The payload of a frame of a stream, without its padding; `None` for the frames of others.
pub(super) fn payload_of(frame: &[u8]) -> Option<&[u8]> {
    let ethertype = EtherType(u16::from_be_bytes([*frame.get(12)?, *frame.get(13)?]));
    let rest = &frame[ETHERNET..];
    match ethertype {
        ETHERTYPE => Some(rest),
        EtherTypes::Ipv4 if rest.get(9) == Some(&17) => udp_payload(rest.get(IPV4..)?),
        EtherTypes::Ipv6 if rest.get(6) == Some(&17) => udp_payload(rest.get(IPV6..)?),
        _ => None,
    }
}

fn udp_payload(udp: &[u8]) -> Option<&[u8]> {
    let port = u16::from_be_bytes([*udp.get(2)?, *udp.get(3)?]);
    (port == DISCARD).then(|| udp.get(UDP..))?
}

#[cfg(test)]
mod tests {
    use pnet_packet::Packet;
    use pnet_packet::ipv4::Ipv4Packet;
    use pnet_packet::udp::UdpPacket;

    use super::*;

    fn shape(carrier: Carrier, size: u16) -> Shape {
        Shape {
            from: MacAddr(2, 0, 0, 0, 0, 1),
            to: MacAddr(2, 0, 0, 0, 0, 2),
            carrier,
            vlan: None,
            sizes: vec![size],
            flows: 1,
            stamped: false,
            first: 7,
        }
    }

    fn least(carrier: Carrier, vlan: Option<u16>) -> Option<String> {
        let shape = Shape {
            vlan,
            ..shape(carrier, 60)
        };
        shape.templates().err().map(|error| error.to_string())
    }

    #[test]
    fn the_shortest_frame_carries_all_but_udp_over_ipv6() {
        assert_eq!(least(Carrier::Ethernet, Some(1)), None);
        assert_eq!(least(Carrier::Udp4, None), None);
        let error = least(Carrier::Udp6, None).unwrap();
        assert!(error.ends_with("80 at least"), "{error}");
        let error = least(Carrier::Udp4, Some(1)).unwrap();
        assert!(error.ends_with("64 at least"), "{error}");
    }

    /// A frame with any number, and any stamp where it has one.
    fn udp(stamped: bool) -> Template {
        let shape = Shape {
            stamped,
            ..shape(Carrier::Udp4, 1514)
        };
        let mut template = shape.templates().unwrap().remove(0);
        let payload = &mut template.bytes[template.payload..];
        Mark::Frame(0x0123_4567_89ab_cdef).write(payload);
        if stamped {
            stamp(payload, 0xfedc_ba98_7654_3210);
        }
        template
    }

    #[test]
    fn checksums_hold_whatever_the_number_and_the_stamp() {
        for stamped in [false, true] {
            checksums_hold(&udp(stamped));
        }
    }

    fn checksums_hold(template: &Template) {
        let ip = Ipv4Packet::new(&template.bytes[ETHERNET..]).unwrap();
        assert_eq!(ip.get_checksum(), ipv4::checksum(&ip));
        let udp = UdpPacket::new(ip.payload()).unwrap();
        assert_eq!(udp.get_length(), 1480);
        assert_eq!(
            udp.get_checksum(),
            udp::ipv4_checksum(&udp, &NEAR_4, &FAR_4)
        );
    }

    #[test]
    fn each_flow_has_each_size_and_its_own_number_and_port() {
        let shape = Shape {
            sizes: vec![60, 1514],
            flows: 3,
            ..shape(Carrier::Udp4, 60)
        };
        let templates = shape.templates().unwrap();
        let seen = templates.iter().map(|it| {
            let (flow, mark) = Mark::read(&it.bytes[it.payload..]).unwrap();
            let port = u16::from_be_bytes([it.bytes[34], it.bytes[35]]);
            assert_eq!(mark, Mark::Frame(0));
            (it.bytes.len(), flow, port)
        });
        let seen: Vec<_> = seen.collect();
        let expected = [
            (60, 7, 0),
            (1514, 7, 0),
            (60, 8, 1),
            (1514, 8, 1),
            (60, 9, 2),
            (1514, 9, 2),
        ];
        assert_eq!(
            seen,
            expected.map(|(size, flow, port)| (size, flow, FIRST_PORT + port))
        );
    }

    #[test]
    fn the_payload_of_a_frame_is_found_and_others_have_none() {
        for carrier in [Carrier::Ethernet, Carrier::Udp4, Carrier::Udp6] {
            let template = shape(carrier, 100).templates().unwrap().remove(0);
            let payload = payload_of(&template.bytes).unwrap();
            assert_eq!(payload, &template.bytes[template.payload..], "{carrier:?}");
            for end in 0..LENGTH {
                let cut = payload_of(&template.bytes[..end]);
                assert!(cut.is_none_or(|cut| Mark::read(cut).is_none()));
            }
        }
        assert_eq!(payload_of(&[0; 60]), None);
    }

    #[test]
    fn a_mix_has_seven_short_four_middle_and_one_long() {
        let count = |size| IMIX.iter().filter(|it| **it == size).count();
        assert_eq!([60, 590, 1514].map(count), [7, 4, 1]);
    }
}
