//! Frames from a ring of blocks: the kernel fills a block with as many frames as come, and hands it over whole (TPACKET_V3).
//!
//! Source: Linux Documentation/networking/packet_mmap.rst; include/uapi/linux/if_packet.h.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, setsockopt};
use nix::{getsockopt_impl, libc, setsockopt_impl, sockopt_impl};

use super::map::Map;
use super::socket::{IgnoreOutgoing, Version, packet};
use super::{Arrived, FrameReceiver};

/// A block in bytes, and how many there are: 32 MiB, which holds what comes while this process waits for a processor.
const BLOCK: u32 = 1 << 18;
const BLOCKS: u32 = 128;
/// The kernel only wants it to be plausible: frames lie in a block one right after the other.
const FRAME: u32 = 2048;
/// After how long the kernel hands over a block that is not full, in milliseconds.
const RETIRE: u32 = 1;

sockopt_impl!(
    /// Makes the ring.
    Ring, SetOnly, libc::SOL_PACKET, libc::PACKET_RX_RING, libc::tpacket_req3
);
sockopt_impl!(
    /// Counts since it was last read.
    Statistics, GetOnly, libc::SOL_PACKET, libc::PACKET_STATISTICS, libc::tpacket_stats_v3
);

/// Receives from a ring of blocks.
pub struct Blocks {
    socket: OwnedFd,
    map: Map,
    /// Which block is next.
    next: u32,
}

impl Blocks {
    /// A receiver of all frames of that ethertype that come in by an interface and are for it.
    pub fn open(interface: &str, ethertype: u16) -> io::Result<Self> {
        let socket = packet(interface, ethertype, |socket| {
            setsockopt(
                socket,
                Version,
                &(libc::tpacket_versions::TPACKET_V3 as i32),
            )?;
            setsockopt(socket, IgnoreOutgoing, &1)?;
            Ok(setsockopt(socket, Ring, &request())?)
        })?;
        let map = Map::of(socket.as_fd(), BLOCK as usize * BLOCKS as usize, 0)?;
        Ok(Self {
            socket,
            map,
            next: 0,
        })
    }

    fn start(&self) -> usize {
        self.next as usize * BLOCK as usize
    }

    fn status(&self) -> &std::sync::atomic::AtomicU32 {
        let header = offset_of!(libc::tpacket_block_desc, hdr);
        let status = offset_of!(libc::tpacket_hdr_v1, block_status);
        self.map.word(self.start() + header + status)
    }

    fn is_ours(&self) -> bool {
        self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Whether there is a block, after having waited for one.
    fn wait(&self, wait: Duration) -> io::Result<bool> {
        if self.is_ours() {
            return Ok(true);
        }
        let wait = PollTimeout::try_from(wait).unwrap_or(PollTimeout::MAX);
        poll(
            &mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)],
            wait,
        )?;
        Ok(self.is_ours())
    }

    fn field(&self, offset: usize) -> u32 {
        self.map.word(offset).load(Ordering::Relaxed)
    }

    /// The frame whose header lies there, and how far the next header is.
    fn frame(&self, at: usize) -> (Arrived<'_>, usize) {
        let field = |offset| self.field(at + offset);
        let bytes = self
            .map
            .bytes(at + offset_of!(libc::tpacket3_hdr, tp_mac), 2);
        let mac = usize::from(u16::from_ne_bytes([bytes[0], bytes[1]]));
        let length = field(offset_of!(libc::tpacket3_hdr, tp_snaplen)) as usize;
        let seconds = field(offset_of!(libc::tpacket3_hdr, tp_sec)).into();
        let nanoseconds = field(offset_of!(libc::tpacket3_hdr, tp_nsec));
        let arrived = Arrived {
            bytes: self.map.bytes(at + mac, length),
            at: Duration::new(seconds, nanoseconds),
        };
        let next = field(offset_of!(libc::tpacket3_hdr, tp_next_offset));
        (arrived, next as usize)
    }
}

impl FrameReceiver for Blocks {
    fn receive(&mut self, wait: Duration, each: &mut dyn FnMut(&Arrived<'_>)) -> io::Result<usize> {
        if !self.wait(wait)? {
            return Ok(0);
        }
        let header = self.start() + offset_of!(libc::tpacket_block_desc, hdr);
        let field = |offset| self.field(header + offset) as usize;
        let count = field(offset_of!(libc::tpacket_hdr_v1, num_pkts));
        let mut at = self.start() + field(offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt));
        for _ in 0..count {
            let (arrived, next) = self.frame(at);
            each(&arrived);
            at += next;
        }
        self.status()
            .store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % BLOCKS;
        Ok(count)
    }

    fn dropped(&mut self) -> io::Result<u64> {
        Ok(getsockopt(&self.socket, Statistics)?.tp_drops.into())
    }
}

fn request() -> libc::tpacket_req3 {
    libc::tpacket_req3 {
        tp_block_size: BLOCK,
        tp_block_nr: BLOCKS,
        tp_frame_size: FRAME,
        tp_frame_nr: BLOCK / FRAME * BLOCKS,
        tp_retire_blk_tov: RETIRE,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    }
}
