//! The words of nvme-cli by which a controller is asked and told: those that a person would type.

use std::fmt;

/// What can be asked of a controller and comes as a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Identify Controller.
    Controller,
    /// Primary Controller Capabilities.
    PrimaryCapabilities,
    /// Secondary Controller List.
    SecondaryControllers,
    /// The Namespace List of those that the controller itself is attached to (CNS 02h).
    ActiveNamespaces,
    /// The Namespace List of all that there are, attached or not (CNS 10h).
    Namespaces,
    /// Identify Namespace, attached or not (CNS 11h).
    Namespace(u32),
    /// The Controller List of those that are attached to a namespace (CNS 12h).
    Attached(u32),
}

impl Question {
    /// For the controller of that name, such as `nvme0`.
    pub fn words(self, controller: &str) -> Vec<String> {
        let command = match self {
            Self::Controller => "id-ctrl",
            Self::PrimaryCapabilities => "primary-ctrl-caps",
            Self::SecondaryControllers => "list-secondary",
            Self::ActiveNamespaces => return identify(controller, 0x02, 0),
            Self::Namespaces => return identify(controller, 0x10, 0),
            Self::Namespace(nsid) => return identify(controller, 0x11, nsid),
            Self::Attached(nsid) => return identify(controller, 0x12, nsid),
        };
        split(&format!(
            "nvme {command} /dev/{controller} --output-format=binary"
        ))
    }
}

/// Identify where nvme-cli has no command that prints the structure as it is.
fn identify(controller: &str, cns: u8, nsid: u32) -> Vec<String> {
    split(&format!(
        "nvme admin-passthru /dev/{controller} --opcode=6 --cdw10={cns:#x} --namespace-id={nsid} --data-len=4096 --read --raw-binary"
    ))
}

/// Whether a controller is to be attached to a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// It is.
    Attach,
    /// It is no more.
    Detach,
}

impl Attachment {
    /// Told to the controller of that name about another, by its identifier.
    pub fn words(self, controller: &str, nsid: u32, cntlid: u16) -> Vec<String> {
        let command = match self {
            Self::Attach => "attach-ns",
            Self::Detach => "detach-ns",
        };
        split(&format!(
            "nvme {command} /dev/{controller} --namespace-id={nsid} --controllers={cntlid}"
        ))
    }
}

/// What makes a namespace of so many blocks, in the controller's first format, that several controllers can have at once.
pub fn create(controller: &str, nsze: u64) -> Vec<String> {
    split(&format!(
        "nvme create-ns /dev/{controller} --nsze={nsze} --ncap={nsze} --flbas=0 --nmic=1"
    ))
}

/// What deletes a namespace, and its data.
pub fn delete(controller: &str, nsid: u32) -> Vec<String> {
    split(&format!(
        "nvme delete-ns /dev/{controller} --namespace-id={nsid}"
    ))
}

/// A type of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// VQ: queue pairs, the admin queues among them.
    Queues,
    /// VI: interrupt vectors.
    Interrupts,
}

impl Resource {
    /// Both, in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::Queues, Self::Interrupts];

    /// What the specification calls one.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queues => "VQ",
            Self::Interrupts => "VI",
        }
    }
}

/// A Virtualization Management command, right or wrong: fields are the specification's (NVM Express Base Specification,
/// Virtualization Management command, Command Dwords 10 and 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Virtualization {
    /// CNTLID: which controller it is about.
    pub cntlid: u16,
    /// ACT: what is done.
    pub act: u8,
    /// RT: the type of resources, 0 or 1.
    pub rt: u8,
    /// NR: how many of them.
    pub nr: u16,
}

impl Virtualization {
    /// ACT 1h: the primary controller, of that identifier, has so many itself from its next reset on.
    pub fn hold(primary: u16, resource: Resource, nr: u16) -> Self {
        Self {
            rt: resource as u8,
            nr,
            ..Self::act(primary, 1)
        }
    }

    /// ACT 7h: a secondary controller goes offline and gives back what it has.
    pub fn offline(cntlid: u16) -> Self {
        Self::act(cntlid, 7)
    }

    /// ACT 8h: a secondary controller that is offline gets so many.
    pub fn assign(cntlid: u16, resource: Resource, nr: u16) -> Self {
        Self {
            rt: resource as u8,
            nr,
            ..Self::act(cntlid, 8)
        }
    }

    /// ACT 9h: a secondary controller goes online.
    pub fn online(cntlid: u16) -> Self {
        Self::act(cntlid, 9)
    }

    /// An action without resources.
    pub fn act(cntlid: u16, act: u8) -> Self {
        Self {
            cntlid,
            act,
            rt: 0,
            nr: 0,
        }
    }

    /// Whether it takes a secondary controller offline.
    pub fn is_offline(self) -> bool {
        self.act == Self::offline(self.cntlid).act
    }

    /// Told to the controller of that name.
    pub fn words(self, controller: &str) -> Vec<String> {
        let Self {
            cntlid,
            act,
            rt,
            nr,
        } = self;
        split(&format!(
            "nvme virt-mgmt /dev/{controller} --cntlid={cntlid} --rt={rt} --act={act} --nr={nr}"
        ))
    }
}

/// As it stands in a report.
impl fmt::Display for Virtualization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            cntlid,
            act,
            rt,
            nr,
        } = self;
        match act {
            7 => write!(f, "controller {cntlid:#x} offline"),
            8 => {
                let all = &mut Resource::ALL.into_iter();
                let known = all.find(|resource| *resource as u8 == *rt);
                let name = known.map_or("?", Resource::name);
                write!(f, "{nr} {name} to controller {cntlid:#x}")
            }
            9 => write!(f, "controller {cntlid:#x} online"),
            _ => write!(f, "action {act:#x} with controller {cntlid:#x}"),
        }
    }
}

fn split(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}
