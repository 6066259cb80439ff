//! Network cards that the emulator makes on the PF's own interface, as libvirt is told of them: what a VF is compared with.
//!
//! Source: libvirt docs/formatdomain.rst, "Direct attachment to physical interface".

/// Which card the emulator makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// An Intel 82574L, register by register.
    E1000e,
    /// One that was made to be emulated.
    Virtio,
}

impl Model {
    /// What libvirt calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::E1000e => "e1000e",
            Self::Virtio => "virtio",
        }
    }
}

/// A card on the PF's interface. Its address is libvirt's choice.
pub fn emulated(pf: &str, model: Model) -> String {
    direct(pf, model, "")
}

/// The same with what else libvirt is to know of it.
pub(super) fn direct(pf: &str, model: Model, more: &str) -> String {
    let model = model.name();
    format!(
        "<interface type='direct'>\n\
        \x20 <source dev='{pf}' mode='bridge'/>\n\
        \x20 <model type='{model}'/>\n\
        {more}\
        </interface>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::{Model, emulated};

    #[test]
    fn a_card_on_the_interface_of_the_pf() {
        insta::assert_snapshot!(emulated("enp1s0", Model::E1000e));
    }
}
