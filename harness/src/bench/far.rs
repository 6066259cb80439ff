//! Where the frames of a port and of its VFs arrive, in verbs.

use std::time::Duration;

use super::{Bench, End};
use crate::finding::{Finding, Problem};
use crate::pci::Bdf;

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

impl Bench {
    /// The port at the other end of the PF's cable, by the bench file. Only one that this run holds may be touched, which is
    /// its second PF; where there is none it is this function, the PF or one of its VFs.
    pub async fn far_end(&mut self, function: Bdf) -> Result<Far, Problem> {
        let port = self.settings.opposite(self.pf());
        let second = self.facts.second.as_ref().map(|second| second.bdf);
        if let Some(port) = port.filter(|port| Some(*port) == second) {
            return self.far_port(port).await;
        }
        let unused = port.map_or_else(String::new, |port| {
            format!("; the cable to {port} is not used, since it is no free PF of the same kind in this run")
        });
        let what = if function == self.pf() {
            "the PF"
        } else {
            "the VF"
        };
        Ok(Far {
            end: self.end_here(function).await?,
            way: format!("{what} {function}, by the adapter's own switch{unused}"),
            by_cable: false,
        })
    }

    async fn far_port(&mut self, port: Bdf) -> Result<Far, Problem> {
        let mut second = self.at_second()?;
        second.set_up(true).await?;
        let linked = second.wait_for_carrier(PATIENCE).await?;
        let partner = if linked { "a" } else { "no" };
        let text = format!("the far port, {port}, has {partner} link partner");
        second.assert(linked, &FAR_NO_LINK, text)?;
        Ok(Far {
            end: second.end_here(port).await?,
            way: format!("{port}, by a cable"),
            by_cable: true,
        })
    }
}
