//! Reads the memory that the kernel has set aside for virtual functions.

use std::io;

use super::{VfWindow, read};
use crate::machine::Host;
use crate::pci::Bdf;
use crate::sysfs;

/// The line of the first VF BAR, from 0: six BARs and the ROM come before it (Linux
/// include/linux/pci.h, `PCI_IOV_RESOURCES`).
const FIRST: usize = 7;

/// `IORESOURCE_UNSET` of Linux include/linux/ioport.h: it has a size, but no address yet.
const UNSET: u64 = 0x2000_0000;

/// The windows of the VF BARs of a PCI function.
pub(super) async fn vf_windows(host: &dyn Host, bdf: Bdf) -> io::Result<Vec<VfWindow>> {
    let text = read::optional(host, &sysfs::attribute(bdf, "resource")).await?;
    Ok(parse(&text.unwrap_or_default()))
}

/// A kernel without SR-IOV prints no such lines.
fn parse(text: &str) -> Vec<VfWindow> {
    let lines = text.lines().skip(FIRST);
    (0..6)
        .zip(lines)
        .filter_map(|(bar, line)| window(bar, line))
        .collect()
}

/// Start, end and flags (drivers/pci/pci-sysfs.c, `resource_show`).
fn window(bar: u8, line: &str) -> Option<VfWindow> {
    let mut numbers = line
        .split_whitespace()
        .map(|number| u64::from_str_radix(number.trim_start_matches("0x"), 16).ok());
    let (start, end, flags) = (numbers.next()??, numbers.next()??, numbers.next()??);
    (flags != 0 && flags & UNSET == 0).then_some(VfWindow { bar, start, end })
}

#[cfg(test)]
mod tests {
    use super::{VfWindow, parse};

    #[test]
    fn the_igb_of_the_lab() {
        let windows = parse(include_str!("recorded/igb-resource"));
        let expected = [
            (0, 0xc0_4000_0000, 8 * 0x4000),
            (3, 0xc0_4002_0000, 8 * 0x4000),
        ];
        let found: Vec<_> = windows
            .iter()
            .map(|window| (window.bar, window.start, window.size()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_nvme_controller_of_the_lab() {
        let windows = parse(include_str!("recorded/nvme-resource"));
        let expected = VfWindow {
            bar: 0,
            start: 0xfe40_4000,
            end: 0xfe41_3fff,
        };
        assert_eq!(windows, [expected]);
    }

    #[test]
    fn what_has_no_address_is_left_out() {
        let before = "0x0 0x0 0x0\n".repeat(7);
        let unset = format!("{before}0x0000000000000000 0x0000000000003fff 0x000000002014220c\n");
        assert_eq!(parse(&unset), []);
        assert_eq!(parse(&format!("{before}0x0 0x0 0x0\nnonsense\n")), []);
        assert_eq!(parse(&before), [], "a kernel without CONFIG_PCI_IOV");
    }
}
