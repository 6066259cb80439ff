//! Secondary controllers and what they are given, in the order in which QEMU tests a command.
//!
//! Source: QEMU 11.1 hw/nvme/ctrl.c, `nvme_virt_mngmt`, `nvme_assign_virt_res_to_prim`, `nvme_assign_virt_res_to_sec` and
//! `nvme_virt_set_state`.

use std::collections::BTreeSet;

use super::namespaces::Namespaces;
use crate::nvme::{Flexible, PrimaryCapabilities, SecondaryController, Status, Virtualization};
use crate::simulator::fault::Fault;
use crate::simulator::model::Model;

/// The identifier of the primary controller; those of its secondary ones follow.
pub(super) const PRIMARY: u16 = 0;
/// What a secondary controller cannot be online without: VQ and VI.
const LEAST: [u16; 2] = [2, 1];

/// All controllers of a device.
#[derive(Clone, Debug)]
pub(in crate::simulator) struct Controllers {
    fault: Option<Fault>,
    /// VQ and VI. `assigned` is what leaked: what the secondary ones have comes on top.
    pools: [Flexible; 2],
    /// What the primary one has from its next reset on.
    held_next: [u16; 2],
    secondaries: Vec<SecondaryController>,
    /// The namespaces of them all.
    pub(in crate::simulator) namespaces: Namespaces,
}

impl Controllers {
    /// As they are once power is on.
    pub(in crate::simulator) fn new(model: &Model) -> Self {
        let count = model.hardware_vfs;
        let each = [model.vf_msix + 1, model.vf_msix];
        let mut pools = each.map(|each| pool(each, count, model.pf_msix));
        match model.fault {
            Some(Fault::NvmeTooFewQueues) => {
                pools[0].total = (2 * u32::from(count)).saturating_sub(1);
            }
            Some(Fault::NvmeLimitsContradict) => pools[1].secondary_max = u16::MAX,
            _ => {}
        }
        let mut controllers = Self {
            fault: model.fault,
            pools,
            held_next: [0; 2],
            secondaries: (1..=count).map(bare).collect(),
            namespaces: Namespaces::new(model.fault),
        };
        controllers.reset();
        controllers.hold_all();
        controllers
    }

    /// As many drives come: nothing is left for VFs.
    fn hold_all(&mut self) {
        let free = [0, 1].map(|rt| self.pool(rt).free().unwrap_or_default());
        for (rt, free) in free.into_iter().enumerate() {
            self.pools[rt].primary = u16::try_from(free).unwrap_or(u16::MAX);
            self.held_next[rt] = self.pools[rt].primary;
        }
    }

    /// The VFs end.
    pub(in crate::simulator) fn without_vfs(&mut self) {
        if self.fault != Some(Fault::NvmeRemovalKeeps) {
            self.reset();
        }
    }

    /// A VF, from 0, is reset.
    pub(in crate::simulator) fn reset_vf(&mut self, vf: u16) {
        let cntlid = vf + PRIMARY + 1;
        self.namespaces.lose(cntlid, Fault::NvmeDataLostAtReset);
        let others = |attached: &BTreeSet<u16>| !attached.contains(&cntlid);
        self.namespaces.harm(Fault::NvmeNeighbourHarmed, others);
        if self.fault == Some(Fault::NvmeResetTakes)
            && let Ok(own) = self.secondary(cntlid)
        {
            *own = bare(cntlid);
        }
    }

    /// The PF is reset.
    pub(in crate::simulator) fn reset_pf(&mut self) {
        self.reset();
        if self.fault != Some(Fault::NvmePrimaryKeeps) {
            for (pool, held) in self.pools.iter_mut().zip(self.held_next) {
                pool.primary = held;
            }
        }
    }

    /// What a restart of the machine, whose power stays on, leaves of it.
    pub(in crate::simulator) fn restarted(&self, mut fresh: Self) -> Self {
        for (pool, last) in fresh.pools.iter_mut().zip(self.pools) {
            pool.primary = last.primary;
        }
        Self {
            held_next: self.held_next,
            namespaces: self.namespaces.restarted(),
            ..fresh
        }
    }

