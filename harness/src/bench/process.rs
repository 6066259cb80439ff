//! The emulator's process of a guest, in verbs.

use anyhow::{Context, anyhow};

use super::{Bench, Running};
use crate::finding::Problem;

/// What the kernel says of the memory of a process, in KiB (Linux Documentation/filesystems/proc.rst,
/// `VmLck` and `VmRSS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// What is locked. Pages that vfio has pinned count here (Linux 6.12
    /// drivers/vfio/vfio_iommu_type1.c, `vfio_lock_acct`).
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
            locked: field("VmLck:")?,
            resident: field("VmRSS:")?,
        })
    }
}

impl Bench {
    /// The process id of a guest's emulator. libvirt writes it down (libvirt src/qemu/qemu_process.c,
    /// `qemuProcessPrepareHost`).
    pub async fn process_of(&mut self, guest: &Running) -> Result<u32, Problem> {
        let path = format!("/run/libvirt/qemu/{}.pid", guest.name());
        let text = self.read(&path).await?;
        Ok(text
            .parse()
            .with_context(|| format!("{path} holds {text:?}"))?)
    }

    /// A process that is to be killed must be the emulator of that guest: libvirt names the guest to it (libvirt
    /// src/qemu/qemu_command.c, `qemuBuildNameCommandLine`).
    pub(super) async fn is_emulator_of(
        &mut self,
        process: u32,
        guest: &Running,
    ) -> Result<(), Problem> {
        let line = self.read(&format!("/proc/{process}/cmdline")).await?;
        let name = format!("guest={},", guest.name());
        if line.contains(&name) {
            return Ok(());
        }
        Err(anyhow!(
            "process {process} is not the emulator of {}: {line:?}",
            guest.name()
        )
        .into())
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

#[cfg(test)]
mod tests {
    use super::Memory;

    /// Of the lab's QEMU 11.1.3, shortened.
    const STATUS: &str = "Name:\tqemu-system-x86\nVmPeak:\t 2301340 kB\nVmLck:\t  262400 kB\nVmPin:\t       0 kB\nVmRSS:\t  402136 kB\nThreads:\t4\n";

    #[test]
    fn locked_and_resident_memory_are_read() {
        let memory = Memory::parse(STATUS).unwrap();
        assert_eq!((memory.locked, memory.resident), (262_400, 402_136));
        assert_eq!(Memory::parse("Name:\tkthreadd\n"), None);
    }
}
