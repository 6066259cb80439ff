//! Restarts the machine that this process runs on.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Host, Output};

/// How long services and guests may take to stop. The longest that systemd allows one unit by
/// default, 90 s (`DefaultTimeoutStopSec=`, systemd-system.conf(5)), several times in a row.
const RESTART_LIMIT: Duration = Duration::from_mins(10);

/// How much longer a machine may take that does stop.
const STOPPING_LIMIT: Duration = Duration::from_hours(1);

/// How long systemd may take to say whether it stops the machine, and how often it is asked.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Asks systemd for a restart, which ends this process. Returns only where that does not happen.
pub(super) async fn restart(host: &dyn Host) -> io::Error {
    let asked = host.run(&["systemctl", "reboot"]).await;
    // A machine that goes down ends `systemctl` as any other process, perhaps before it has said that it was heard.
    if let Err(refusal) = accepted(asked)
        && !is_going_down(host).await
    {
        return refusal;
    }
    sleep(RESTART_LIMIT).await;
    // Guests may take longer, and nobody may touch a machine that is still about to go.
    let end = Instant::now() + STOPPING_LIMIT;
    while is_going_down(host).await && Instant::now() < end {
        sleep(Duration::from_secs(10)).await;
    }
    let text = "it still runs long after `systemctl reboot`";
    io::Error::new(io::ErrorKind::TimedOut, text)
}

fn accepted(asked: io::Result<Output>) -> io::Result<()> {
    let output = asked?;
    if output.success() {
        return Ok(());
    }
    let Output { status, stderr, .. } = output;
    let text = format!("`systemctl reboot` ended with {status}: {stderr}");
    Err(io::Error::other(text))
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
    // A machine that goes down ends what asks for us too. A service whose first process ends before the others is sent SIGTERM
    // twice (systemd src/core/service.c, `service_enter_stop_post`), and on a busy machine the two are seconds apart.
    let end = Instant::now() + ANSWER_LIMIT;
    loop {
        match host.run(&question).await {
            Ok(answer) if answer.success() => return !matches!(answer.text().trim(), "" | "0"),
            _ if Instant::now() >= end => return false,
            _ => sleep(ASK_AGAIN).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::restart;
    use crate::facts::testing::{Recorded, run};

    const ASK: &str = "systemctl reboot";
    const JOB: &str = "systemctl show -p Job --value shutdown.target";

    /// What keeps this machine, in which `systemctl reboot` ends with a status, from restarting.
    fn refusal(status: i32, job: &str) -> String {
        let host = Recorded::default()
            .prints(JOB, job)
            .fails(ASK, status, "Access denied");
        run(restart(&host)).to_string()
    }

    #[test]
    fn a_refusal_is_passed_on() {
        let refused = "`systemctl reboot` ended with 1: Access denied";
        assert_eq!(refusal(1, "\n"), refused);
        assert_eq!(refusal(1, "0\n"), refused);
    }

    /// Seen in the lab: the machine went down before `systemctl` had its answer.
    #[test]
    fn a_systemctl_that_the_restart_itself_has_ended_is_no_refusal() {
        let late = "it still runs long after `systemctl reboot`";
        assert_eq!(refusal(143, "4711\n"), late);
        assert_eq!(refusal(0, "\n"), late);
    }
}
