//! `NVMe` controllers: what they say of themselves, and what their answers mean. Pure: how they are asked is the bench's.
//!
//! Fields have the names that the NVM Express Base Specification gives them. Where they stand in a structure is the same in its
//! revisions from 1.3 on; beside it, libnvme's `nvme_id_ctrl`, `nvme_primary_ctrl_cap`, `nvme_secondary_ctrl` and `nvme_id_ns` show it.

mod capabilities;
mod command;
mod controller;
mod lists;
mod namespace;
mod scratch;
mod secondary;
mod status;
mod structure;
#[cfg(test)]
mod tests;

pub use capabilities::{Flexible, PrimaryCapabilities};
pub use command::{Attachment, Question, Resource, Virtualization, create, delete};
pub use controller::IdentifyController;
pub use lists::{attached_controllers, namespaces};
pub use namespace::IdentifyNamespace;
pub use scratch::Scratch;
pub use secondary::{SecondaryController, secondary_controllers};
pub use status::{STATUS, Status};
pub use structure::Malformed;
