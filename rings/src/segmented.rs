//! Many frames as one: the kernel, or the adapter, cuts a long UDP datagram into frames (UDP GSO).
//!
//! Source: Linux include/linux/virtio_net.h, `virtio_net_hdr_to_skb`; net/packet/af_packet.c, `packet_snd`;
//! include/uapi/linux/virtio_net.h. There for UDP since Linux 6.2.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send, setsockopt};
use nix::{libc, setsockopt_impl, sockopt_impl};

use super::socket::packet;
use super::{FrameSender, Template};

/// The most frames that one datagram is cut into (Linux include/linux/udp.h, `UDP_MAX_SEGMENTS`).
const SEGMENTS: usize = 128;
/// The longest datagram with its headers from IP on, in bytes.
const DATAGRAM: usize = 65_535;
/// `struct virtio_net_hdr` in bytes, and what stands in it.
const PREFIX: usize = 10;
const NEEDS_CHECKSUM: u8 = 1;
const UDP_SEGMENTS: u8 = 5;
/// The headers of Ethernet and UDP in bytes, and where in that of UDP its checksum is.
const ETHERNET: usize = 14;
const UDP: usize = 8;
const CHECKSUM: u16 = 6;

sockopt_impl!(
    /// A header before each frame says what the kernel has to do with it.
    VnetHeader, SetOnly, libc::SOL_PACKET, libc::PACKET_VNET_HDR, i32
);

/// Sends datagrams that are cut into frames. Each goes by one template; the next goes by the next.
pub struct Segmented {
    socket: OwnedFd,
    bursts: Vec<Burst>,
    next: usize,
}

/// One datagram, which lies in a buffer after its prefix and its headers.
struct Burst {
    buffer: Vec<u8>,
    /// Where the first payload begins in a frame, and how long each is.
    payload: usize,
    length: usize,
}

impl Segmented {
    /// A sender by an interface, for templates that are UDP without a VLAN tag and without options of IP.
    pub fn open(interface: &str, templates: &[Template]) -> io::Result<Self> {
        let bursts: Option<Vec<Burst>> = templates.iter().map(Burst::of).collect();
        let bursts = bursts.filter(|bursts| !bursts.is_empty());
        let bursts = bursts.ok_or_else(|| io::Error::other("only plain UDP can be segmented"))?;
        // Through the queue of the interface: a driver does not take such datagrams without it.
        let socket = packet(interface, 0, |socket| {
            Ok(setsockopt(socket, VnetHeader, &1)?)
        })?;
        Ok(Self {
            socket,
            bursts,
            next: 0,
        })
    }
}

impl FrameSender for Segmented {
    fn batch(&self) -> usize {
        self.bursts[self.next].most()
    }

    fn send(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> io::Result<usize> {
        let burst = &mut self.bursts[self.next];
        let count = count.min(burst.most());
        let bytes = burst.of_segments(count, patch);
        match send(self.socket.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT) {
            Ok(_) => {
                self.next = (self.next + 1) % self.bursts.len();
                Ok(count)
            }
            Err(Errno::ENOBUFS | Errno::EAGAIN | Errno::EINTR) => Ok(0),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl Burst {
    /// `None` for a frame that is not UDP, or not plainly.
    fn of(template: &Template) -> Option<Self> {
        let Template { bytes, payload } = template;
        let ip = match bytes.get(12..14)? {
            [0x08, 0x00] if bytes.get(14) == Some(&0x45) && bytes.get(23) == Some(&17) => 20,
            [0x86, 0xdd] if bytes.get(20) == Some(&17) => 40,
            _ => return None,
        };
        let length = bytes
            .len()
            .checked_sub(*payload)
            .filter(|length| *length > 0)?;
        if *payload != ETHERNET + ip + UDP {
            return None;
        }
        let mut buffer = vec![0; PREFIX];
        buffer.extend(&bytes[..*payload]);
        let segments = SEGMENTS.min((DATAGRAM - ip - UDP) / length);
        for _ in 0..segments {
            buffer.extend(&bytes[*payload..]);
        }
        Some(Self {
            buffer,
            payload: *payload,
            length,
        })
    }

    fn is_ipv4(&self) -> bool {
        self.buffer[PREFIX + 12] == 0x08
    }

    /// How many segments there is room for.
    fn most(&self) -> usize {
        (self.buffer.len() - PREFIX - self.payload) / self.length
    }

    /// The datagram of that many segments, each patched.
    fn of_segments(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> &[u8] {
        let prefix = self.prefix();
        self.buffer[..PREFIX].copy_from_slice(&prefix);
        let total = self.length * count;
        self.write_lengths(total);
        let start = PREFIX + self.payload;
        for payload in self.buffer[start..start + total].chunks_exact_mut(self.length) {
            patch(payload);
        }
        &self.buffer[..start + total]
    }

    fn prefix(&self) -> [u8; PREFIX] {
        let number = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_ne_bytes();
        let mut prefix = [0; PREFIX];
        prefix[0] = NEEDS_CHECKSUM;
        prefix[1] = UDP_SEGMENTS;
        prefix[2..4].copy_from_slice(&number(self.payload));
        prefix[4..6].copy_from_slice(&number(self.length));
        prefix[6..8].copy_from_slice(&number(self.payload - UDP));
        prefix[8..].copy_from_slice(&CHECKSUM.to_ne_bytes());
        prefix
    }

    /// The headers are those of the whole datagram; whoever cuts it makes those of the frames from them.
    fn write_lengths(&mut self, payload: usize) {
        let (ipv4, udp_at) = (self.is_ipv4(), self.payload - UDP);
        let udp = u16::try_from(payload + UDP).expect("no datagram is longer");
        let frame = &mut self.buffer[PREFIX..];
        if ipv4 {
            frame[16..18].copy_from_slice(&(udp + 20).to_be_bytes());
            frame[24..26].fill(0);
            let checksum = !sum(&frame[ETHERNET..udp_at]);
            frame[24..26].copy_from_slice(&checksum.to_be_bytes());
        } else {
            frame[18..20].copy_from_slice(&udp.to_be_bytes());
        }
        frame[udp_at + 4..udp_at + 6].copy_from_slice(&udp.to_be_bytes());
        // The sum over the pseudo header, which whoever makes the checksum begins with (virtio 1.2, section 5.1.6.2).
        let addresses = if ipv4 { &frame[26..34] } else { &frame[22..54] };
        let pseudo = added(sum(addresses), added(17, udp));
        let at = udp_at + usize::from(CHECKSUM);
        frame[at..at + 2].copy_from_slice(&pseudo.to_be_bytes());
    }
}

/// The one's complement sum of words (RFC 1071).
fn sum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks_exact(2);
    words.fold(0, |sum, word| {
        added(sum, u16::from_be_bytes([word[0], word[1]]))
    })
}

fn added(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}
