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
    /// Which guest system of the manifest the guests run; without it they are probe guests.
    pub guest: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            guest_cycles: 25,
            guest: None,
        }
    }
}

impl Settings {
    /// From the text of a bench file, which is TOML. The error is one line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| one_line(text, &error))?;
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

/// What is wrong with a text that is to be TOML, and in which line.
pub(crate) fn one_line(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| line(text, span.start));
    format!("line {line}: {}", error.message().replace('\n', " "))
}

/// The line of a place in a text.
pub(crate) fn line(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::Settings;

    #[test]
    fn what_does_not_stand_there_has_a_default() {
        assert_eq!(Settings::parse(""), Ok(Settings::default()));
        let settings = Settings::parse("guest_cycles = 3\nguest = 'rhel-9.6'\n").unwrap();
        assert_eq!(settings.guest_cycles, 3);
        assert_eq!(settings.guest.as_deref(), Some("rhel-9.6"));
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
