//! Frames by AF_XDP: written once into memory that the kernel sends from, past all of its queues.
//!
//! In copy mode, which every driver has: the kernel makes a buffer of its own of each frame (Linux net/xdp/xsk.c,
//! `__xsk_generic_xmit`).
//!
//! Source: Linux Documentation/networking/af_xdp.rst; include/uapi/linux/if_xdp.h.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, getsockopt, send, setsockopt};
use nix::{getsockopt_impl, libc, setsockopt_impl, sockopt_impl};

use super::map::Map;
use super::socket::{bind, family, index, xdp};
use super::{FrameSender, Template};

/// How many frames the kernel sends at one call (Linux net/xdp/xsk.c, `TX_BATCH_SIZE`).
const BATCH: usize = 32;
/// How many descriptors each ring has: 1 MiB of memory, of which an ordinary limit (RLIMIT_MEMLOCK) allows several. The ring of memory to receive into is never filled, but must be there.
const RING: u32 = 256;
const UNUSED: u32 = 64;
/// The largest part of a frame that one descriptor tells of (`XDP_UMEM_REG`: at most a page).
const CHUNK: usize = 4096;
/// A queue that was in use is free again only some time after its socket was closed, when the kernel has freed its memory.
const PATIENCE: Duration = Duration::from_secs(3);

sockopt_impl!(
    /// Tells the kernel of the memory.
    Memory, SetOnly, libc::SOL_XDP, libc::XDP_UMEM_REG, libc::xdp_umem_reg
);
sockopt_impl!(
    /// Makes a ring.
    Fill, SetOnly, libc::SOL_XDP, libc::XDP_UMEM_FILL_RING, u32
);
sockopt_impl!(
    /// Makes a ring.
    Completion, SetOnly, libc::SOL_XDP, libc::XDP_UMEM_COMPLETION_RING, u32
);
sockopt_impl!(
    /// Makes a ring.
    Transmit, SetOnly, libc::SOL_XDP, libc::XDP_TX_RING, u32
);
sockopt_impl!(
    /// Where in their maps the parts of the rings are.
    Offsets, GetOnly, libc::SOL_XDP, libc::XDP_MMAP_OFFSETS, libc::xdp_mmap_offsets
);

/// Sends by AF_XDP, by the first queue of an interface.
pub struct Xsk {
    socket: OwnedFd,
    memory: Map,
    transmit: Ring,
    completion: Ring,
    templates: Vec<Template>,
    slots: usize,
    /// How many frames were put into the ring.
    put: usize,
    /// How many descriptors a frame takes.
    parts: u32,
}

/// A ring and this process's end of it.
struct Ring {
    map: Map,
    offsets: libc::xdp_ring_offset,
}

impl Ring {
    fn open(
        socket: &OwnedFd,
        entry: usize,
        offsets: libc::xdp_ring_offset,
        at: i64,
    ) -> io::Result<Self> {
        let length = place(offsets.desc) + RING as usize * entry;
        let map = Map::of(socket.as_fd(), length, at)?;
        Ok(Self { map, offsets })
    }

    fn producer(&self) -> &std::sync::atomic::AtomicU32 {
        self.map.word(place(self.offsets.producer))
    }

    fn consumer(&self) -> &std::sync::atomic::AtomicU32 {
        self.map.word(place(self.offsets.consumer))
    }

    /// How many entries are in it.
    fn filled(&self) -> u32 {
        let producer = self.producer().load(Acquire);
        producer.wrapping_sub(self.consumer().load(Acquire))
    }
}

impl Xsk {
    /// A sender by an interface.
    pub fn open(interface: &str, templates: &[Template]) -> io::Result<Self> {
        let parts = Template::longest(templates).div_ceil(CHUNK).max(1);
        let slots = slots(parts, templates.len());
        if slots == 0 {
            let why = format!(
                "{} different frames do not fit into a ring",
                templates.len()
            );
            return Err(io::Error::other(why));
        }
        let socket = xdp()?;
        let memory = Map::anonymous(slots * parts * CHUNK)?;
        register(&socket, &memory, slots * parts * CHUNK)?;
        let offsets = getsockopt(&socket, Offsets)?;
        let transmit = (
            size_of::<libc::xdp_desc>(),
            offsets.tx,
            libc::XDP_PGOFF_TX_RING,
        );
        let completion = libc::XDP_UMEM_PGOFF_COMPLETION_RING.cast_signed();
        let completion = (size_of::<u64>(), offsets.cr, completion);
        let open = |(entry, offsets, at)| Ring::open(&socket, entry, offsets, at);
        let (transmit, completion) = (open(transmit)?, open(completion)?);
        bind_patiently(&socket, interface, parts)?;
        let mut xsk = Self {
            socket,
            memory,
            transmit,
            completion,
            templates: templates.to_vec(),
            slots,
            put: 0,
            parts: number(parts),
        };
        for slot in 0..slots {
            xsk.fill(slot);
        }
        Ok(xsk)
    }

    /// Where a slot begins in the memory.
    fn start(&self, slot: usize) -> usize {
        slot * self.parts as usize * CHUNK
    }

