//! The PCI functions of one kind, by a single question: each question to a guest costs it milliseconds, where it is emulated many.

use std::io;

use crate::machine::Host;
use crate::pci::Bdf;

/// One line for each function: its bus, device and function, its vendor and device, its interrupt, and more. The domain is not told.
///
/// Source: Linux 6.12 drivers/pci/proc.c, `show_device`.
const ALL: &str = "/proc/bus/pci/devices";

/// The functions of that vendor and device, in order. It is for machines with no domain but 0, as guests are.
pub async fn of_kind(host: &dyn Host, ids: [u16; 2]) -> io::Result<Vec<Bdf>> {
    let text = host.read(ALL).await?;
    Ok(parse(&String::from_utf8_lossy(&text), ids))
}

fn parse(text: &str, [vendor, device]: [u16; 2]) -> Vec<Bdf> {
    let kind = format!("{vendor:04x}{device:04x}");
    let ours = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let place = words.next()?;
        (words.next()? == kind).then(|| at(place)).flatten()
    });
    let mut ours: Vec<Bdf> = ours.collect();
    ours.sort_unstable();
    ours
}

/// From bus and devfn, two digits each.
fn at(place: &str) -> Option<Bdf> {
    let place = u16::from_str_radix(place, 16).ok()?;
    let [bus, devfn] = place.to_be_bytes();
    Some(Bdf {
        domain: 0,
        bus,
        device: devfn >> 3,
        function: devfn & 7,
    })
}

#[cfg(test)]
mod tests {
    use super::parse;

    /// In the kernel's form, of which what follows the interrupt is left out or shortened.
    const GUEST: &str = "0000\t808629c0\t0\t               0\n0008\t1b36000c\t16\t        fe00d000\t\tpcieport\n0300\t808610ca\t0\t        fe400004\t\tigbvf\n04ff\t808610ca\t0\n00fa\t80862922\t10\n";

    fn found(ids: [u16; 2]) -> Vec<String> {
        let found = parse(GUEST, ids);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_functions_of_a_kind_are_told_with_device_and_function() {
        assert_eq!(found([0x8086, 0x10ca]), ["0000:03:00.0", "0000:04:1f.7"]);
        assert_eq!(found([0x8086, 0x2922]), ["0000:00:1f.2"]);
        assert!(found([0x1b36, 0x10ca]).is_empty());
    }

    #[test]
    fn what_is_no_list_lists_nothing() {
        for text in ["", "0300", "xx\t808610ca\t0", "808610ca 0300"] {
            assert!(parse(text, [0x8086, 0x10ca]).is_empty(), "{text:?}");
        }
    }
}
