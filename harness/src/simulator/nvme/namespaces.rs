//! The namespaces of a drive: who is attached to them, and what was written to them.

use std::collections::{BTreeMap, BTreeSet};

use super::controllers::PRIMARY;
use crate::blocks::{Label, Mismatch, Passed};
use crate::nvme::{Attachment, IdentifyNamespace, Status};
use crate::simulator::fault::Fault;

/// How many there are: the first is that of the primary controller, the others nobody's, and enough for 32 VFs.
const COUNT: u32 = 33;
/// Blocks of each, and their size as a power of two.
const BLOCKS: u64 = 1 << 19;
const LBADS: u8 = 9;

/// All namespaces of a subsystem.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Namespaces {
    fault: Option<Fault>,
    all: BTreeMap<u32, Namespace>,
    /// How often it was measured how fast they are: by the primary controller, and by others.
    races: [u64; 2],
}

#[derive(Clone, Debug)]
struct Namespace {
    /// In blocks.
    size: u64,
    /// Identifiers of controllers.
    attached: BTreeSet<u16>,
    /// What stands in each stretch.
    written: BTreeMap<Stretch, Content>,
    /// How many stretches.
    writes: u64,
}

/// The first block of a stretch, and how many it has.
pub(super) type Stretch = (u64, u64);

/// What stands in a stretch.
#[derive(Clone, Copy, Debug)]
struct Content {
    seed: u32,
    /// By how many blocks it is off.
    off_by: u64,
    damaged: bool,
}

impl Namespace {
    fn of(size: u64) -> Self {
        Self {
            size,
            attached: BTreeSet::new(),
            written: BTreeMap::new(),
            writes: 0,
        }
    }
}

impl Namespaces {
    /// Those that there can be, but for the first.
    pub(in crate::simulator) const ALL: std::ops::RangeInclusive<u32> = 2..=2 * COUNT;

    /// Those whose data may be lost.
    pub(in crate::simulator) const SCRATCH: std::ops::RangeInclusive<u32> = 2..=COUNT;

    pub(super) fn new(fault: Option<Fault>) -> Self {
        let own = Namespace {
            attached: [PRIMARY].into(),
            ..Namespace::of(BLOCKS)
        };
        let others = Self::SCRATCH.map(|nsid| (nsid, Namespace::of(BLOCKS)));
        Self {
            fault,
            all: others.chain([(1, own)]).collect(),
            races: [0; 2],
        }
    }

    /// All of them, in order.
    pub(super) fn ids(&self) -> Vec<u32> {
        self.all.keys().copied().collect()
    }

    /// Those that a controller says it is attached to.
    pub(super) fn active(&self, cntlid: u16) -> Vec<u32> {
        let leaks = self.fault == Some(Fault::NvmeNamespaceLeaks) && cntlid > PRIMARY;
        let sees = |own: &&u32| {
            let attached = &self.all[*own].attached;
            let others = leaks && attached.iter().any(|other| *other > PRIMARY);
            attached.contains(&cntlid) || others
        };
        self.all.keys().filter(sees).copied().collect()
    }

    /// Those that the driver of a controller finds.
    pub(in crate::simulator) fn found(&self, cntlid: u16) -> Vec<u32> {
        let hidden = self.fault == Some(Fault::NvmeNamespaceHidden) && cntlid > PRIMARY;
        let mut all = self.active(cntlid);
        all.retain(|nsid| !hidden || *nsid == 1);
        all
    }

    pub(super) fn attached(&self, nsid: u32) -> Result<Vec<u16>, Status> {
        let own = self.all.get(&nsid).ok_or(Status::INVALID_FIELD)?;
        Ok(own.attached.iter().copied().collect())
    }

    pub(super) fn identify(&self, nsid: u32) -> Result<IdentifyNamespace, Status> {
        let own = self.all.get(&nsid).ok_or(Status::INVALID_FIELD)?;
        Ok(IdentifyNamespace {
            nsze: own.size,
            shared: self.fault != Some(Fault::NvmeScratchPrivate),
            lbads: LBADS,
            ms: 0,
        })
    }

    /// The lowest number that is free. QEMU creates none: by the specification.
    pub(super) fn create(&mut self, size: u64) -> Result<u32, Status> {
        let free = Self::ALL
            .into_iter()
            .find(|nsid| !self.all.contains_key(nsid));
        let nsid = free.filter(|_| self.fault != Some(Fault::NvmeCreateRefused));
        let nsid = nsid.ok_or(Status::of(0x115))?;
        self.all.insert(nsid, Namespace::of(size));
        Ok(nsid)
    }

    pub(super) fn delete(&mut self, nsid: u32) -> Result<u32, Status> {
        let gone = self.all.remove(&nsid);
        gone.map(|_| nsid).ok_or(Status::INVALID_FIELD)
    }