    /// A guest that has a VF, from 0, is killed.
    pub(in crate::simulator) fn guest_killed(&mut self, vf: u16) {
        let cntlid = vf + PRIMARY + 1;
        let of_pf = |attached: &BTreeSet<u16>| attached.contains(&PRIMARY);
        self.namespaces.harm(Fault::KillHarmsNeighbours, of_pf);
        if self.fault == Some(Fault::NvmeKillTakes)
            && let Ok(own) = self.secondary(cntlid)
        {
            *own = bare(cntlid);
        }
    }

    /// Without VFs nobody is online or has anything.
    fn reset(&mut self) {
        for secondary in &mut self.secondaries {
            *secondary = bare(secondary.scid);
        }
        if self.fault == Some(Fault::NvmeSecondaryNotBare)
            && let Some(first) = self.secondaries.first_mut()
        {
            first.nvi = 1;
        }
    }

    /// What the primary one has to give.
    pub(super) fn capabilities(&self) -> PrimaryCapabilities {
        let [vq, vi] = [0, 1].map(|rt| self.pool(rt));
        PrimaryCapabilities {
            cntlid: PRIMARY,
            vq: Some(vq),
            vi: Some(vi),
        }
    }

    fn pool(&self, rt: usize) -> Flexible {
        let pool = self.pools[rt];
        let given = self.secondaries.iter().map(|it| u32::from(given(it, rt)));
        Flexible {
            assigned: pool.assigned + given.sum::<u32>(),
            ..pool
        }
    }

    /// The list of the secondary ones.
    pub(super) fn listed(&self) -> Vec<SecondaryController> {
        let mut all = self.secondaries.clone();
        match self.fault {
            Some(Fault::NvmeSecondaryMissing) => {
                all.pop();
            }
            Some(Fault::NvmeSecondariesSwapped) if all.len() > 1 => {
                let last = all.len() - 1;
                let number = all[last].vfn;
                all[last].vfn = all[last - 1].vfn;
                all[last - 1].vfn = number;
            }
            _ => {}
        }
        all
    }

    /// Whether the controller of that VF, from 0, is online.
    pub(in crate::simulator) fn is_online(&self, vf: u16) -> bool {
        let own = self.secondaries.get(usize::from(vf));
        own.is_some_and(|own| own.online)
    }

    /// How many pairs of queues a driver that asks for so many gets of the controller of that VF.
    pub(in crate::simulator) fn queues(&self, vf: u16, asked: u16) -> u16 {
        let own = self.secondaries.get(usize::from(vf));
        let queues = own.map_or(0, |own| own.nvq.min(asked));
        queues.saturating_sub((self.fault == Some(Fault::NvmeQueuesOther)).into())
    }

    /// The identifier that the controller of that number says it has: those of VFs count from 1.
    pub(in crate::simulator) fn told(&self, number: u16) -> u16 {
        let other = self.fault == Some(Fault::NvmeControllerOther) && number != PRIMARY;
        number + u16::from(other)
    }

    /// A Virtualization Management command to the primary one, which has so many VFs.
    pub(super) fn virtualize(&mut self, command: Virtualization, vfs: u16) -> Result<u16, Status> {
        if command.rt > 1 {
            return Err(Status::INVALID_RESOURCE);
        }
        match command.act {
            1 => self.hold(command),
            7 => self.offline(command),
            8 => self.assign(command),
            9 => self.online(command, vfs),
            _ if self.fault == Some(Fault::NvmeActionIgnored) => Ok(0),
            _ => Err(Status::INVALID_FIELD),
        }
    }

