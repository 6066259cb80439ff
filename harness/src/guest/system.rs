//! A guest system of a lab's own, as the manifest names it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A guest system, with all that is needed to start it: another process goes on with it after a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// What the manifest calls it.
    pub name: String,
    /// Where its image is: qcow2, an absolute path.
    pub image: String,
    /// The checksum of the image, in lower case.
    pub sha256: String,
    /// Its memory in MiB.
    pub memory: u32,
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, sha256 {})", self.name, self.image, self.sha256)
    }
}
