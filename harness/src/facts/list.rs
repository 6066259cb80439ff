//! Lists the PCI functions of a machine, without reading config space: that takes a millisecond a function.

use std::io;

use futures_util::future::join_all;

use super::{device, read, sriov};
use crate::machine::Host;
use crate::pci::{Bdf, PciIds};

/// A PCI function in the list of all.
pub(super) struct Function {
    pub(super) bdf: Bdf,
    ids: PciIds,
    physfn: Option<Bdf>,
    /// The kernel offers to create VFs.
    sriov: bool,
}

impl Function {
    /// Whether it may be a PF that this tool certifies: a network adapter or an `NVMe` controller
    /// (PCI Code and ID Assignment Specification, base class 02 and class 010802), or anything
    /// that can have VFs. Whether it is one, only config space knows: the kernel is silent where
    /// firmware has switched SR-IOV off.
    pub(super) fn is_candidate(&self) -> bool {
        let kind = self.ids.class >> 16 == 0x02 || self.ids.class == 0x01_0802;
        self.physfn.is_none() && (kind || self.sriov)
    }
}

/// All PCI functions with their ids, by address.
pub async fn list(host: &dyn Host) -> io::Result<Vec<(Bdf, PciIds)>> {
    let functions = functions(host).await?;
    Ok(functions
        .iter()
        .map(|function| (function.bdf, function.ids))
        .collect())
}

/// All PCI functions, by address.
pub(super) async fn functions(host: &dyn Host) -> io::Result<Vec<Function>> {
    let names = read::names(host, "/sys/bus/pci/devices").await?;
    let addresses = names.iter().filter_map(|name| name.parse().ok());
    let mut all = Vec::new();
    // All at once: a guest is asked by messages, and there is no need to wait for each answer.
    for found in join_all(addresses.map(|bdf| function(host, bdf))).await {
        match found {
            Ok(function) => all.push(function),
            // VFs come and go.
            Err(error) if read::is_absent(&error) => {}
            Err(error) => return Err(error),
        }
    }
    all.sort_by_key(|function| function.bdf);
    Ok(all)
}

async fn function(host: &dyn Host, bdf: Bdf) -> io::Result<Function> {
    Ok(Function {
        bdf,
        ids: device::ids(host, bdf).await?,
        physfn: device::physfn(host, bdf).await?,
        sriov: sriov::offered(host, bdf).await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{lab_with_vfs, run};

    #[test]
    fn all_functions_of_the_lab_by_address() {
        let all = run(list(&lab_with_vfs())).unwrap();
        let found: Vec<String> = all
            .iter()
            .map(|(bdf, ids)| format!("{bdf} {:04x}", ids.device))
            .collect();
        let expected = [
            "0000:00:05.0 000c",
            "0000:00:07.0 000c",
            "0000:01:00.0 10c9",
            "0000:01:10.0 10ca",
            "0000:01:10.2 10ca",
            "0000:03:00.0 0010",
        ];
        assert_eq!(found, expected);
    }
}
