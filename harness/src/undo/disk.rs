//! Brings back files: the rules of udev and the units of systemd among them.

use std::io;

use super::{bounded, command};
use crate::machine::Host;
use crate::sysfs;

/// What the file held; `None` where there was none.
pub(super) async fn restore_file(
    host: &dyn Host,
    path: &str,
    content: Option<&str>,
) -> io::Result<()> {
    bounded(path, host.put(path, content.map(str::as_bytes))).await?;
    if path.starts_with(sysfs::UDEV_RULES) {
        // Only sooner than it would by itself: udevd looks at the folder before it handles events, at
        // most every three seconds (systemd src/udev/udev-manager.c, once src/udev/udevd.c,
        // `event_queue_start` and `manager_reload`). So that it may not be there does no harm.
        let reload = host.run(&["udevadm", "control", "--reload"]);
        bounded("udevadm control --reload", reload).await?;
    }
    Ok(())
}

/// Takes a unit away. systemd must know its file to disable it.
pub(super) async fn remove_unit(host: &dyn Host, name: &str) -> io::Result<()> {
    let path = sysfs::unit(name);
    if bounded(&path, host.read(&path)).await.is_ok() {
        command(host, &["systemctl", "disable", name]).await?;
    }
    bounded(&path, host.put(&path, None)).await?;
    command(host, &["systemctl", "daemon-reload"]).await
}
