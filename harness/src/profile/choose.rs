//! Which profile a device gets.

use std::fmt;

use super::{PciMatch, Profile};
use crate::pci::PciIds;

impl Profile {
    /// Whether the profile is for the device.
    pub fn matches(&self, ids: &PciIds) -> bool {
        self.closeness(ids).is_some()
    }

    /// How many ids beyond vendor and device the closest entry names; `None` where no entry fits.
    fn closeness(&self, ids: &PciIds) -> Option<usize> {
        self.matches
            .iter()
            .filter(|entry| entry.fits(ids))
            .map(PciMatch::detail)
            .max()
    }
}

impl PciMatch {
    fn fits(&self, ids: &PciIds) -> bool {
        self.vendor == ids.vendor
            && self.device == ids.device
            && self
                .subsystem_vendor
                .is_none_or(|vendor| vendor == ids.subsystem_vendor)
            && self
                .subsystem_device
                .is_none_or(|device| device == ids.subsystem_device)
            && self
                .revision
                .is_none_or(|revision| revision == ids.revision)
    }

    fn detail(&self) -> usize {
        let named = [
            self.subsystem_vendor.is_some(),
            self.subsystem_device.is_some(),
            self.revision.is_some(),
        ];
        named.into_iter().filter(|named| *named).count()
    }
}

/// Two profiles fit a device equally well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambiguous {
    /// The device's ids.
    pub ids: PciIds,
    /// The profiles' names.
    pub profiles: Vec<String>,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PciIds {
            vendor,
            device,
            subsystem_vendor,
            subsystem_device,
            revision,
            ..
        } = self.ids;
        write!(
            f,
            "device {vendor:04x}:{device:04x} (subsystem {subsystem_vendor:04x}:{subsystem_device:04x}, \
             revision {revision:02x}) fits the profiles {} equally well; name one with `--profile`",
            self.profiles.join(" and ")
        )
    }
}

impl std::error::Error for Ambiguous {}

/// The profile that fits the device most closely: the one that names the most of its ids.
pub fn choose<'p>(profiles: &'p [Profile], ids: &PciIds) -> Result<Option<&'p Profile>, Ambiguous> {
    let closeness = |profile: &Profile| profile.closeness(ids);
    let Some(closest) = profiles.iter().filter_map(closeness).max() else {
        return Ok(None);
    };
    let fits = |profile: &&Profile| closeness(profile) == Some(closest);
    let best: Vec<&Profile> = profiles.iter().filter(fits).collect();
    if let [only] = best[..] {
        return Ok(Some(only));
    }
    let profiles = best.iter().map(|profile| profile.id.clone()).collect();
    Err(Ambiguous {
        ids: *ids,
        profiles,
    })
}

#[cfg(test)]
mod tests {
    use super::{Ambiguous, PciIds, Profile, choose};
    use crate::profile::shipped;

    fn real_82576() -> PciIds {
        PciIds {
            vendor: 0x8086,
            device: 0x10c9,
            subsystem_vendor: 0x8086,
            subsystem_device: 0xa03c,
            revision: 1,
            ..PciIds::default()
        }
    }

    fn lab_82576() -> PciIds {
        PciIds {
            subsystem_vendor: 0x1af4,
            subsystem_device: 0x1100,
            ..real_82576()
        }
    }

    fn chosen(ids: &PciIds) -> Option<String> {
        let profiles = shipped(&[]);
        choose(&profiles, ids)
            .unwrap()
            .map(|profile| profile.id.clone())
    }

    #[test]
    fn an_emulated_82576_and_a_real_one_get_their_own_profiles() {
        assert_eq!(chosen(&real_82576()).as_deref(), Some("intel-82576"));
        assert_eq!(chosen(&lab_82576()).as_deref(), Some("lab-igb"));
    }

    #[test]
    fn a_device_that_nobody_lists_gets_none() {
        assert_eq!(
            chosen(&PciIds {
                device: 0x10ca,
                ..real_82576()
            }),
            None
        );
    }

    #[test]
    fn a_listed_revision_is_part_of_the_match() {
        let rev01 = PciIds {
            vendor: 0x144d,
            device: 0xa822,
            revision: 1,
            ..PciIds::default()
        };
        assert_eq!(chosen(&rev01).as_deref(), Some("samsung-172x"));
        assert_eq!(
            chosen(&PciIds {
                revision: 2,
                ..rev01
            }),
            None
        );
    }

    #[test]
    fn every_entry_of_every_shipped_profile_leads_back_to_it() {
        let profiles = shipped(&[]);
        for profile in &profiles {
            for entry in &profile.matches {
                let ids = PciIds {
                    vendor: entry.vendor,
                    device: entry.device,
                    subsystem_vendor: entry.subsystem_vendor.unwrap_or(0x15d9),
                    subsystem_device: entry.subsystem_device.unwrap_or(1),
                    revision: entry.revision.unwrap_or(1),
                    ..PciIds::default()
                };
                assert!(profile.matches(&ids));
                assert_eq!(choose(&profiles, &ids), Ok(Some(profile)));
            }
        }
    }

    #[test]
    fn two_profiles_that_fit_equally_are_refused_by_name() {
        let real = shipped(&[])
            .into_iter()
            .find(|profile| profile.id == "intel-82576");
        let real = real.unwrap();
        let twin = Profile {
            id: "my-82576".to_owned(),
            ..real.clone()
        };
        let refused: Ambiguous = choose(&[real, twin], &real_82576()).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "device 8086:10c9 (subsystem 8086:a03c, revision 01) fits the profiles intel-82576 and \
             my-82576 equally well; name one with `--profile`"
        );
    }
}
