//! Namespaces whose data may be lost, as the user names them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A namespace that a run may overwrite. The serial number is the controller's: a number alone could be that of any drive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scratch {
    /// The controller's serial number.
    pub serial: String,
    /// The namespace's identifier.
    pub nsid: u32,
}

impl FromStr for Scratch {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let no = || {
            format!(
                "`{text}` names no namespace; write the controller's serial number and the NSID as SERIAL:NSID, such as S3HCNX0K:2"
            )
        };
        let (serial, nsid) = text.rsplit_once(':').ok_or_else(no)?;
        let nsid = nsid.parse().ok().filter(|nsid| *nsid > 0).ok_or_else(no)?;
        let serial = serial.trim().to_owned();
        if serial.is_empty() {
            return Err(no());
        }
        Ok(Self { serial, nsid })
    }
}

impl TryFrom<String> for Scratch {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Scratch> for String {
    fn from(scratch: Scratch) -> Self {
        scratch.to_string()
    }
}

impl fmt::Display for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.serial, self.nsid)
    }
}

#[cfg(test)]
mod tests {
    use super::Scratch;

    #[test]
    fn a_serial_number_may_hold_a_colon() {
        let scratch: Scratch = "A:B:7".parse().unwrap();
        assert_eq!((scratch.serial.as_str(), scratch.nsid), ("A:B", 7));
        assert_eq!(scratch.to_string(), "A:B:7");
    }

    #[test]
    fn what_names_none_is_refused_with_the_way_out() {
        for text in ["", "7", ":7", "A:", "A:0", "A:b", "A:-1"] {
            let error = text.parse::<Scratch>().unwrap_err();
            assert!(
                error.contains("SERIAL:NSID") && !error.contains('\n'),
                "{error}"
            );
        }
    }
}