    /// Puts its template into a slot.
    fn fill(&mut self, slot: usize) {
        let start = self.start(slot);
        let template = &self.templates[slot % self.templates.len()];
        let bytes = self.memory.bytes_mut(start, template.bytes.len());
        bytes.copy_from_slice(&template.bytes);
    }

    /// How many more frames there is room for: the kernel is done with what is in the other ring, and has copied what it took
    /// from the first.
    fn room(&mut self) -> usize {
        let done = self.completion.filled();
        let consumer = self.completion.consumer();
        consumer.store(consumer.load(Relaxed).wrapping_add(done), Release);
        let sent = self.transmit.producer().load(Relaxed);
        let outstanding = sent.wrapping_sub(consumer.load(Relaxed));
        let descriptors = (RING - outstanding) / self.parts;
        let slots = self.slots.saturating_sub(self.transmit.filled() as usize);
        slots.min(descriptors as usize)
    }

    /// Patches the frame of the next slot and puts it into the ring as the entry of that number, and as the following ones if it
    /// takes several. Returns the number of the next entry.
    fn put(&mut self, entry: u32, patch: &mut dyn FnMut(&mut [u8])) -> u32 {
        let slot = self.put % self.slots;
        let start = self.start(slot);
        let template = &self.templates[slot % self.templates.len()];
        let (length, payload) = (template.bytes.len(), template.payload);
        patch(self.memory.bytes_mut(start + payload, length - payload));
        self.put += 1;
        let mut entry = entry;
        for at in (0..length).step_by(CHUNK) {
            let left = length - at;
            let more = u32::from(left > CHUNK) * libc::XDP_PKT_CONTD;
            self.describe(entry, start + at, left.min(CHUNK), more);
            entry = entry.wrapping_add(1);
        }
        entry
    }

    fn describe(&mut self, entry: u32, start: usize, length: usize, options: u32) {
        let entry = (entry % RING) as usize * size_of::<libc::xdp_desc>();
        let at = place(self.transmit.offsets.desc) + entry;
        let descriptor = self.transmit.map.bytes_mut(at, size_of::<libc::xdp_desc>());
        descriptor[..8].copy_from_slice(&(start as u64).to_ne_bytes());
        descriptor[8..12].copy_from_slice(&number(length).to_ne_bytes());
        descriptor[12..].copy_from_slice(&options.to_ne_bytes());
    }

    /// Has the kernel send what is in the ring, or as much of it as it does at once.
    fn kick(&self) -> io::Result<()> {
        match send(self.socket.as_raw_fd(), &[], MsgFlags::MSG_DONTWAIT) {
            Ok(_) | Err(Errno::EAGAIN | Errno::EBUSY | Errno::ENOBUFS | Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

impl FrameSender for Xsk {
    fn batch(&self) -> usize {
        BATCH / self.parts as usize
    }

    fn send(&mut self, count: usize, patch: &mut dyn FnMut(&mut [u8])) -> io::Result<usize> {
        let count = count.min(self.batch()).min(self.room());
        let mut entry = self.transmit.producer().load(Relaxed);
        for _ in 0..count {
            entry = self.put(entry, patch);
        }
        self.transmit.producer().store(entry, Release);
        self.kick()?;
        Ok(count)
    }

    fn finish(&mut self) -> io::Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.transmit.filled() > 0 {
            self.kick()?;
            if Instant::now() >= end {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }
}

/// How many slots there is room for, so that the templates come in turn over the end of the slots too.
fn slots(parts: usize, templates: usize) -> usize {
    let room = RING as usize / parts;
    room.checked_div(templates).unwrap_or(0) * templates
}

fn register(socket: &OwnedFd, memory: &Map, length: usize) -> io::Result<()> {
    let registration = libc::xdp_umem_reg {
        addr: memory.address(),
        len: length as u64,
        chunk_size: number(CHUNK),
        headroom: 0,
        flags: 0,
        tx_metadata_len: 0,
    };
    setsockopt(socket, Memory, &registration)?;
    setsockopt(socket, Fill, &UNUSED)?;
    setsockopt(socket, Completion, &RING)?;
    setsockopt(socket, Transmit, &RING)?;
    Ok(())
}

fn bind_patiently(socket: &OwnedFd, interface: &str, parts: usize) -> io::Result<()> {
    let several = if parts > 1 { libc::XDP_USE_SG } else { 0 };
    let address = libc::sockaddr_xdp {
        sxdp_family: family(libc::AF_XDP),
        sxdp_flags: libc::XDP_COPY | several,
        sxdp_ifindex: index(interface)?,
        sxdp_queue_id: 0,
        sxdp_shared_umem_fd: 0,
    };
    let end = Instant::now() + PATIENCE;
    loop {
        match bind(socket, &address) {
            Err(error) if is_busy(&error) && Instant::now() < end => {
                sleep(Duration::from_millis(1));
            }
            bound => return bound,
        }
    }
}

fn is_busy(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::EBUSY as i32)
}

fn number(length: usize) -> u32 {
    u32::try_from(length).expect("the length of a frame")
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("an offset into a map of this process")
}
