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

/// How many lines below a complaint may belong to it: registers, code and stack take some forty.
const LONGEST_STACK: usize = 80;

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
        since(&whole(host).await?, &self.marker)
    }
}

/// All that the kernel has logged since it started, oldest first.
pub async fn since_boot(host: &dyn Host) -> io::Result<Vec<String>> {
    from_the_banner(&whole(host).await?)
}

/// The first line of a boot is the kernel's banner (Linux 6.12 init/main.c, `start_kernel`). A log
/// without it has lost its beginning, which is where drivers meet their devices.
fn from_the_banner(log: &str) -> io::Result<Vec<String>> {
    let lines: Vec<String> = log.lines().map(str::to_owned).collect();
    if lines.iter().any(|line| line.contains("Linux version ")) {
        return Ok(lines);
    }
    Err(io::Error::other(
        "its beginning is gone: more was logged than the buffer holds (raise log_buf_len=), or somebody has cleared it (`dmesg --clear`)",
    ))
}

async fn whole(host: &dyn Host) -> io::Result<String> {
    let output = timeout(LIMIT, host.run(&["dmesg", "-r"])).await??;
    if !output.success() {
        return Err(io::Error::other(format!("`dmesg -r`: {}", output.stderr)));
    }
    Ok(output.text())
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
    let counts = |line: &&String| counts(line, expected);
    lines.iter().filter(counts).cloned().collect()
}

/// As [`grave`], but only what is about one of these names: where nobody has marked when the device's
/// turn began, such as in the log of a boot.
pub fn grave_about(lines: &[String], names: &[String], expected: &[&str]) -> Vec<String> {
    let is_about = |line: &String| names.iter().any(|name| has_name(line, name));
    let grave = lines.iter().enumerate().filter(|(at, line)| {
        counts(line, expected) && (is_about(line) || stack(&lines[at + 1..]).any(is_about))
    });
    grave.map(|(_, line)| line.clone()).collect()
}

fn counts(line: &str, expected: &[&str]) -> bool {
    let holds = |words: &&[&str]| words.iter().all(|word| line.contains(word));
    GRAVE.iter().any(holds) && !expected.iter().any(|text| line.contains(text))
}

/// The functions of the stack that the kernel prints below a complaint. Other lines tell nothing:
/// `Modules linked in:` has every driver of the machine.
fn stack(lines: &[String]) -> impl Iterator<Item = &String> {
    let over = |line: &&String| line.contains("---[ ") || counts(line, &[]);
    lines
        .iter()
        .take(LONGEST_STACK)
        .take_while(move |line| !over(line))
        .filter(|line| line.contains("+0x"))
}

/// Whether a name stands in a line by itself: `ice` is not in `device`, and `01:00.0` not in
/// `0001:01:00.0`.
fn has_name(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + name.len()..].chars().next();
        !before.is_some_and(|c| c.is_alphanumeric() || c == ':')
            && !after.is_some_and(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::{from_the_banner, grave, grave_about, since};

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
    fn a_boot_whose_beginning_is_lost_is_an_error_and_not_silence() {
        assert!(from_the_banner(LOG).is_err());
        let whole = format!("<5>[    0.0] Linux version 6.12.1 (gcc 14) #1 SMP\n{LOG}");
        assert_eq!(from_the_banner(&whole).unwrap().len(), 5);
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
    /// In the form of Linux 6.12 kernel/panic.c, `__warn` and lib/dump_stack.c.
    const BOOT: &str = "<4>[    2.1] ------------[ cut here ]------------\n\
        <4>[    2.1] WARNING: CPU: 1 PID: 312 at drivers/pci/iov.c:678 sriov_enable+0x2f1/0x3d0\n\
        <4>[    2.1] Modules linked in: igb(+) ice i2c_algo_bit\n\
        <4>[    2.1]  igb_pci_sriov_configure+0x1c1/0x2b0 [igb]\n\
        <4>[    2.1] ---[ end trace 0000000000000000 ]---\n\
        <4>[    2.2] ------------[ cut here ]------------\n\
        <4>[    2.2] WARNING: CPU: 0 PID: 1 at drivers/gpu/drm/drm_vblank.c:1 drm_x+0x1/0x2\n\
        <4>[    2.2] Modules linked in: igb(+) ice i2c_algo_bit\n\
        <4>[    2.2]  some_device_probe+0x1c1/0x2b0 [device]\n\
        <4>[    2.2] ---[ end trace 0000000000000000 ]---\n\
        <3>[    2.3] DMAR: [DMA Read NO_PASID] Request device [01:10.0] fault addr 0x0\n\
        <6>[    2.4] igb 0000:01:00.0: IOV Disabled\n";

    #[test]
    fn a_complaint_is_about_whoever_is_on_its_line_or_its_stack() {
        let lines: Vec<String> = BOOT.lines().map(str::to_owned).collect();
        let about = |name: &str| grave_about(&lines, &[name.to_owned()], &[]);
        assert_eq!(about("igb"), lines[1..2]);
        assert_eq!(about("01:10.0"), lines[10..11]);
        assert_eq!(about("device"), [lines[6].clone(), lines[10].clone()]);
        for stranger in ["ice", "igbvf", "1:10.0", "0000:01:00.0"] {
            assert_eq!(about(stranger), [""; 0], "{stranger}");
        }
        assert_eq!(
            grave_about(&lines, &["igb".into()], &["sriov_enable"]),
            [""; 0]
        );
    }
}
