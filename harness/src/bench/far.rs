//! Where the frames of a port and of its VFs arrive, in verbs.

use std::fmt;
use std::time::Duration;

use super::{Bench, End};
use crate::facts::Facts;
use crate::finding::{Finding, Problem};
use crate::pci::Bdf;
use crate::settings::Settings;

/// The other end of the cable has no link.
pub const FAR_NO_LINK: Finding = Finding::bench(
    "far-port-no-link",
    "The port that the bench file has at the other end of the cable sees no link partner.",
    "Connect the two ports, or correct `cables` in the bench file; device::link_up of that port says more.",
);

/// How long a port may take to see its link partner.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where frames arrive.
pub struct Far {
    /// The interface.
    pub end: End,
    /// How it is reached, in words.
    pub way: String,
    /// Whether it is by a cable, and not by the adapter's own switch.
    pub by_cable: bool,
}

/// How frames leave a port, by the bench file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a cable to another port of this machine. Only one that the run holds may be touched, which is its second PF.
    Cable(Bdf),
    /// By a cable to the partner of that address.
    Partner(String),
    /// Not at all: by the adapter's own switch to another of its functions. Where the bench file has a cable all the same, it
    /// leads to that port, which the run does not hold.
    Switch(Option<Bdf>),
}

impl Way {
    /// That of a device's frames.
    pub fn of(settings: &Settings, facts: &Facts) -> Self {
        let pf = facts.device.bdf;
        let second = facts.second.as_ref().map(|second| second.bdf);
        match (settings.opposite(pf), settings.partner(pf)) {
            (Some(port), _) if Some(port) == second => Self::Cable(port),
            (_, Some(partner)) => Self::Partner(partner.to_owned()),
            (port, None) => Self::Switch(port),
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cable(port) => write!(f, "{port}, by a cable"),
            Self::Partner(address) => write!(f, "the partner {address}, by a cable"),
            Self::Switch(None) => write!(f, "by the adapter's own switch"),
            Self::Switch(Some(port)) => write!(
                f,
                "by the adapter's own switch; the cable to {port} is not used, since it is no free PF of the same kind in this run"
            ),
        }
    }
}

impl Bench {
    /// Where the frames of a port and of its VFs arrive; by the adapter's own switch at this function, the PF or one of its VFs.
    pub async fn far_end(&mut self, function: Bdf) -> Result<Far, Problem> {
        let way = Way::of(&self.settings, &self.facts);
        let (end, by_cable) = match &way {
            Way::Cable(port) => (self.far_port(*port).await?, true),
            // One of this machine may be any of its functions.
            Way::Partner(address) => self.partner(address).await?,
            Way::Switch(_) => (self.end_here(function).await?, false),
        };
        let way = match way {
            Way::Switch(_) if function == self.pf() => format!("the PF {function}, {way}"),
            Way::Switch(_) => format!("the VF {function}, {way}"),
            Way::Partner(address) if !by_cable => format!("the partner {address} on this machine"),
            Way::Cable(_) | Way::Partner(_) => way.to_string(),
        };
        Ok(Far { end, way, by_cable })
    }

    async fn far_port(&mut self, port: Bdf) -> Result<End, Problem> {
        let mut second = self.at_second()?;
        second.set_up(true).await?;
        let linked = second.wait_for_carrier(PATIENCE).await?;
        let partner = if linked { "a" } else { "no" };
        let text = format!("the far port, {port}, has {partner} link partner");
        second.assert(linked, &FAR_NO_LINK, text)?;
        second.end_here(port).await
    }
}
