//! `lab --print`: what would run.

use std::path::Path;

use vm_images::{Acceleration, Image, LabFault, Session};

use super::super::output;
use super::machine::{cache, qemu, spec};
use super::{LabArgs, Person};

/// Prints what would run, without running it: so whether KVM works is not tried out either.
pub(super) fn run(args: &LabArgs, fault: Option<LabFault>) -> anyhow::Result<u8> {
    let image = Image::at(vm_images::image_dir(&cache()));
    let acceleration = Acceleration::Tcg {
        reason: "not tried for --print".into(),
    };
    let out = args.out.clone().unwrap_or_else(output::default_folder);
    let session = match args.session {
        Some(Person::Shell) => Session::Person,
        None => Session::Payload {
            serial_log: out.join("serial.log"),
        },
    };
    let payload = Path::new("PAYLOAD");
    let spec = spec(args.nvme_vfs, fault, acceleration, payload, &out, session);
    let mut commands = vm_images::build_steps(image.dir(), nix::unistd::geteuid().is_root());
    commands.push(vm_images::command_line(&spec, &image, &qemu(args)));
    for command in commands {
        output::print(
            &command
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" "),
        )?;
    }
    Ok(0)
}

/// As a shell wants it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=/.,:+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
