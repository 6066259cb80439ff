//! Memory that is shared with the kernel.

use std::ffi::c_void;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// Mapped memory. Every access is checked to lie in it; who may touch which part when is what the kernel's protocols of rings
/// say, and for their users to keep.
pub(crate) struct Map {
    start: NonNull<c_void>,
    length: NonZeroUsize,
}

#[expect(
    unsafe_code,
    reason = "the memory is this process's, whichever thread touches it"
)]
// SAFETY: nothing of it belongs to a thread.
unsafe impl Send for Map {}

#[expect(unsafe_code, reason = "memory that is shared with the kernel")]
impl Map {
    /// A part of what a socket has to share.
    pub(crate) fn of(socket: BorrowedFd<'_>, length: usize, offset: i64) -> io::Result<Self> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let flags = MapFlags::MAP_SHARED | MapFlags::MAP_POPULATE;
        // SAFETY: the kernel chooses where, so nothing that is in use is mapped over.
        let start = unsafe { mmap(None, length, both(), flags, socket, offset) }?;
        Ok(Self { start, length })
    }

    /// Memory of this process that a socket is told of.
    pub(crate) fn anonymous(length: usize) -> io::Result<Self> {
        let length = NonZeroUsize::new(length).ok_or(io::ErrorKind::InvalidInput)?;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_POPULATE;
        // SAFETY: as above.
        let start = unsafe { mmap_anonymous(None, length, both(), flags) }?;
        Ok(Self { start, length })
    }

    /// Where it begins, as the kernel wants to hear it.
    pub(crate) fn address(&self) -> u64 {
        self.start.as_ptr() as u64
    }

    /// A word by which this process and the kernel talk.
    pub(crate) fn word(&self, offset: usize) -> &AtomicU32 {
        let at = self.at(offset, 4).cast::<AtomicU32>();
        assert!(at.is_aligned(), "a word of a ring is aligned");
        // SAFETY: it lies in the map, is aligned, and lives as long as the map; all touch it by atomics.
        unsafe { at.as_ref() }
    }

    /// What the kernel has written and leaves alone until it is given back.
    pub(crate) fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        let at = self.at(offset, length);
        // SAFETY: it lies in the map, and lives as long.
        unsafe { std::slice::from_raw_parts(at.as_ptr(), length) }
    }

    /// What the kernel does not touch until it is told to.
    pub(crate) fn bytes_mut(&mut self, offset: usize, length: usize) -> &mut [u8] {
        let at = self.at(offset, length);
        // SAFETY: as above, and nobody else of this process has it.
        unsafe { std::slice::from_raw_parts_mut(at.as_ptr(), length) }
    }

    fn at(&self, offset: usize, length: usize) -> NonNull<u8> {
        let end = offset.checked_add(length);
        assert!(
            end.is_some_and(|end| end <= self.length.get()),
            "{length} bytes at {offset} are not in a map of {}",
            self.length
        );
        // SAFETY: it lies in the map, as was just seen.
        unsafe { self.start.cast::<u8>().add(offset) }
    }
}

fn both() -> ProtFlags {
    ProtFlags::PROT_READ | ProtFlags::PROT_WRITE
}

impl Drop for Map {
    #[expect(unsafe_code, reason = "memory that is shared with the kernel")]
    fn drop(&mut self) {
        // SAFETY: whoever borrowed a part of it is gone. That it fails is impossible for a whole map.
        let _ = unsafe { munmap(self.start, self.length.get()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::Map;

    #[test]
    fn words_and_bytes_are_the_same_memory() {
        let mut map = Map::anonymous(4096).unwrap();
        map.bytes_mut(8, 4).copy_from_slice(&7_u32.to_ne_bytes());
        assert_eq!(map.word(8).load(Relaxed), 7);
        map.word(16).store(u32::MAX, Relaxed);
        assert_eq!(map.bytes(12, 16)[4..8], [0xff; 4]);
    }

    #[test]
    #[should_panic(expected = "4 bytes at 4093 are not in a map of 4096")]
    fn what_lies_outside_is_not_touched() {
        Map::anonymous(4096).unwrap().word(4093);
    }

    #[test]
    #[should_panic(expected = "are not in a map")]
    fn nor_what_wraps_around() {
        Map::anonymous(4096).unwrap().bytes(usize::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "aligned")]
    fn a_word_is_aligned() {
        Map::anonymous(4096).unwrap().word(2);
    }
}
