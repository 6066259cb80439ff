//! Guests that are to leave the machine, or its daemon to leave them.

use crate::machine::Output;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::not_running;

impl World {
    /// What is against saving or migrating a guest: that it has a VF.
    fn bound_to_host(&self, name: &str) -> Option<String> {
        let live = self.libvirt.live(name)?;
        let stays = live.emulator.turns > 0 && self.model.has(Fault::MigrationStaysRefused);
        let bound = !live.cards.is_empty() && !self.model.has(Fault::MigrationLetThrough);
        let why = if self.model.has(Fault::MigrationUnexplained) {
            "Requested operation is not valid: cannot migrate domain"
        } else {
            "Requested operation is not valid: cannot migrate domain: 0000:01:10.0: VFIO migration init failed: migration is not supported in kernel: Inappropriate ioctl for device"
        };
        (bound || stays).then(|| why.to_owned())
    }

    pub(super) fn virsh_save(&mut self, name: &str) -> Output {
        if self.libvirt.live(name).is_none() {
            return not_running("save", name);
        }
        if let Some(why) = self.bound_to_host(name) {
            return failed(
                1,
                &format!("error: Failed to save domain '{name}' state\nerror: {why}"),
            );
        }
        self.end(name);
        printed(format!("\nDomain '{name}' state saved by libvirt\n"))
    }

    /// To this very machine: refused in any case, but for another reason where nothing else is against it.
    pub(super) fn virsh_migrate(&mut self, name: &str) -> Output {
        let here = "internal error: Attempt to migrate guest to the same host 62718d20-10f4-4232-9f9d-8d203e05e655";
        let immobile = self.model.has(Fault::GuestImmobile).then(|| {
            "internal error: unable to execute QEMU command 'migrate': State blocked by non-migratable device 'kvmclock'".to_owned()
        });
        let why = self.bound_to_host(name).or(immobile);
        failed(1, &format!("error: {}", why.as_deref().unwrap_or(here)))
    }

    /// The daemon is restarted; guests run on, and it finds them again.
    pub(in super::super) fn restart_daemon(&mut self) -> Output {
        let names: Vec<String> = self.libvirt.guests.keys().cloned().collect();
        for name in names {
            if self.model.has(Fault::DaemonEndsGuests) {
                self.end(&name);
            }
            let forgets = self.model.has(Fault::DaemonForgetsVfs);
            if let Some(live) = self.libvirt.live_mut(&name).filter(|_| forgets) {
                live.cards.clear();
            }
        }
        self.publish_processes();
        printed("")
    }
}
