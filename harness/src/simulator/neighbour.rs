//! A second device of the same kind behind a root port of its own, which shows itself and does nothing:
//! another port of the adapter, or the device after it has moved.

use super::World;
use super::fault::Fault;
use super::function::Function;
use super::model::{NEIGHBOUR, SECOND_PORT};

impl World {
    /// Shows it where a fault needs it.
    pub(super) fn publish_neighbour(&mut self) {
        let moved = self.model.has(Fault::DeviceMovedByReboot) && self.model.is_gone();
        if !moved && !self.model.has(Fault::VfsOnWrongPort) {
            return;
        }
        self.publish_bridge(SECOND_PORT, [NEIGHBOUR.bus; 2]);
        let config = self.device.config.clone();
        let ids = self.model.header_ids(self.model.ids.device);
        self.publish_header(NEIGHBOUR, &config, ids, self.model.class());
        self.join_group(NEIGHBOUR);
        let function = self.neighbour(u8::from(!moved));
        self.publish_binding(&function, 0);
        self.show_neighbours_vfs(0);
    }

    /// A device that has moved keeps its address; another port has the next one.
    fn neighbour(&self, port: u8) -> Function {
        let mut function = Function::new(&self.model, NEIGHBOUR, None, self.booted);
        let mac = [0x02, 0, 0, 1, 0, port];
        function.driver = Some(self.model.drivers[0].clone());
        function.interface = function.new_interface(&self.model, mac, self.booted);
        if let Some(interface) = &mut function.interface {
            interface.name = "enp2s0".into();
        }
        function
    }

    /// A rule that is not narrowed to one port acts on this one too.
    pub(super) fn show_neighbours_vfs(&mut self, count: u16) {
        self.publish_counts(NEIGHBOUR, count, true);
    }
}
