//! Guest systems from images: their disks, and the agent that starts this program in them.

use serde_json::{Value, json};

use crate::machine::Output;

use super::super::World;
use super::super::commands::{failed, printed};
use super::super::fault::Fault;
use super::super::tree::File;
use super::not_running;

/// The process that the agent starts.
const PROCESS: u32 = 571;

impl World {
    /// `qemu-img create` of an overlay.
    pub(in super::super) fn qemu_img(&mut self, image: &str, overlay: &str) -> Output {
        if self.model.has(Fault::NoQemuImg) {
            return failed(127, "sh: 1: qemu-img: not found");
        }
        if self.tree.read(image).is_err() {
            return failed(
                1,
                &format!(
                    "qemu-img: {overlay}: Could not open '{image}': No such file or directory"
                ),
            );
        }
        self.tree
            .file(overlay, File::Bytes(b"an overlay".as_slice().into()));
        printed("")
    }

    pub(super) fn agent_command(&mut self, name: &str, question: &str) -> Output {
        let Some(live) = self.libvirt.live(name) else {
            return not_running("command the agent of", name);
        };
        let awake = live.agent.is_some_and(|agent| agent <= self.now);
        if !awake || live.paused {
            return failed(
                1,
                "error: Guest agent is not responding: QEMU guest agent is not connected",
            );
        }
        let question: Value = serde_json::from_str(question).unwrap_or_default();
        match question["execute"].as_str().unwrap_or_default() {
            "guest-ping" => printed("{\"return\":{}}\n\n"),
            "guest-exec" => self.agent_starts(name),
            "guest-exec-status" => self.agent_tells(),
            other => unable(other, &format!("The command {other} has not been found")),
        }
    }

    /// Whatever it is asked to start is this program.
    fn agent_starts(&mut self, name: &str) -> Output {
        if self.model.has(Fault::GuestExecRefused) {
            return unable(
                "guest-exec",
                "Command guest-exec has been disabled: the command is not allowed",
            );
        }
        let (now, refuses) = (self.now, self.model.has(Fault::GuestRunsNothing));
        if let Some(live) = self.libvirt.live_mut(name).filter(|_| !refuses) {
            live.up = live.up.or(Some(now));
        }
        printed(json!({"return": {"pid": PROCESS}}).to_string() + "\n\n")
    }

    fn agent_tells(&self) -> Output {
        let status = if self.model.has(Fault::GuestRunsNothing) {
            // "Permission denied"
            json!({"exited": true, "exitcode": 77, "err-data": "UGVybWlzc2lvbiBkZW5pZWQ="})
        } else {
            json!({"exited": true, "exitcode": 0})
        };
        printed(json!({"return": status}).to_string() + "\n\n")
    }
}

fn unable(command: &str, why: &str) -> Output {
    let text =
        format!("error: internal error: unable to execute QEMU agent command '{command}': {why}");
    failed(1, &text)
}