    fn hold(&mut self, command: Virtualization) -> Result<u16, Status> {
        let rt = usize::from(command.rt);
        let pool = self.pool(rt);
        if command.cntlid != PRIMARY {
            return Err(Status::INVALID_CONTROLLER);
        }
        if u32::from(command.nr) > pool.total {
            return Err(Status::INVALID_NUMBER);
        }
        let refuses = self.fault == Some(Fault::NvmePrimaryRefuses);
        if refuses || u32::from(command.nr) > pool.total - pool.assigned {
            return Err(Status::INVALID_RESOURCE);
        }
        self.held_next[rt] = command.nr;
        Ok(command.nr)
    }

    fn assign(&mut self, command: Virtualization) -> Result<u16, Status> {
        let rt = usize::from(command.rt);
        let pool = self.pool(rt);
        let refuses = self.fault == Some(Fault::NvmeAssignRefused)
            && usize::from(command.cntlid) == self.secondaries.len();
        let falls_short = self.fault == Some(Fault::NvmeAssignShort);
        let fault = self.fault;
        let own = self.secondary(command.cntlid)?;
        let more = command.nr.saturating_sub(given(own, rt));
        if own.online && fault != Some(Fault::NvmeAssignsOnline) {
            return Err(Status::INVALID_STATE);
        }
        if command.nr > pool.secondary_max {
            match fault {
                Some(Fault::NvmeOverAssigns) => return Ok(command.nr),
                Some(Fault::NvmeRefusalTakes) => give(own, rt, 1),
                Some(Fault::NvmeStatusOther) => return Err(Status::INVALID_FIELD),
                _ => {}
            }
            return Err(Status::INVALID_NUMBER);
        }
        if refuses || pool.free().is_none_or(|free| u32::from(more) > free) {
            return Err(Status::INVALID_RESOURCE);
        }
        give(own, rt, command.nr.saturating_sub(falls_short.into()));
        Ok(command.nr)
    }

    fn online(&mut self, command: Virtualization, vfs: u16) -> Result<u16, Status> {
        let fault = self.fault;
        let own = self.secondary(command.cntlid)?;
        let enough = own.nvq >= LEAST[0] && own.nvi >= LEAST[1];
        let early = fault == Some(Fault::NvmeOnlineTooEarly);
        if !(enough && own.vfn <= vfs || early) || fault == Some(Fault::NvmeOnlineRefused) {
            return Err(Status::INVALID_STATE);
        }
        own.online = fault != Some(Fault::NvmeOnlineIdle);
        Ok(0)
    }

    fn offline(&mut self, command: Virtualization) -> Result<u16, Status> {
        let fault = self.fault;
        let own = self.secondary(command.cntlid)?;
        own.online = false;
        self.namespaces
            .lose(command.cntlid, Fault::NvmeDataLostOffline);
        let own = self.secondary(command.cntlid)?;
        if fault == Some(Fault::NvmeOfflineKeeps) {
            return Ok(0);
        }
        let released = own.nvq;
        give(own, 0, 0);
        give(own, 1, 0);
        if fault == Some(Fault::NvmeResourcesLeak) && released > 0 {
            self.pools[0].assigned += 1;
        }
        Ok(0)
    }

    fn secondary(&mut self, cntlid: u16) -> Result<&mut SecondaryController, Status> {
        let mut all = self.secondaries.iter_mut();
        all.find(|own| own.scid == cntlid)
            .ok_or(Status::INVALID_CONTROLLER)
    }
}

fn pool(each: u16, count: u16, private: u16) -> Flexible {
    Flexible {
        total: u32::from(each) * u32::from(count),
        assigned: 0,
        primary: 0,
        private,
        secondary_max: each,
        granularity: 1,
    }
}

fn bare(scid: u16) -> SecondaryController {
    SecondaryController {
        scid,
        pcid: PRIMARY,
        online: false,
        vfn: scid - PRIMARY,
        nvq: 0,
        nvi: 0,
    }
}

fn given(own: &SecondaryController, rt: usize) -> u16 {
    [own.nvq, own.nvi][rt]
}

fn give(own: &mut SecondaryController, rt: usize, count: u16) {
    match rt {
        0 => own.nvq = count,
        _ => own.nvi = count,
    }
}
