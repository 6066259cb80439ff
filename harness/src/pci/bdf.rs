//! The address of a PCI function: domain, bus, device, function.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The address of a PCI function, as in `/sys/bus/pci/devices`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bdf {
    /// PCI segment group. Wider than 16 bits, because Linux numbers the domains behind Intel VMD from 0x10000
    /// (drivers/pci/controller/vmd.c, `vmd_find_free_domain`).
    pub domain: u32,
    /// Bus number.
    pub bus: u8,
    /// Device number, 0 to 31.
    pub device: u8,
    /// Function number, 0 to 7.
    pub function: u8,
}

impl Bdf {
    /// The 16 bits by which the function is known on its segment: bus, device, function.
    pub fn routing_id(&self) -> u16 {
        u16::from(self.bus) << 8 | u16::from(self.device & 0x1f) << 3 | u16::from(self.function & 7)
    }

    /// The function with this routing id.
    pub fn from_routing_id(domain: u32, id: u16) -> Self {
        let [bus, devfn] = id.to_be_bytes();
        Self {
            domain,
            bus,
            device: devfn >> 3,
            function: devfn & 7,
        }
    }

    /// The address of virtual function `index` (from 0) of this physical function: its routing id plus `offset` plus
    /// `stride` times `index` (Linux drivers/pci/iov.c, `pci_iov_virtfn_bus` and `pci_iov_virtfn_devfn`).
    ///
    /// None where the registers lead to no function: past bus 255, or, as `compute_max_vf_buses` in the same file
    /// refuses, with offset 0 or with stride 0 for any but the first.
    pub fn vf(&self, offset: u16, stride: u16, index: u16) -> Option<Self> {
        if offset == 0 || (stride == 0 && index > 0) {
            return None;
        }
        let id =
            u32::from(self.routing_id()) + u32::from(offset) + u32::from(stride) * u32::from(index);
        u16::try_from(id)
            .ok()
            .map(|id| Self::from_routing_id(self.domain, id))
    }
}

impl fmt::Display for Bdf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04x}:{:02x}:{:02x}.{:x}",
            self.domain, self.bus, self.device, self.function
        )
    }
}

/// A text that is no PCI address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BdfError {
    text: String,
    cause: &'static str,
}

impl fmt::Display for BdfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is no PCI address: {}; write it as 0000:01:00.0 or 01:00.0",
            self.text.escape_debug(),
            self.cause
        )
    }
}

impl std::error::Error for BdfError {}

impl FromStr for Bdf {
    type Err = BdfError;

    fn from_str(text: &str) -> Result<Self, BdfError> {
        parse(text).map_err(|cause| BdfError {
            text: text.to_owned(),
            cause,
        })
    }
}

impl TryFrom<String> for Bdf {
    type Error = BdfError;

    fn try_from(text: String) -> Result<Self, BdfError> {
        text.parse()
    }
}

impl From<Bdf> for String {
    fn from(bdf: Bdf) -> Self {
        bdf.to_string()
    }
}

fn parse(text: &str) -> Result<Bdf, &'static str> {
    let (rest, function) = text
        .rsplit_once('.')
        .ok_or("it has no `.` before the function")?;
    let (rest, device) = rest
        .rsplit_once(':')
        .ok_or("it has no `:` before the device")?;
    let (domain, bus) = rest.rsplit_once(':').unwrap_or(("0000", rest));
    let address = Bdf {
        domain: hex(domain, 4..=8).ok_or("the domain is not 4 to 8 hex digits")?,
        bus: small(bus, 2, 0xff).ok_or("the bus is not 2 hex digits")?,
        device: small(device, 2, 0x1f).ok_or("the device is not 2 hex digits from 00 to 1f")?,
        function: small(function, 1, 7).ok_or("the function is not one digit from 0 to 7")?,
    };
    Ok(address)
}

fn small(text: &str, digits: usize, most: u8) -> Option<u8> {
    let value = hex(text, digits..=digits)?;
    u8::try_from(value).ok().filter(|value| *value <= most)
}

