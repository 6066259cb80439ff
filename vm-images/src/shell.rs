//! Boots the lab host for a person.

use std::process::ExitStatus;

use anyhow::{Context as _, Result};
use tokio::process::Command;

/// Runs `command` (see [`crate::Session::Person`]) with its console in this terminal, until the lab host powers off or the
/// person ends QEMU with Ctrl-a x. Ctrl-C goes to the lab host: QEMU puts the terminal into raw mode.
pub async fn shell(command: &[String]) -> Result<ExitStatus> {
    let (program, arguments) = command.split_first().context("the command is empty")?;
    let mut qemu = Command::new(program)
        .args(arguments)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    qemu.wait()
        .await
        .with_context(|| format!("cannot wait for {program}"))
}
