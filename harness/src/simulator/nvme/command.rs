//! nvme-cli's commands, as far as the suite types them.

use super::controllers::PRIMARY;
use super::encode;
use crate::machine::Output;
use crate::nvme::{IdentifyController, Status, Virtualization};
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
            sn: "SIMULATED0000000001".into(),
            mn: self.model.name.clone(),
            cntlid: vf.map_or(PRIMARY, |vf| PRIMARY + 1 + vf),
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

    /// A secondary controller has none of its own.
    fn virt_mgmt(&mut self, vf: Option<u16>, options: &[&str]) -> Output {
        let option = |name: &str| {
            let given = options.iter().find_map(|word| word.strip_prefix(name));
            given.and_then(|text| text.parse::<u16>().ok()).unwrap_or(0)
        };
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

fn refused(status: Status) -> Output {
    let name = status.name().unwrap_or("Unknown status");
    let number = DNR | u16::from_le_bytes([status.sc, status.sct]);
    failed(1, &format!("NVMe status: {name}({number:#x})"))
}
