//! Finds out whether KVM works here, by booting the lab's kernel with it: `/dev/kvm` may exist and not work.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::acceleration::Acceleration;
use crate::image::Image;
use crate::qemu::Qemu;

const DEVICE: &str = "/dev/kvm";

/// Changes with every boot of this machine (random(4), `/proc/sys/kernel/random/boot_id`).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// A kernel under KVM says its name within a second; an emulator that does not get there is of no use.
const LIMIT: Duration = Duration::from_secs(8);

/// KVM if a kernel boots with it, else emulation and the reason.
///
/// The answer is kept beside the image and holds until this machine boots again.
pub async fn choose_acceleration(image: &Image, qemu: &Qemu) -> Result<Acceleration> {
    if let Err(error) = fs::OpenOptions::new().read(true).write(true).open(DEVICE) {
        return Ok(Acceleration::Tcg {
            reason: format!("{DEVICE}: {error}"),
        });
    }
    let memory = image.dir().join("kvm-probe");
    let boot = fs::read_to_string(BOOT_ID).with_context(|| format!("cannot read {BOOT_ID}"))?;
    let question = format!("{} {}", boot.trim(), qemu.command(image).join(" "));
    if let Some(answer) = remembered(&memory, &question) {
        return Ok(answer);
    }
    let answer = try_kvm(image, qemu).await?;
    // Only a cache: where it cannot be written, the next start asks again.
    let _ = fs::write(&memory, format!("{question}\n{}\n", reason(&answer)));
    Ok(answer)
}

/// The answer kept in `memory`, if it is for this question.
fn remembered(memory: &Path, question: &str) -> Option<Acceleration> {
    let text = fs::read_to_string(memory).ok()?;
    let (asked, reason) = text.strip_suffix('\n')?.split_once('\n')?;
    (asked == question).then(|| answer(reason.to_owned()))
}

fn answer(reason: String) -> Acceleration {
    if reason.is_empty() {
        Acceleration::Kvm
    } else {
        Acceleration::Tcg { reason }
    }
}

fn reason(answer: &Acceleration) -> &str {
    match answer {
        Acceleration::Kvm => "",
        Acceleration::Tcg { reason } => reason,
    }
}

/// Boots the kernel alone; without a root disk it goes no further than a panic, and it need not.
async fn try_kvm(image: &Image, qemu: &Qemu) -> Result<Acceleration> {
    let mut words = qemu.command(image);
    let kernel = image.kernel().display().to_string();
    words.extend(Acceleration::Kvm.options().map(str::to_owned));
    words.extend(
        [
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-machine",
            "q35",
            "-m",
            "512",
            "-no-reboot",
        ]
        .map(str::to_owned),
    );
    words.extend(
        [
            "-kernel",
            &kernel,
            "-append",
            "console=ttyS0 panic=-1",
            "-serial",
            "stdio",
        ]
        .map(str::to_owned),
    );
    let (program, arguments) = words.split_first().context("the command is empty")?;
    let mut machine = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let seen = watch(&mut machine).await;
    machine.kill().await.context("cannot end the KVM probe")?;
    Ok(answer(seen))
}

/// Waits for the kernel's first line; says why it will not come, or nothing.
async fn watch(machine: &mut Child) -> String {
    let (console, complaints) = (machine.stdout.take(), machine.stderr.take());
    let looked = timeout(LIMIT, async {
        tokio::select! {
            found = find(console, "Linux version") => found.map(|_| String::new()),
            found = find(complaints, "KVM internal error") => found.map(|line| format!("a kernel does not boot under it: {line}")),
        }
    });
    match looked.await {
        Ok(Some(reason)) => reason,
        Ok(None) => "QEMU does not start with it".to_owned(),
        Err(_elapsed) => format!(
            "a kernel under it says nothing within {} s",
            LIMIT.as_secs()
        ),
    }
}

/// The first line with `text`; `None` when the stream ends without it.
async fn find(stream: Option<impl AsyncRead + Unpin>, text: &str) -> Option<String> {
    let mut lines = BufReader::new(stream?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains(text) {
            return Some(line);
        }
    }
    None
}
