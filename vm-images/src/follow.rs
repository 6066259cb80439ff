//! Follows a lab host at its two wires, the output and the monitor, from its first boot to its end.

use std::io;
use std::path::Path;

use tokio::io::AsyncBufRead;
use tokio::time::sleep_until;

use crate::course::{Course, Deadlines, Ended, Reaction};
use crate::error::BenchFault;
use crate::monitor::Monitor;
use crate::output::Output;

/// Reads the output to its end, which is QEMU's end, each part within its deadline.
pub(crate) async fn follow(
    mut output: Output<impl AsyncBufRead + Unpin>,
    mut monitor: Monitor,
    serial_log: &Path,
    deadlines: Deadlines,
    mut on_line: impl FnMut(&str) -> Reaction,
) -> Result<Ended, BenchFault> {
    monitor.open().await;
    let mut course = Course::new(deadlines, serial_log);
    loop {
        let (limit, late) = course.limit();
        let cut_at = course.cut_at();
        tokio::select! {
            // The clock first: a payload that never stops talking must not stop it. The output before the monitor: what
            // the machine said, it said before its reset.
            biased;
            () = sleep_until(limit) => return Err(late),
            () = sleep_until(cut_at.unwrap_or(limit)), if cut_at.is_some() => {
                course.cut();
                monitor.cut_power().await;
            }
            line = output.next() => match line.map_err(|error| unreadable(&error))? {
                Some(line) => course.hear(line, &mut on_line)?,
                None => return course.end(),
            },
            reset = monitor.reset() => course.reset(reset?)?,
        }
    }
}

fn unreadable(error: &io::Error) -> BenchFault {
    BenchFault::Qemu(format!("its output cannot be read: {error}"))
}
