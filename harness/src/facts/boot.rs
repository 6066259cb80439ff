//! Which boot of the machine this is.

use std::io;

use reports::Boot;

use super::read;
use crate::machine::Host;

/// The boot's id, which no two boots share (`random(4)`), and the kernel that runs.
pub async fn boot(host: &dyn Host) -> io::Result<Boot> {
    Ok(Boot {
        id: read::text(host, "/proc/sys/kernel/random/boot_id").await?,
        kernel: read::text(host, "/proc/sys/kernel/osrelease").await?,
    })
}

/// Whether systemd stops the machine: it then has a job for the target of every way down
/// (systemd.special(7), `shutdown.target`). `is-system-running` would say `starting` of a machine whose
/// boot is not over yet (systemd src/core/manager.c, `manager_state`).
pub async fn is_going_down(host: &dyn Host) -> bool {
    let question = [
        "systemctl",
        "show",
        "-p",
        "Job",
        "--value",
        "shutdown.target",
    ];
    // A service whose first process ends before the others is sent SIGTERM twice, and so may be what asks for us
    // (systemd src/core/service.c, `service_enter_stop_post`).
    for _ in 0..3 {
        match host.run(&question).await {
            Ok(answer) if answer.success() => return !matches!(answer.text().trim(), "" | "0"),
            _ => {}
        }
    }
    false
}
