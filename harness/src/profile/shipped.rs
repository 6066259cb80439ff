//! The profiles that come with the tool.

use super::Profile;

macro_rules! texts {
    ($($id:literal),+ $(,)?) => {
        &[$(($id, include_str!(concat!("../../../profiles/", $id, ".toml")))),+]
    };
}

/// Every file of the folder `profiles`, by its profile's name.
pub(super) const SHIPPED: &[(&str, &str)] = texts![
    "broadcom-bcm57810",
    "intel-82576",
    "intel-82599es",
    "intel-e810-c",
    "intel-xl710",
    "intel-xxv710",
    "kioxia-cx5",
    "lab-igb",
    "lab-nvme",
    "marvell-ql41000",
    "mellanox-connectx-5",
    "mellanox-connectx-6-dx",
    "mock-nic",
    "mock-nvme",
    "samsung-172x",
    "solarflare-sfc9220",
];

/// The profiles that come with the tool, by name.
///
/// # Panics
///
/// Where one of them is no profile, or names a check that is not known: dropping it silently would
/// leave its devices uncertified without a word. A test loads them all.
pub fn shipped(known_checks: &[&str]) -> Vec<Profile> {
    SHIPPED
        .iter()
        .map(|(id, text)| embedded(id, text, known_checks))
        .collect()
}

fn embedded(id: &str, text: &str, known_checks: &[&str]) -> Profile {
    Profile::parse(id, &format!("profiles/{id}.toml"), text, known_checks)
        .unwrap_or_else(|problems| panic!("{}", problems.render(false)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use super::{SHIPPED, shipped};
    use crate::profile::shape::{CLAIMS, names};
    use crate::profile::{Claims, Kind, Profile, VfAttribute};

    fn all() -> Vec<Profile> {
        shipped(&["vf::create_one"])
    }

    fn named(id: &str) -> Profile {
        all()
            .into_iter()
            .find(|profile| profile.id == id)
            .unwrap_or_else(|| panic!("no {id}"))
    }

    #[test]
    fn the_list_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../profiles");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .filter_map(|entry| {
                Some(
                    entry
                        .unwrap()
                        .file_name()
                        .to_str()?
                        .strip_suffix(".toml")?
                        .to_owned(),
                )
            })
            .collect();
        let list: BTreeSet<String> = SHIPPED.iter().map(|(id, _)| (*id).to_owned()).collect();
        assert_eq!(list, files);
        assert_eq!(list.len(), SHIPPED.len());
    }

    /// The names of the claims that a profile makes.
    fn made(claims: &Claims) -> BTreeSet<String> {
        let value = serde_json::to_value(claims).unwrap();
        let made = value
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| **value != serde_json::json!([]));
        made.map(|(name, _)| name.clone()).collect()
    }

    #[test]
    fn every_claim_and_every_id_has_a_source() {
        for profile in all() {
            let mut needed = made(&profile.claims);
            needed.insert("match".to_owned());
            if !profile.vf_devices.is_empty() {
                needed.insert("vf_devices".to_owned());
            }
            let sourced: BTreeSet<String> = profile.sources.keys().cloned().collect();
            assert_eq!(needed, sourced, "{}", profile.id);
        }
    }

    #[test]
    fn the_twelve_devices_of_the_text_are_there() {
        let listed: Vec<Profile> = all()
            .into_iter()
            .filter(|profile| profile.source == "RHEL 9, 14.7.3")
            .collect();
        let count = |kind| listed.iter().filter(|profile| profile.kind == kind).count();
        assert_eq!((count(Kind::Nic), count(Kind::Nvme)), (10, 2));
        for profile in listed.iter().filter(|profile| profile.kind == Kind::Nic) {
            assert!(profile.claims.persistence.is_some(), "{}", profile.id);
        }
    }

    #[test]
    fn the_warnings_of_the_text_are_in_the_data() {
        let broadcom = named("broadcom-bcm57810");
        assert_eq!(broadcom.known_issues[0].check, "persist::udev_rule");
        assert!(broadcom.warnings[0].text.contains("Windows"));
        for profile in all() {
            let listed_drive = profile.kind == Kind::Nvme && profile.source.starts_with("RHEL");
            let refused = profile.unsupported_architectures == ["aarch64"];
            assert_eq!(refused, listed_drive, "{}", profile.id);
        }
    }

    #[test]
    fn the_mock_devices_claim_everything_their_kind_can() {
        let claims = made(&named("mock-nic").claims);
        assert_eq!(
            claims,
            names(CLAIMS).into_iter().map(str::to_owned).collect()
        );
        assert_eq!(
            named("mock-nic").claims.vf_attributes.len(),
            VfAttribute::QueryRss as usize + 1
        );
        let drive = made(&named("mock-nvme").claims);
        assert_eq!(
            Vec::from_iter(drive),
            ["total_vfs", "vf_msix", "vf_over_virtio", "vf_reset"]
        );
    }
}
