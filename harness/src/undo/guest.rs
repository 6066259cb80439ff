//! Takes guests away, and from guests what was handed to them.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{bounded, command};
use crate::guest::{Files, Hostdev, Told};
use crate::machine::Host;

/// How long a guest may take to let go of a function: it waits 5 s by itself (PCI Express Base
/// Specification 6.7.1.5, attention button).
const LETS_GO: Duration = Duration::from_mins(1);

/// How often libvirt is asked whether it has.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// Where libvirt has a folder for each guest that runs (libvirt src/qemu/qemu_domain.c,
/// `qemuDomainSetPrivatePaths`).
const RUNNING: &str = "/var/lib/libvirt/qemu";

/// How much of a guest's name the folder's name has, in characters (libvirt src/conf/domain_conf.c,
/// `virDomainDefGetShortName`).
const SHORT: usize = 20;

/// Ends a guest, makes libvirt forget it, and removes its files. What it had of the host, libvirt
/// gives back when it ends.
pub(super) async fn remove_guest(host: &dyn Host, name: &str) -> io::Result<()> {
    let forgotten = forget(host, name).await;
    let mut removed = forgotten.and(remove_remains(host, name).await);
    // Whatever libvirt makes of it, the files go.
    for file in Files::of(name).all() {
        removed = removed.and(bounded(file, host.put(file, None)).await);
    }
    removed
}

async fn forget(host: &dyn Host, name: &str) -> io::Result<()> {
    if !is_listed(host, name, &["--all"]).await? {
        return Ok(());
    }
    end(host, name).await?;
    command(host, &["virsh", "undefine", name, "--managed-save"]).await
}

/// Removes what libvirt has kept of a guest under which the machine went down: it removes a guest's
/// folder only where it sees the guest end.
async fn remove_remains(host: &dyn Host, name: &str) -> io::Result<()> {
    let short: String = name.chars().take(SHORT).collect();
    let end = format!("-{short}");
    let folders = match host.list(RUNNING).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        folders => folders?,
    };
    let is_of_it = |folder: &str| folder.starts_with("domain-") && folder.ends_with(&end);
    for folder in folders {
        // A guest of another device may have the same short name.
        if is_of_it(&folder) && !is_in_use(host, &folder, &short).await? {
            command(host, &["rm", "-r", &format!("{RUNNING}/{folder}")]).await?;
        }
    }
    Ok(())
}

/// Whether a folder is that of a guest that runs: libvirt puts the guest's number before its name.
async fn is_in_use(host: &dyn Host, folder: &str, short: &str) -> io::Result<bool> {
    let number = folder.split('-').nth(1).unwrap_or_default();
    let argv = ["virsh", "domname", number];
    let output = bounded(&argv.join(" "), host.run(&argv)).await?;
    Ok(output.success() && output.text().trim().starts_with(short))
}

/// Ends a guest, unless it has ended by itself.
async fn end(host: &dyn Host, name: &str) -> io::Result<()> {
    if !is_listed(host, name, &[]).await? {
        return Ok(());
    }
    match command(host, &["virsh", "destroy", name]).await {
        Err(error) if is_listed(host, name, &[]).await? => Err(error),
        _ => Ok(()),
    }
}

/// Takes all that was handed to it back from a guest. One that does not let go of it is ended.
pub(super) async fn take_back(host: &dyn Host, guest: &str) -> io::Result<()> {
    if !is_listed(host, guest, &["--all"]).await? {
        return Ok(());
    }
    // Whatever libvirt makes of its next start, what it has now must go.
    let forgotten = forget_attachments(host, guest).await;
    if is_listed(host, guest, &[]).await? && !lets_go(host, guest).await? {
        end(host, guest).await?;
    }
    forgotten
}

async fn forget_attachments(host: &dyn Host, guest: &str) -> io::Result<()> {
    for own in told(host, guest, &["--inactive"]).await?.hostdevs {
        describe(host, guest, &own).await?;
        command(host, &with(&own.detach(guest), "--config")).await?;
    }
    Ok(())
}

async fn lets_go(host: &dyn Host, guest: &str) -> io::Result<bool> {
    let had = told(host, guest, &[]).await?;
    for own in &had.hostdevs {
        // What cannot be described is not let go of.
        let _ = describe(host, guest, own).await;
        request(host, &own.detach(guest)).await;
    }
    for words in had.emulated(guest) {
        request(host, &words).await;
    }
    // Each request may have taken its time.
    let end = Instant::now() + LETS_GO;
    loop {
        if told(host, guest, &[]).await?.has_nothing() {
            return Ok(true);
        }
        if Instant::now() >= end {
            return Ok(false);
        }
        sleep(ASK_EVERY).await;
    }
}

/// Refused while the guest is still at an earlier request, and libvirt may not come back from it: what counts is whether it goes.
async fn request(host: &dyn Host, words: &[String]) {
    let argv = with(words, "--live");
    let _ = bounded(&argv.join(" "), host.run(&argv)).await;
}

/// Writes down what a function is, where libvirt is to read that.
async fn describe(host: &dyn Host, guest: &str, own: &Hostdev) -> io::Result<()> {
    let Some(xml) = own.description() else {
        return Ok(());
    };
    let file = Files::of(guest).plug;
    bounded(&file, host.put(&file, Some(xml.as_bytes()))).await
}

fn with<'a>(words: &'a [String], when: &'a str) -> Vec<&'a str> {
    words.iter().map(String::as_str).chain([when]).collect()
}

async fn told(host: &dyn Host, guest: &str, which: &[&str]) -> io::Result<Told> {
    let output = virsh(host, &[&["virsh", "dumpxml", guest], which].concat()).await?;
    Told::parse(&output).map_err(io::Error::other)
}

/// Whether libvirt lists the guest: among those that it has started, or among all.
async fn is_listed(host: &dyn Host, name: &str, which: &[&str]) -> io::Result<bool> {
    let text = virsh(host, &[&["virsh", "list", "--name"], which].concat()).await?;
    Ok(text.lines().any(|line| line.trim() == name))
}

/// Runs `virsh`, which must tell something.
async fn virsh(host: &dyn Host, argv: &[&str]) -> io::Result<String> {
    let output = bounded(&argv.join(" "), host.run(argv)).await?;
    if output.success() {
        return Ok(output.text());
    }
    let text = format!("`{}`: {}", argv.join(" "), output.stderr);
    Err(io::Error::other(text))
}
