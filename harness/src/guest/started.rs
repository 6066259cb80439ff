//! How this program comes into a guest system: qemu-guest-agent is asked to start it there, and says what came of it.
//!
//! Source: QEMU qga/qapi-schema.json, `guest-exec` and `guest-exec-status`.

use anyhow::Context;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::json;

/// The serial number of the disk that holds this program, by which udev names it.
pub const SERIAL: &str = "sriov-certify";

/// Loads the VF's driver and starts this program from its disk; `$1` is the driver, `$2` the boot that the guest must have
/// left. Where a file may be executed differs: Debian mounts /run `noexec`, hardened systems /tmp, /var/tmp and /dev/shm.
const SCRIPT: &str = r#"[ "$(cat /proc/sys/kernel/random/boot_id)" != "$2" ] || exit 75
modprobe "$1"
disk=/dev/disk/by-id/virtio-sriov-certify
tries=0
until [ -e "$disk" ]; do
  tries=$((tries + 1))
  [ "$tries" -le 300 ] || { echo "there is no $disk" >&2; exit 76; }
  sleep 0.1
done
for folder in /run /dev/shm /var/tmp /root; do
  program=$folder/sriov-certify
  rm -f "$program"
  if cat "$disk" >"$program" && chmod 700 "$program" && "$program" --version; then
    "$program" agent </dev/null >/dev/null 2>&1 &
    exit 0
  fi
  rm -f "$program"
done
exit 77"#;

/// The boot that the guest must have left goes on still.
const SAME_BOOT: i64 = 75;

/// What came of the start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    /// The script has not ended.
    NotYet,
    /// The guest has not restarted yet.
    SameBoot,
    /// The program runs. What else was said, such as why the driver was not loaded.
    Yes(String),
    /// The program does not run.
    No(String),
}

/// Asks whether qemu-guest-agent answers.
pub const PING: &str = r#"{"execute":"guest-ping"}"#;

/// Asks qemu-guest-agent to load a driver and to start this program, unless the guest is still at that boot.
pub fn starts(driver: &str, left: &str) -> String {
    let arguments = ["-c", SCRIPT, "sriov-certify", driver, left];
    let arguments = json!({"path": "/bin/sh", "arg": arguments, "capture-output": true});
    json!({"execute": "guest-exec", "arguments": arguments}).to_string()
}

#[derive(Deserialize)]
struct Return<T> {
    #[serde(rename = "return")]
    value: T,
}

#[derive(Deserialize)]
struct Process {
    pid: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Status {
    exited: bool,
    exitcode: Option<i64>,
    signal: Option<i64>,
    err_data: Option<String>,
}

/// Asks what came of what [`starts`] has begun, from the answer to that.
pub fn asks(answer: &str) -> anyhow::Result<String> {
    let answer: Return<Process> = parse(answer)?;
    let arguments = json!({"pid": answer.value.pid});
    Ok(json!({"execute": "guest-exec-status", "arguments": arguments}).to_string())
}

impl Started {
    /// From the answer to [`asks`].
    pub fn parse(answer: &str) -> anyhow::Result<Self> {
        let Status {
            exited,
            exitcode,
            signal,
            err_data,
        } = parse::<Return<Status>>(answer)?.value;
        let said = STANDARD.decode(err_data.unwrap_or_default());
        let said = String::from_utf8_lossy(&said.context("not base64")?)
            .trim()
            .to_owned();
        Ok(match (exited, exitcode, signal) {
            (false, ..) => Self::NotYet,
            (_, Some(0), _) => Self::Yes(said),
            (_, Some(SAME_BOOT), _) => Self::SameBoot,
            (_, Some(code), _) => Self::No(format!("exit {code}: {said}")),
            (_, None, signal) => Self::No(format!("signal {}: {said}", signal.unwrap_or_default())),
        })
    }
}

fn parse<T: for<'de> Deserialize<'de>>(answer: &str) -> anyhow::Result<T> {
    serde_json::from_str(answer)
        .with_context(|| format!("qemu-guest-agent answers {:?}", answer.trim()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::{SCRIPT, SERIAL, Started, asks, starts};

    #[test]
    fn one_question_leads_to_the_next() {
        let asked = asks("{\"return\":{\"pid\":571}}\n\n").unwrap();
        assert_eq!(
            asked,
            r#"{"arguments":{"pid":571},"execute":"guest-exec-status"}"#
        );
        let error = asks("{\"return\":{}}").unwrap_err().to_string();
        assert_eq!(error, "qemu-guest-agent answers \"{\\\"return\\\":{}}\"");
    }

    #[test]
    fn what_came_of_it_is_told() {
        let of = |status: &str| Started::parse(&format!("{{\"return\":{status}}}")).unwrap();
        assert_eq!(of(r#"{"exited":false}"#), Started::NotYet);
        assert_eq!(of(r#"{"exited":true,"exitcode":75}"#), Started::SameBoot);
        assert_eq!(
            of(r#"{"exitcode":0,"out-data":"MS4w","err-data":"bm8gaWdidmYK","exited":true}"#),
            Started::Yes("no igbvf".into())
        );
        assert_eq!(
            of(r#"{"exitcode":77,"err-data":"bm9leGVj","exited":true}"#),
            Started::No("exit 77: noexec".into())
        );
        assert_eq!(
            of(r#"{"exited":true,"signal":9}"#),
            Started::No("signal 9: ".into())
        );
        assert!(
            Started::parse(r#"{"return":{"exited":true,"exitcode":0,"err-data":"?"}}"#).is_err()
        );
    }

    #[test]
    fn a_shell_takes_the_script_and_a_transcript_can_quote_it() {
        let parsed = Command::new("sh").args(["-n", "-c", SCRIPT]).status();
        assert!(parsed.unwrap().success());
        assert!(!starts("igbvf", "").contains('\''));
        assert!(SCRIPT.contains(&format!("virtio-{SERIAL}\n")));
        let at = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        let left = Command::new("sh")
            .args(["-c", SCRIPT, "sh", "none", at.trim()])
            .status();
        assert_eq!(left.unwrap().code(), Some(75));
    }
}
