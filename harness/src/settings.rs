//! The bench file: what depends on the bench and on the time there is, and not on the device.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// One turn leaves nothing to compare with; so many take the hour that the check has, with 10 s each.
const GUEST_CYCLES: RangeInclusive<u32> = 2..=300;

/// What stands in a bench file, or its defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often `guest::hotplug_cycle` hands a VF to a guest and takes it back.
    pub guest_cycles: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { guest_cycles: 25 }
    }
}

impl Settings {
    /// From the text of a bench file, which is TOML. The error is one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                text[..span.start.min(text.len())].matches('\n').count() + 1
            });
            format!("line {line}: {}", error.message().replace('\n', " "))
        })?;
        if GUEST_CYCLES.contains(&settings.guest_cycles) {
            return Ok(settings);
        }
        let (least, most) = (GUEST_CYCLES.start(), GUEST_CYCLES.end());
        Err(format!(
            "guest_cycles is {}, and must be from {least} to {most}",
            settings.guest_cycles
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_does_not_stand_there_has_a_default() {
        assert_eq!(Settings::parse(""), Ok(Settings::default()));
        let settings = Settings::parse("guest_cycles = 3\n").unwrap();
        assert_eq!(settings.guest_cycles, 3);
    }

    #[test]
    fn what_cannot_be_used_is_told_in_one_line() {
        let error = |text| Settings::parse(text).unwrap_err();
        insta::assert_snapshot!(
            [
                error("\nguest_cycle = 3"),
                error("guest_cycles = 'three'"),
                error("guest_cycles = 1"),
                error("guest_cycles"),
            ]
            .join("\n")
        );
    }
}
