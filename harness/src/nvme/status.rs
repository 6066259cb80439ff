//! How a controller refuses a command.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The status of a completed command, without the bits that say how to go on: Status Code Type and Status Code
/// (NVM Express Base Specification, Status Field of the completion queue entry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// SCT: 0 generic, 1 specific to the command.
    pub sct: u8,
    /// SC.
    pub sc: u8,
}

const NAMES: &[(Status, &str)] = &[
    (Status::SUCCESS, "Successful Completion"),
    (Status::INVALID_OPCODE, "Invalid Command Opcode"),
    (Status::INVALID_FIELD, "Invalid Field in Command"),
    (generic(0x0b), "Invalid Namespace or Format"),
    (specific(0x15), "Namespace Insufficient Capacity"),
    (specific(0x16), "Namespace Identifier Unavailable"),
    (specific(0x18), "Namespace Already Attached"),
    (specific(0x19), "Namespace Is Private"),
    (specific(0x1a), "Namespace Not Attached"),
    (specific(0x1c), "Controller List Invalid"),
    (Status::INVALID_CONTROLLER, "Invalid Controller Identifier"),
    (Status::INVALID_STATE, "Invalid Secondary Controller State"),
    (
        Status::INVALID_NUMBER,
        "Invalid Number of Controller Resources",
    ),
    (Status::INVALID_RESOURCE, "Invalid Resource Identifier"),
];

const fn generic(sc: u8) -> Status {
    Status { sct: 0, sc }
}

const fn specific(sc: u8) -> Status {
    Status { sct: 1, sc }
}

/// How nvme-cli begins the line that tells a status.
pub const STATUS: &str = "NVMe status:";

/// Source: NVM Express Base Specification, Generic Command Status Values and Command Specific Status Values.
#[expect(missing_docs, reason = "NAMES has the names of the specification")]
impl Status {
    pub const SUCCESS: Self = generic(0x00);
    pub const INVALID_OPCODE: Self = generic(0x01);
    pub const INVALID_FIELD: Self = generic(0x02);
    pub const INVALID_CONTROLLER: Self = specific(0x1f);
    pub const INVALID_STATE: Self = specific(0x20);
    pub const INVALID_NUMBER: Self = specific(0x21);
    pub const INVALID_RESOURCE: Self = specific(0x22);
}

impl Status {
    /// From the number that nvme-cli and the kernel show: SC in bits 7:0, SCT in bits 10:8, above them what says how to go on
    /// (Linux include/linux/nvme.h, `NVME_STATUS_DNR` and its neighbours).
    pub fn of(number: u16) -> Self {
        let [sc, high] = number.to_le_bytes();
        Self { sct: high & 7, sc }
    }

    /// From what nvme-cli complains, such as `NVMe status: …(0x4120)`; `None` where it is about something else.
    pub fn told(complaint: &str) -> Option<Self> {
        let line = complaint.lines().find(|line| line.starts_with(STATUS))?;
        let (_, digits) = line.rsplit_once("(0x")?;
        let number = u16::from_str_radix(digits.strip_suffix(')')?, 16).ok()?;
        Some(Self::of(number))
    }

    /// What the specification calls it.
    pub fn name(self) -> Option<&'static str> {
        let named = NAMES.iter().find(|(status, _)| *status == self);
        named.map(|(_, name)| *name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().unwrap_or("a status without a name here");
        write!(f, "{name} (SCT {:#x}, SC {:#04x})", self.sct, self.sc)
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn the_number_is_at_the_end_of_the_complaint() {
        let text = "NVMe status: Invalid Secondary Controller State: The requested secondary controller action is invalid based on \
                    the secondary and primary controllers current states(0x4120)\n";
        let status = Status::told(text).unwrap();
        assert_eq!(status, Status::INVALID_STATE);
        assert_eq!(
            status.to_string(),
            "Invalid Secondary Controller State (SCT 0x1, SC 0x20)"
        );
    }

    #[test]
    fn what_is_no_status_is_none() {
        for text in [
            "",
            "virt-mgmt: Inappropriate ioctl for device",
            "NVMe status: what(0x)",
            "NVMe status: what(0x12345)",
            "NVMe status:",
        ] {
            assert_eq!(Status::told(text), None, "{text}");
        }
    }

    #[test]
    fn a_status_without_a_name_shows_its_numbers() {
        let status = Status::of(0x6281);
        assert_eq!(
            status.to_string(),
            "a status without a name here (SCT 0x2, SC 0x81)"
        );
    }
}
