//! The kernel as a witness: what it logged while a check ran, and which of it counts.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::machine::Host;

/// Words that make a line count where all of them stand in it, whatever its level, with where the
/// kernel prints it.
const GRAVE: &[&[&str]] = &[
    &["WARNING: "],                // kernel/panic.c, __warn
    &["BUG: "],                    // lib/bug.c, mm/, kernel/locking/, kernel/watchdog.c
    &["kernel BUG at "],           // lib/bug.c, report_bug
    &["Oops: "],                   // arch/x86/kernel/dumpstack.c, __die_header
    &["general protection fault"], // arch/x86/kernel/traps.c
    &["blocked for more than "],   // kernel/hung_task.c
    &["NETDEV WATCHDOG: "],        // net/sched/sch_generic.c, dev_watchdog
    &["PCIe Bus Error: "],         // drivers/pci/pcie/aer.c, aer_print_error
    &["DMAR: [DMA "],              // drivers/iommu/intel/dmar.c, dmar_fault_do_one
    &["DMAR: [INTR-REMAP]"],       // the same
    &["AMD-Vi: Event logged ["],   // drivers/iommu/amd/iommu.c, iommu_print_event
    // With the unit's name between: `arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:`.
    &["arm-smmu-v3", ": event 0x"], // drivers/iommu/arm/arm-smmu-v3/arm-smmu-v3.c, arm_smmu_evtq_thread
    &["Unhandled context fault: "], // drivers/iommu/arm/arm-smmu/arm-smmu.c, arm_smmu_context_fault
    &["not enough MMIO resources"], // drivers/pci/iov.c, sriov_enable
];

/// How long the mark and `dmesg` may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Where the log stood when a check began.
pub struct Witness {
    marker: String,
}

impl Witness {
    /// Writes a marker into the kernel's log, so that what follows it can be told apart.
    pub async fn call(host: &dyn Host, run_id: &str, check: &str) -> io::Result<Self> {
        let marker = format!("sriov-certify {run_id} {check}");
        // Without its end a line may still be continued, and is kept from readers until the next one comes
        // (Linux 6.12 kernel/printk/printk.c, `vprintk_store`: only LOG_NEWLINE makes a record final).
        timeout(
            LIMIT,
            host.write("/dev/kmsg", format!("{marker}\n").as_bytes()),
        )
        .await??;
        Ok(Self { marker })
    }

    /// What the kernel has logged since, oldest first.
    pub async fn hear(&self, host: &dyn Host) -> io::Result<Vec<String>> {
        let output = timeout(LIMIT, host.run(&["dmesg", "-r"])).await??;
        if !output.success() {
            return Err(io::Error::other(format!("`dmesg -r`: {}", output.stderr)));
        }
        since(&output.text(), &self.marker)
    }
}

/// The lines after the last one that holds the marker.
fn since(log: &str, marker: &str) -> io::Result<Vec<String>> {
    let lines: Vec<&str> = log.lines().collect();
    let at = lines.iter().rposition(|line| line.contains(marker));
    let at = at.ok_or_else(|| {
        io::Error::other(
            "the mark is gone: more was logged than the buffer holds (raise log_buf_len=), or printk.devkmsg=off keeps marks out",
        )
    })?;
    Ok(lines[at + 1..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect())
}

/// The lines that count against the device, less those that are expected.
pub fn grave(lines: &[String], expected: &[&str]) -> Vec<String> {
    let counts = |line: &&String| {
        let holds = |words: &&[&str]| words.iter().all(|word| line.contains(word));
        GRAVE.iter().any(holds) && !expected.iter().any(|text| line.contains(text))
    };
    lines.iter().filter(counts).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::{grave, since};

    const LOG: &str = "<6>[    1.0] igb 0000:01:00.0: added PHC on eth0\n\
        <12>[   10.0] sriov-certify r1 vf::create_one\n\
        <6>[   10.2] pci 0000:01:10.0: [8086:10ca] type 00 class 0x020000 PCIe Endpoint\n\
        <4>[   10.3] WARNING: CPU: 0 PID: 1 at drivers/pci/iov.c:1 sriov_enable+0x1/0x2\n";

    #[test]
    fn only_what_follows_the_marker_is_heard() {
        let heard = since(LOG, "sriov-certify r1 vf::create_one").unwrap();
        assert_eq!(heard.len(), 2);
        assert!(heard[0].contains("8086:10ca"));
    }

    #[test]
    fn a_lost_marker_is_an_error_and_not_silence() {
        assert!(since(LOG, "sriov-certify r1 vf::remove").is_err());
    }

    #[test]
    fn a_warning_counts_unless_it_is_expected() {
        let heard = since(LOG, "sriov-certify r1").unwrap();
        assert_eq!(grave(&heard, &[]).len(), 1);
        assert!(grave(&heard, &["sriov_enable"]).is_empty());
    }

    #[test]
    fn an_iommu_fault_counts_whatever_the_unit() {
        let fault = |line: &str| grave(&[format!("<6>[   10.3] {line}")], &[]).len();
        assert_eq!(
            fault("DMAR: [DMA Read NO_PASID] Request device [01:10.0] fault addr 0x0"),
            1
        );
        assert_eq!(
            fault("vfio-pci 0000:01:10.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x0012]"),
            1
        );
        assert_eq!(
            fault("arm-smmu-v3 arm-smmu-v3.0.auto: event 0x10 received:"),
            1
        );
        assert_eq!(
            fault("arm-smmu 2b500000.iommu: Unhandled context fault: fsr=0x402"),
            1
        );
        assert_eq!(fault("arm-smmu-v3 arm-smmu-v3.0.auto: ias 44-bit"), 0);
    }
}
