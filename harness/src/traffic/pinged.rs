//! What a ping came to.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How many sizes a line names.
const NAMED: usize = 10;

/// What a ping came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinged {
    /// Whether the other side answered at all.
    pub reached: bool,
    /// How many frames were sent to be answered.
    pub sent: u64,
    /// How many of them were answered unharmed and in time.
    pub answered: u64,
    /// The sizes of those that were not.
    pub lost: Vec<u16>,
    /// How many frames of the other side were damaged.
    pub corrupt: u64,
    /// How many answers came again, as long as others were waited for.
    pub duplicates: u64,
    /// How many frames there was no time for: they were not sent, or could still have been answered.
    pub unfinished: u64,
    /// The median of the round trips in nanoseconds, 0 without any.
    pub median_ns: u64,
    /// What 99 of 100 round trips took no longer than, in nanoseconds, 0 without any.
    pub most_ns: u64,
    /// The longest round trip in nanoseconds, 0 without any.
    pub max_ns: u64,
}

impl Pinged {
    /// Whether all frames were answered, each once and as it was sent.
    pub fn is_unharmed(&self) -> bool {
        let harmed = self.corrupt + self.duplicates + self.unfinished;
        self.reached && self.lost.is_empty() && harmed == 0
    }

    fn lost_sizes(&self) -> String {
        let named = self.lost.iter().take(NAMED).map(u16::to_string);
        let more = (self.lost.len() > NAMED).then(|| "...".to_owned());
        named.chain(more).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Pinged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.reached {
            return write!(f, "nobody answered, {} frames damaged", self.corrupt);
        }
        write!(f, "{} of {} answered", self.answered, self.sent)?;
        write!(f, ", {} lost", self.lost.len())?;
        if !self.lost.is_empty() {
            write!(f, " (sizes {})", self.lost_sizes())?;
        }
        write!(f, ", {} damaged, {} twice", self.corrupt, self.duplicates)?;
        if self.unfinished != 0 {
            write!(f, ", no time for {}", self.unfinished)?;
        }
        let [median, most, max] = [self.median_ns, self.most_ns, self.max_ns].map(microseconds);
        write!(
            f,
            "; round trip {median} us in the middle, {most} us for 99 of 100, {max} us at most"
        )
    }
}

fn microseconds(nanoseconds: u64) -> String {
    let (whole, tenths) = (nanoseconds / 1000, nanoseconds % 1000 / 100);
    format!("{whole}.{tenths}")
}

#[cfg(test)]
mod tests {
    use super::Pinged;

    fn good() -> Pinged {
        Pinged {
            reached: true,
            sent: 2,
            answered: 2,
            median_ns: 20_150,
            most_ns: 28_000,
            max_ns: 30_000,
            ..Pinged::default()
        }
    }

    #[test]
    fn a_line_names_what_is_wrong() {
        let line = "2 of 2 answered, 0 lost, 0 damaged, 0 twice; round trip 20.1 us in the middle, 28.0 us for 99 of 100, 30.0 us at most";
        assert_eq!(good().to_string(), line);
        let bad = Pinged {
            lost: (60..72).collect(),
            unfinished: 3,
            ..good()
        };
        let line = bad.to_string();
        let sizes = "12 lost (sizes 60, 61, 62, 63, 64, 65, 66, 67, 68, 69, ...)";
        assert!(
            line.contains(sizes) && line.contains("no time for 3;"),
            "{line}"
        );
        let line = "nobody answered, 0 frames damaged";
        assert_eq!(Pinged::default().to_string(), line);
    }

    #[test]
    fn any_harm_is_harm() {
        let harms: [fn(&mut Pinged); 5] = [
            |pinged| pinged.reached = false,
            |pinged| pinged.lost.push(60),
            |pinged| pinged.corrupt = 1,
            |pinged| pinged.duplicates = 1,
            |pinged| pinged.unfinished = 1,
        ];
        assert!(good().is_unharmed());
        for harm in harms {
            let mut pinged = good();
            harm(&mut pinged);
            assert!(!pinged.is_unharmed(), "{pinged:?}");
        }
    }
}
