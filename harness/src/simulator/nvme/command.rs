//! nvme-cli's commands, as far as the suite types them.

use super::controllers::PRIMARY;
use super::encode;
use crate::machine::Output;
use crate::nvme::{Attachment, IdentifyController, Status, Virtualization};
use crate::profile::Kind;
use crate::simulator::World;
use crate::simulator::commands::{failed, printed};
use crate::simulator::fault::Fault;
use crate::simulator::function::Function;

/// Namespace Management and Attachment, and Virtualization Management (OACS, bits 3 and 7).
const OACS: u16 = 1 << 3 | 1 << 7;
/// What the specification allows is only a status: nvme-cli 2.13 prints its meaning before the number.
const DNR: u16 = 1 << 14;

impl World {
    /// `nvme COMMAND /dev/nvmeN OPTION…`.
    pub(in crate::simulator) fn nvme(&mut self, words: &[&str]) -> Output {
        let [command, device, options @ ..] = words else {
            return failed(1, "nvme: what is to be done with which device?");
        };
        let Some(own) = self.owner_of(device) else {
            return failed(1, &format!("{device}: No such file or directory"));
        };
        let vf = own.index;
        let answer = match *command {
            "id-ctrl" => Ok(encode::controller(&self.identified(vf))),
            "primary-ctrl-caps" => self.capabilities(vf),
            "list-secondary" if vf.is_none() => {
                Ok(encode::secondaries(&self.device.controllers.listed()))
            }
            "list-secondary" => Ok(encode::secondaries(&[])),
            "virt-mgmt" => return self.virt_mgmt(vf, options),
            "create-ns" => {
                let size = u64::from(option(options, "--nsze="));
                return told("created", self.device.controllers.namespaces.create(size));
            }
            "delete-ns" => {
                let nsid = option(options, "--namespace-id=");
                return told("deleted", self.device.controllers.namespaces.delete(nsid));
            }
            "attach-ns" => return self.attachment(Attachment::Attach, options),
            "detach-ns" => return self.attachment(Attachment::Detach, options),
            "admin-passthru" => self.passthru(vf, options),
            other => return failed(1, &format!("ERROR: Invalid sub-command '{other}'")),
        };
        match answer {
            Ok(stdout) => Output {
                stdout,
                ..Output::default()
            },
            Err(status) => refused(status),
        }
    }

    /// The function whose controller a device file is.
    fn owner_of(&self, device: &str) -> Option<&Function> {
        let number: u16 = device.strip_prefix("/dev/nvme")?.parse().ok()?;
        let functions = &mut self.device.functions();
        let own = functions.find(|function| function.controller() == number)?;
        let bound = own.driver.is_some() && self.model.kind == Kind::Nvme;
        bound.then_some(own)
    }

    fn identified(&self, vf: Option<u16>) -> IdentifyController {
        let offered = vf.is_none() && !self.model.has(Fault::NvmeNoVirtualization);
        IdentifyController {
            sn: super::SERIAL.into(),
            mn: self.model.name.clone(),
            cntlid: cntlid(vf),
            ver: 0x0001_0400,
            cmic: 2,
            mdts: 7,
            oacs: if offered { OACS } else { OACS & 0x7f },
            nn: 256,
            unvmcap: 0,
        }
    }

    fn capabilities(&self, vf: Option<u16>) -> Result<Vec<u8>, Status> {
        if vf.is_some() || self.model.has(Fault::NvmeIdentifyRefused) {
            return Err(Status::INVALID_FIELD);
        }
        Ok(encode::capabilities(
            &self.device.controllers.capabilities(),
        ))
    }

    /// Identify, by its CNS.
    fn passthru(&self, vf: Option<u16>, options: &[&str]) -> Result<Vec<u8>, Status> {
        let namespaces = &self.device.controllers.namespaces;
        let nsid = option(options, "--namespace-id=");
        let cns = options
            .iter()
            .find_map(|word| word.strip_prefix("--cdw10="));
        match cns {
            Some("0x2") => Ok(encode::namespaces(&namespaces.active(cntlid(vf)))),
            Some("0x10") => Ok(encode::namespaces(&namespaces.ids())),
            Some("0x11") => Ok(encode::namespace(&namespaces.identify(nsid)?)),
            Some("0x12") => Ok(encode::attached(&namespaces.attached(nsid)?)),
            _ => Err(Status::INVALID_FIELD),
        }
    }

    /// Drivers do not notice it by themselves: the worst case.
    fn attachment(&mut self, what: Attachment, options: &[&str]) -> Output {
        let [nsid, cntlid] =
            ["--namespace-id=", "--controllers="].map(|name| option(options, name));
        let cntlid = u16::try_from(cntlid).unwrap_or(u16::MAX);
        let namespaces = &mut self.device.controllers.namespaces;
        if let Err(status) = namespaces.attach(what, nsid, cntlid) {
            return refused(status);
        }
        printed(format!("Success, nsid:{nsid}\n"))
    }

    /// A secondary controller has none of its own.
    fn virt_mgmt(&mut self, vf: Option<u16>, options: &[&str]) -> Output {
        let option = |name: &str| u16::try_from(option(options, name)).unwrap_or(u16::MAX);
        let byte = |name: &str| u8::try_from(option(name)).unwrap_or(u8::MAX);
        let command = Virtualization {
            cntlid: option("--cntlid="),
            act: byte("--act="),
            rt: byte("--rt="),
            nr: option("--nr="),
        };
        let count = self.device.num_vfs;
        let answer = match vf {
            None => self.device.controllers.virtualize(command, count),
            Some(_) if self.model.has(Fault::NvmeVfManages) => {
                self.device.controllers.virtualize(command, count)
            }
            Some(_) => Err(Status::INVALID_CONTROLLER),
        };
        match answer {
            Ok(count) => printed(format!(
                "success, Number of Controller Resources Modified (NRM):{count:#x}\n"
            )),
            Err(status) => refused(status),
        }
    }
}

/// The identifier of the PF's controller, or of a VF's.
fn cntlid(vf: Option<u16>) -> u16 {
    vf.map_or(PRIMARY, |vf| PRIMARY + 1 + vf)
}

/// The number after a word such as `--nr=`; 0 without it.
fn option(options: &[&str], name: &str) -> u32 {
    let given = options.iter().find_map(|word| word.strip_prefix(name));
    given.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn told(what: &str, done: Result<u32, Status>) -> Output {
    match done {
        Ok(nsid) => printed(format!("Success, {what} nsid:{nsid}\n")),
        Err(status) => refused(status),
    }
}

fn refused(status: Status) -> Output {
    let name = status.name().unwrap_or("Unknown status");
    let number = DNR | u16::from_le_bytes([status.sc, status.sct]);
    failed(1, &format!("NVMe status: {name}({number:#x})"))
}