    /// QEMU 11.1 hw/nvme/ctrl.c, `nvme_ns_attachment`.
    pub(super) fn attach(
        &mut self,
        what: Attachment,
        nsid: u32,
        cntlid: u16,
    ) -> Result<(), Status> {
        let private = self.fault == Some(Fault::NvmeScratchPrivate);
        let refuses = self.fault == Some(Fault::NvmeAttachRefused) && cntlid > PRIMARY;
        let own = self.all.get_mut(&nsid).ok_or(Status::INVALID_FIELD)?;
        match what {
            Attachment::Attach if refuses => Err(Status::INVALID_FIELD),
            Attachment::Attach if private && !own.attached.is_empty() => Err(Status::of(0x119)),
            Attachment::Attach if !own.attached.insert(cntlid) => Err(Status::of(0x118)),
            Attachment::Detach if !own.attached.remove(&cntlid) => Err(Status::of(0x11a)),
            Attachment::Attach | Attachment::Detach => Ok(()),
        }
    }

    /// What a controller that is reset or goes offline may lose.
    pub(in crate::simulator) fn lose(&mut self, cntlid: u16, fault: Fault) {
        if self.fault == Some(fault) {
            let own = self.all.values_mut();
            own.filter(|own| own.attached.contains(&cntlid))
                .for_each(|own| own.written.clear());
        }
    }

    /// What befalls a controller may harm the namespaces of others.
    pub(super) fn harm(&mut self, fault: Fault, whose: impl Fn(&BTreeSet<u16>) -> bool) {
        let harms = self.fault == Some(fault);
        let all = self
            .all
            .values_mut()
            .filter(|own| harms && whose(&own.attached));
        for content in all.flat_map(|own| own.written.values_mut()) {
            content.damaged = true;
        }
    }

    /// What a restart of the machine leaves of them.
    pub(in crate::simulator) fn restarted(&self) -> Self {
        let mut all = self.all.clone();
        if self.fault == Some(Fault::NvmeDataLostAtReboot) {
            for own in all.values_mut() {
                own.written.clear();
            }
        }
        Self {
            all,
            ..self.clone()
        }
    }

    /// The number of a measurement, from 1 on.
    pub(super) fn race(&mut self, by_vf: bool) -> u64 {
        let count = &mut self.races[usize::from(by_vf)];
        *count += 1;
        *count
    }

    /// By which controller this machine uses a namespace.
    pub(super) fn way(&self, nsid: u32) -> Option<u16> {
        self.all.get(&nsid)?.attached.first().copied()
    }

    /// Writes a stretch by a controller; `None` where that is not attached.
    pub(super) fn write(&mut self, nsid: u32, by: u16, at: Stretch, seed: u32) -> Option<Passed> {
        let fault = self.fault;
        let own = self.all.get_mut(&nsid)?;
        let harm = fault.filter(|_| by != PRIMARY);
        if !own.attached.contains(&by) {
            return None;
        }
        if harm == Some(Fault::NvmeIoFails) {
            return Some(Passed {
                failed: Some(format!(
                    "writing LBA {}: Input/output error (os error 5)",
                    at.0
                )),
                ..Passed::default()
            });
        }
        let content = Content {
            seed,
            off_by: u64::from(harm == Some(Fault::NvmeDataMisplaced)),
            damaged: harm == Some(Fault::NvmeDataDamaged),
        };
        own.written.insert(at, content);
        own.writes += 1;
        let spills = fault == Some(Fault::NvmeNamespacesOverlap) && nsid > *Self::SCRATCH.start();
        if spills && let Some(first) = self.all.get_mut(Self::SCRATCH.start()) {
            first.written.insert(at, content);
        }
        Some(Passed {
            blocks: at.1,
            ..Passed::default()
        })
    }

    /// How many stretches were written to a namespace.
    pub(in crate::simulator) fn writes(&self, nsid: u32) -> u64 {
        self.all.get(&nsid).map_or(0, |own| own.writes)
    }

    /// Reads a stretch likewise. That it is wrong shows in its first block.
    pub(super) fn verify(&mut self, nsid: u32, by: u16, at: Stretch, seed: u32) -> Option<Passed> {
        let own = self.all.get_mut(&nsid)?;
        if !own.attached.contains(&by) {
            return None;
        }
        let lba = at.0;
        let found = match own.written.get(&at) {
            None => Some("nothing but zeros".to_owned()),
            Some(it) if it.damaged => {
                Some("1 other bytes, the first at 100: 0x00 instead of 0x10".into())
            }
            Some(it) if (it.seed, it.off_by) == (seed, 0) => None,
            Some(it) => Some(
                Label {
                    seed: it.seed,
                    lba: lba + it.off_by,
                }
                .to_string(),
            ),
        };
        let mismatches = found.map(|found| Mismatch {
            expected: Label { seed, lba },
            found,
        });
        Some(Passed {
            blocks: at.1,
            wrong: mismatches.is_some().into(),
            mismatches: mismatches.into_iter().collect(),
            failed: None,
        })
    }
}
