//! How QEMU runs the lab host's instructions.

use std::fmt;

/// By the processor (KVM) or by translation (TCG).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceleration {
    /// The processor runs the lab host, and nested guests too where nesting is on.
    Kvm,
    /// QEMU translates; the reason is why KVM is not used.
    Tcg {
        /// Why not KVM, for people.
        reason: String,
    },
}

impl Acceleration {
    /// QEMU's options for it. TCG emulates the AMD virtualization extension, so that KVM works inside the lab either way.
    pub(crate) fn options(&self) -> [&'static str; 4] {
        match self {
            Self::Kvm => ["-accel", "kvm", "-cpu", "host"],
            Self::Tcg { .. } => ["-accel", "tcg,thread=multi", "-cpu", "EPYC-v4"],
        }
    }
}

impl fmt::Display for Acceleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kvm => write!(f, "KVM: the processor runs the lab"),
            Self::Tcg { reason } => write!(
                f,
                "no KVM ({reason}): QEMU emulates the processor, which is slower"
            ),
        }
    }
}
