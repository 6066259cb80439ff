//! The emulator's process of a guest, in verbs.

use anyhow::Context;

use super::{Bench, Running};
use crate::finding::Problem;

/// What the kernel says of the memory of a process, in KiB (Linux Documentation/filesystems/proc.rst,
/// `VmLck`, `VmPin` and `VmRSS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What is locked. Pages that vfio has pinned count here (Linux 6.12 drivers/vfio/vfio_iommu_type1.c,
    /// `vfio_lock_acct`). Where iommufd does its work they always count as pinned, and as locked only where it accounts as
    /// vfio does (drivers/iommu/iommufd/pages.c, `do_update_pinned`): the larger of the two tells it everywhere.
    pub locked: u64,
    /// What is in memory at all.
    pub resident: u64,
}

impl Memory {
    fn parse(status: &str) -> Option<Self> {
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().strip_suffix("kB")?.trim().parse().ok()
        };
        Some(Self {
            locked: field("VmLck:")?.max(field("VmPin:")?),
            resident: field("VmRSS:")?,
        })
    }
}

impl Bench {
    /// When a guest's emulator was started, in clock ticks since this machine was: another process may have the number of
    /// one that has ended (Linux Documentation/filesystems/proc.rst, `stat`, `start_time`).
    pub async fn started_at(&mut self, guest: &Running) -> Result<u64, Problem> {
        let process = self.process_of(guest).await?;
        let path = format!("/proc/{process}/stat");
        let stat = self.read(&path).await?;
        Ok(started(&stat).with_context(|| format!("{path} holds {stat:?}"))?)
    }

    /// The process id of a guest's emulator. libvirt writes it down (libvirt src/qemu/qemu_process.c,
    /// `qemuProcessPrepareHost`).
    pub async fn process_of(&mut self, guest: &Running) -> Result<u32, Problem> {
        let path = format!("/run/libvirt/qemu/{}.pid", guest.name());
        let text = self.read(&path).await?;
        Ok(text
            .parse()
            .with_context(|| format!("{path} holds {text:?}"))?)
    }

    /// What a guest's emulator takes of the machine's memory.
    pub async fn memory_of(&mut self, guest: &Running) -> Result<Memory, Problem> {
        let process = self.process_of(guest).await?;
        let path = format!("/proc/{process}/status");
        let status = self.read(&path).await?;
        Ok(Memory::parse(&status).with_context(|| format!("{path} tells no VmLck and VmRSS"))?)
    }

    /// How many files a guest's emulator has open.
    pub async fn open_files_of(&mut self, guest: &Running) -> Result<usize, Problem> {
        let process = self.process_of(guest).await?;
        let path = format!("/proc/{process}/fd");
        let count = self.host.list(&path).await.map(|files| files.len());
        let count = count.with_context(|| format!("cannot list {path}"))?;
        self.log.step(format!("$ ls {path} | wc -l\n{count}"))?;
        Ok(count)
    }
}

/// The 22nd field. The second one, a name in brackets, may hold blanks.
fn started(stat: &str) -> Option<u64> {
    let (_, after) = stat.rsplit_once(") ")?;
    after.split(' ').nth(22 - 3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Memory, started};

    #[test]
    fn the_start_of_a_process_is_read() {
        let stat = "1043 (CPU 0/KVM) S) S 1 1042 1042 0 -1 138412416 70914 0 17 0 1029 215 0 0 20 0 4 0 16371 2356572160 82189 18446744073709551615";
        assert_eq!(started(stat), Some(16371));
        assert_eq!(started("1043 (qemu) S 1"), None);
    }

    /// Of the lab's QEMU 11.1.3, shortened.
    const STATUS: &str = "Name:\tqemu-system-x86\nVmPeak:\t 2301340 kB\nVmLck:\t  262400 kB\nVmPin:\t       0 kB\nVmRSS:\t  402136 kB\nThreads:\t4\n";

    #[test]
    fn locked_and_resident_memory_are_read() {
        let memory = Memory::parse(STATUS).unwrap();
        assert_eq!((memory.locked, memory.resident), (262_400, 402_136));
        assert_eq!(Memory::parse("Name:\tkthreadd\n"), None);
    }
}
