//! Frames one by one from a ring that is watched without sleeping (`TPACKET_V2`): what short round trips are measured by.
//!
//! A process that sleeps goes on some time after its frame came, and that is the greater part of a round trip. One that watches
//! takes a processor for itself.
//!
//! Source: Linux Documentation/networking/packet_mmap.rst; include/uapi/linux/if_packet.h.

use std::hint::spin_loop;
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, getsockopt, send, setsockopt, sockopt};
use nix::{libc, setsockopt_impl, sockopt_impl};

use super::map::Map;
use super::socket::{IgnoreOutgoing, QdiscBypass, Version, packet};

/// A block in bytes, and how many there are: some hundred frames, and nine thousand bytes in each.
const BLOCK: usize = 1 << 16;
const BLOCKS: usize = 64;
/// What the kernel may write before a frame, with what it leaves free (`TPACKET2_HDRLEN`, `tpacket_rcv`): 66 bytes, rounded up.
const BEFORE: usize = 128;
/// How often the ring is looked at between two looks at the clock.
const LOOKS: usize = 32;

sockopt_impl!(
    /// Makes the ring.
    Ring, SetOnly, libc::SOL_PACKET, libc::PACKET_RX_RING, libc::tpacket_req
);

/// Receives from a ring of frames.
pub struct Watched {
    socket: OwnedFd,
    map: Map,
    /// The room for a frame in bytes.
    room: usize,
    /// Which place is next.
    next: usize,
    /// The place of the frame that was handed out last.
    lent: Option<usize>,
}

/// Sends frames one by one, past the queue of the interface.
pub struct OneByOne(OwnedFd);

impl Watched {
    /// A receiver of all frames of that ethertype that come in by an interface and are for it, none longer than that in bytes.
    pub fn open(interface: &str, ethertype: u16, longest: usize) -> io::Result<Self> {
        let room = (longest + BEFORE).next_power_of_two();
        if room > BLOCK {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let socket = packet(interface, ethertype, |socket| {
            let version = libc::tpacket_versions::TPACKET_V2 as i32;
            setsockopt(socket, Version, &version)?;
            setsockopt(socket, IgnoreOutgoing, &1)?;
            setsockopt(socket, QdiscBypass, &true)?;
            Ok(setsockopt(socket, Ring, &request(room)?)?)
        })?;
        let map = Map::of(socket.as_fd(), BLOCK * BLOCKS, 0)?;
        Ok(Self {
            socket,
            map,
            room,
            next: 0,
            lent: None,
        })
    }

    /// A sender by the same socket.
    pub fn sender(&self) -> io::Result<OneByOne> {
        self.socket.try_clone().map(OneByOne)
    }

    /// The next frame, which stays until the next one is asked for; `None` if none comes for that long.
    pub fn next(&mut self, wait: Duration) -> io::Result<Option<&[u8]>> {
        if let Some(place) = self.lent.take() {
            let kernel = libc::TP_STATUS_KERNEL;
            self.status(place).store(kernel, Ordering::Release);
        }
        if !self.watch(wait)? {
            return Ok(None);
        }
        let place = self.next;
        self.next = (place + 1) % (BLOCK * BLOCKS / self.room);
        self.lent = Some(place);
        Ok(Some(self.frame(place)))
    }

    /// Whether a frame has come.
    fn watch(&self, wait: Duration) -> io::Result<bool> {
        let start = Instant::now();
        loop {
            for _ in 0..LOOKS {
                if self.status(self.next).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0 {
                    return Ok(true);
                }
                spin_loop();
            }
            if start.elapsed() >= wait {
                // A ring does not tell that the interface was taken down.
                let error = getsockopt(&self.socket, sockopt::SocketError)?;
                return (error == 0)
                    .then_some(false)
                    .ok_or_else(|| io::Error::from_raw_os_error(error));
            }
        }
    }

    fn status(&self, place: usize) -> &AtomicU32 {
        self.map.word(place * self.room)
    }

    fn frame(&self, place: usize) -> &[u8] {
        let at = place * self.room;
        let mac = self
            .map
            .bytes(at + offset_of!(libc::tpacket2_hdr, tp_mac), 2);
        let mac = usize::from(u16::from_ne_bytes([mac[0], mac[1]]));
        let length = self
            .map
            .word(at + offset_of!(libc::tpacket2_hdr, tp_snaplen));
        let length = length.load(Ordering::Relaxed) as usize;
        self.map.bytes(at + mac, length)
    }
}

impl OneByOne {
    /// Sends a frame. That the kernel has no room for it is an error (ENOBUFS, EAGAIN).
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        send(self.0.as_raw_fd(), frame, MsgFlags::MSG_DONTWAIT)?;
        Ok(())
    }
}

fn request(room: usize) -> io::Result<libc::tpacket_req> {
    let number = |number: usize| libc::c_uint::try_from(number).map_err(io::Error::other);
    Ok(libc::tpacket_req {
        tp_block_size: number(BLOCK)?,
        tp_block_nr: number(BLOCKS)?,
        tp_frame_size: number(room)?,
        tp_frame_nr: number(BLOCK / room * BLOCKS)?,
    })
}