fn hex(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    // `from_str_radix` alone would accept a leading `+`.
    let plain = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u32::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bdf(text: &str) -> Bdf {
        text.parse().unwrap()
    }

    #[test]
    fn both_forms_are_read_and_the_full_one_is_written() {
        assert_eq!(bdf("01:00.0").to_string(), "0000:01:00.0");
        assert_eq!(bdf("0000:ff:1F.7").to_string(), "0000:ff:1f.7");
        assert_eq!(
            bdf("10000:00:02.0"),
            Bdf {
                domain: 0x10000,
                bus: 0,
                device: 2,
                function: 0
            }
        );
    }

    #[test]
    fn an_error_names_the_text_the_cause_and_the_form() {
        let message = |text: &str| text.parse::<Bdf>().unwrap_err().to_string();
        insta::assert_snapshot!(
            ["", "eth0", "01:00", "0:01:00.0", "1:00.0", "01:20.0", "01:00.8", "+1:00.0", "01:00.0\n"].map(message).join("\n"),
            @r#"
        `` is no PCI address: it has no `.` before the function; write it as 0000:01:00.0 or 01:00.0
        `eth0` is no PCI address: it has no `.` before the function; write it as 0000:01:00.0 or 01:00.0
        `01:00` is no PCI address: it has no `.` before the function; write it as 0000:01:00.0 or 01:00.0
        `0:01:00.0` is no PCI address: the domain is not 4 to 8 hex digits; write it as 0000:01:00.0 or 01:00.0
        `1:00.0` is no PCI address: the bus is not 2 hex digits; write it as 0000:01:00.0 or 01:00.0
        `01:20.0` is no PCI address: the device is not 2 hex digits from 00 to 1f; write it as 0000:01:00.0 or 01:00.0
        `01:00.8` is no PCI address: the function is not one digit from 0 to 7; write it as 0000:01:00.0 or 01:00.0
        `+1:00.0` is no PCI address: the bus is not 2 hex digits; write it as 0000:01:00.0 or 01:00.0
        `01:00.0\n` is no PCI address: the function is not one digit from 0 to 7; write it as 0000:01:00.0 or 01:00.0
        "#);
    }

    #[test]
    fn vfs_of_an_82576_with_and_without_ari() {
        let pf = bdf("0000:01:00.1");
        assert_eq!(pf.vf(128, 2, 0), Some(bdf("01:10.1")));
        assert_eq!(pf.vf(128, 2, 6), Some(bdf("01:11.5")));
        assert_eq!(
            pf.vf(384, 2, 0),
            Some(bdf("02:10.1")),
            "without ARI the first VF sits on the next bus"
        );
    }

    #[test]
    fn registers_that_lead_to_no_function() {
        let pf = bdf("0000:ff:00.0");
        assert_eq!(pf.vf(0, 1, 0), None);
        assert_eq!(pf.vf(1, 0, 1), None);
        assert_eq!(pf.vf(1, 0, 0), Some(bdf("ff:00.1")));
        assert_eq!(pf.vf(256, 1, 0), None);
        assert_eq!(bdf("00:00.0").vf(u16::MAX, u16::MAX, u16::MAX), None);
    }

    #[test]
    fn json_is_the_full_text() {
        let json = serde_json::to_string(&bdf("01:00.0")).unwrap();
        assert_eq!(json, r#""0000:01:00.0""#);
        assert_eq!(serde_json::from_str::<Bdf>(&json).unwrap(), bdf("01:00.0"));
        let error = serde_json::from_str::<Bdf>(r#""01""#)
            .unwrap_err()
            .to_string();
        assert!(error.contains("`01` is no PCI address"), "{error}");
    }

    proptest! {
        #[test]
        fn text_and_routing_id_lose_nothing(domain: u32, id: u16) {
            let address = Bdf::from_routing_id(domain, id);
            prop_assert_eq!(address.routing_id(), id);
            prop_assert_eq!(address.to_string().parse::<Bdf>().unwrap(), address);
        }

        #[test]
        fn addresses_sort_like_routing_ids(a: u16, b: u16) {
            prop_assert_eq!(Bdf::from_routing_id(0, a).cmp(&Bdf::from_routing_id(0, b)), a.cmp(&b));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            if let Ok(address) = text.parse::<Bdf>() {
                prop_assert!(address.to_string().ends_with(&text.to_ascii_lowercase()));
            }
        }
    }
}
