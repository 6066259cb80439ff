//! The two halves of a teaming pair, as libvirt is told of them: a guest keeps its network while its VF is unplugged.
//!
//! Source: libvirt docs/formatdomain.rst, "Teaming a virtio/hostdev NIC pair"; RHEL 9, 14.7.1 (migration).

use super::emulated::{Model, direct};
use super::hostdev::address;
use crate::pci::Bdf;

/// What the pair calls the half that stays. libvirt takes names of users that begin with `ua-` (libvirt docs/formatdomain.rst, `alias`).
const STANDBY: &str = "ua-sriov-standby";

/// The half that stays: an interface that the emulator makes, on the PF's own interface. Its address is libvirt's choice.
pub fn standby(pf: &str) -> String {
    let more = format!("  <teaming type='persistent'/>\n  <alias name='{STANDBY}'/>\n");
    direct(pf, Model::Virtio, &more)
}

/// The half that comes and goes: the VF, with the address of the other half.
pub fn primary(vf: Bdf, mac: &str) -> String {
    let address = address(vf);
    format!(
        "<interface type='hostdev' managed='yes'>\n\
        \x20 <mac address='{mac}'/>\n\
        \x20 <source>\n\
        \x20   {address}\n\
        \x20 </source>\n\
        \x20 <teaming type='transient' persistent='{STANDBY}'/>\n\
        </interface>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{primary, standby};
    use crate::guest::Told;

    #[test]
    fn a_pair() {
        let vf = "0000:01:10.0".parse().unwrap();
        let pair = format!("{}{}", standby("enp1s0"), primary(vf, "52:54:00:12:34:56"));
        insta::assert_snapshot!(pair);
    }

    #[test]
    fn libvirts_own_words_lead_back() {
        let vf = "0000:01:10.0".parse().unwrap();
        let told = Told::parse(&primary(vf, "52:54:00:12:34:56")).unwrap();
        let hostdev = told.hostdev(vf).unwrap();
        assert_eq!(
            (hostdev.managed, hostdev.mac.as_deref()),
            (true, Some("52:54:00:12:34:56"))
        );
    }
}
