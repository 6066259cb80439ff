//! Which other device of a run a device's checks may change too.

use harness::facts::DeviceFacts;
use harness::pci::Bdf;

/// The first of the others that is free and of the same kind; best the one that a cable joins to it, else another port of the same card.
pub(super) fn of(
    device: &DeviceFacts,
    others: &[DeviceFacts],
    cabled: Option<Bdf>,
) -> Option<Box<DeviceFacts>> {
    let fit = others.iter().filter(|other| {
        let kinds = [device, other].map(|device| (device.ids.vendor, device.ids.device));
        kinds[0] == kinds[1] && other.in_use.is_empty()
    });
    fit.min_by_key(|other| {
        (
            Some(other.bdf) != cabled,
            slot(other.bdf) != slot(device.bdf),
        )
    })
    .map(|second| Box::new(second.clone()))
}

/// Where a card sits, all its ports with it.
fn slot(bdf: Bdf) -> Bdf {
    Bdf { function: 0, ..bdf }
}

#[cfg(test)]
mod tests {
    use harness::facts::DeviceFacts;
    use harness::profile;

    use super::of;
    use crate::checks;
    use crate::simulated::{runtime, subject};

    fn device(bdf: &str) -> DeviceFacts {
        let profile = profile::shipped(&checks::ids()).remove(0);
        let reading = subject(profile, None, Vec::new());
        let facts = runtime().unwrap().block_on(reading).unwrap().facts;
        DeviceFacts {
            bdf: bdf.parse().unwrap(),
            ..facts.device.clone()
        }
    }

    fn chosen(others: &[DeviceFacts]) -> Option<String> {
        of(&device("0000:03:00.0"), others, None).map(|second| second.bdf.to_string())
    }

    #[test]
    fn the_other_port_of_the_card_comes_first() {
        let others = ["0000:01:00.0", "0000:02:00.0", "0000:03:00.1"].map(device);
        assert_eq!(chosen(&others).as_deref(), Some("0000:03:00.1"));
        assert_eq!(chosen(&others[..2]).as_deref(), Some("0000:01:00.0"));
        assert_eq!(chosen(&[]), None);
    }

    #[test]
    fn the_port_at_the_other_end_of_the_cable_comes_before_it() {
        let others = ["0000:01:00.0", "0000:02:00.0", "0000:03:00.1"].map(device);
        let cabled = Some(others[1].bdf);
        let second = of(&device("0000:03:00.0"), &others, cabled).unwrap();
        assert_eq!(second.bdf, others[1].bdf);
    }

    #[test]
    fn what_is_in_use_or_of_another_kind_is_left_alone() {
        let mut busy = device("0000:03:00.1");
        busy.in_use = vec!["eth0 carries the IPv4 default route".into()];
        let mut other = device("0000:03:00.2");
        other.ids.device ^= 1;
        assert_eq!(chosen(&[busy, other]), None);
    }
}
