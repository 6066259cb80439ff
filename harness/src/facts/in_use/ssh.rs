//! The address by which the user's ssh connection reaches this machine.

use crate::facts::read;
use crate::machine::Host;

/// More processes than this between a program and the shell of its ssh connection are a loop.
const GENERATIONS: usize = 32;

/// The server's address in the variable `SSH_CONNECTION` of this process or of one above it: `sudo`
/// passes the variable on to nobody. A machine without such a process has no ssh connection.
pub(super) async fn server_address(host: &dyn Host) -> Option<String> {
    let mut process = "self".to_owned();
    for _ in 0..GENERATIONS {
        let environment = read::text(host, &format!("/proc/{process}/environ"))
            .await
            .ok()?;
        if let Some(address) = parse_environment(&environment) {
            return Some(address);
        }
        process = parse_parent(
            &read::text(host, &format!("/proc/{process}/status"))
                .await
                .ok()?,
        )?;
    }
    None
}

/// `SSH_CONNECTION` is client address, client port, server address, server port (`ssh(1)`).
fn parse_environment(environment: &str) -> Option<String> {
    let connection = environment
        .split('\0')
        .find_map(|variable| variable.strip_prefix("SSH_CONNECTION="))?;
    connection.split_whitespace().nth(2).map(str::to_owned)
}

/// The kernel's own processes have parent 0 (`proc_pid_status(5)`).
fn parse_parent(status: &str) -> Option<String> {
    let parent = status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim();
    (parent != "0").then(|| parent.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::testing::{Recorded, run};

    const CONNECTION: &str = "HOME=/root\0SSH_CONNECTION=192.0.2.9 50022 192.0.2.2 22\0";

    fn process(host: Recorded, name: &str, parent: &str, environment: &str) -> Recorded {
        host.file(&format!("/proc/{name}/environ"), environment)
            .file(
                &format!("/proc/{name}/status"),
                format!("Name:\tx\nPPid:\t{parent}\n"),
            )
    }

    #[test]
    fn the_variable_is_found_above_sudo() {
        let host = process(
            process(Recorded::default(), "self", "7", "TERM=vt\0"),
            "7",
            "1",
            CONNECTION,
        );
        assert_eq!(run(server_address(&host)), Some("192.0.2.2".to_owned()));
    }

    #[test]
    fn without_the_variable_the_search_ends() {
        let first = process(process(Recorded::default(), "self", "1", ""), "1", "0", "");
        assert_eq!(run(server_address(&first)), None);
        let ring = process(process(Recorded::default(), "self", "7", ""), "7", "7", "");
        assert_eq!(run(server_address(&ring)), None);
        assert_eq!(run(server_address(&Recorded::default())), None);
    }
}
