//! A second device of the same kind behind a root port of its own: another adapter, or the device after it has moved.
//!
//! The kernel does with it all that it does with the first. `World::device` is the one that it is about just now.

use tokio::time::Instant;

use crate::pci::Bdf;

use super::World;
use super::agenda::Effect;
use super::function::{Device, Function};
use super::model::port_of;

impl World {
    /// Does something that is about the device of this function.
    pub(super) fn at<T>(&mut self, bdf: Bdf, work: impl FnOnce(&mut Self) -> T) -> T {
        let turns = port_of(self.device.pf.bdf) != port_of(bdf);
        self.turn(turns);
        let done = work(self);
        self.turn(turns);
        done
    }

    fn turn(&mut self, turns: bool) {
        if let Some(other) = self.other.as_mut().filter(|_| turns) {
            std::mem::swap(&mut self.device, other);
        }
    }

    /// Both devices.
    pub(super) fn devices(&self) -> impl Iterator<Item = &Device> {
        std::iter::once(&self.device).chain(&self.other)
    }

    pub(super) fn devices_mut(&mut self) -> impl Iterator<Item = &mut Device> {
        std::iter::once(&mut self.device).chain(&mut self.other)
    }

    /// All functions of both.
    pub(super) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.devices().flat_map(Device::functions)
    }

    /// The function with a network interface of that name.
    pub(super) fn owner(&self, interface: &str) -> Option<&Function> {
        self.functions()
            .find(|function| function.interface_named(interface).is_some())
    }

    /// The next thing that should have happened by now, its time, and the PF that it is about.
    pub(super) fn due(&mut self, now: Instant) -> Option<(Bdf, Instant, Effect)> {
        let planned = self
            .devices_mut()
            .filter_map(|device| Some((device.agenda.next()?, device)));
        let (_, device) = planned.min_by_key(|(time, _)| *time)?;
        let (time, effect) = device.agenda.due(now)?;
        Some((device.pf.bdf, time, effect))
    }

    /// Until when udev has something to do at least, if it has.
    pub(super) fn udev_busy(&self) -> Option<Instant> {
        let busy = self
            .devices()
            .filter_map(|device| device.agenda.udev_busy(self.now));
        busy.max()
    }

    /// Everything about the devices happens by another clock.
    pub(super) fn shift_devices(&mut self, by: &impl Fn(Instant) -> Instant) {
        for device in self.devices_mut() {
            device.agenda.shift(by);
            for function in std::iter::once(&mut device.pf).chain(&mut device.vfs) {
                function.since = by(function.since);
                if let Some(interface) = &mut function.interface {
                    interface.since = by(interface.since);
                }
            }
        }
    }
}
