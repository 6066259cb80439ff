//! The kernel's log.

use std::fmt::Write as _;
use std::time::Duration;

/// How bad a line is (Linux 6.12 include/linux/kern_levels.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Error = 3,
    Warning = 4,
    Notice = 5,
    Info = 6,
}

/// What was logged since boot.
#[derive(Clone, Debug, Default)]
pub(super) struct KernelLog {
    lines: Vec<(u8, Duration, String)>,
}

impl KernelLog {
    /// The kernel says something.
    pub(super) fn print(&mut self, uptime: Duration, level: Level, text: String) {
        self.lines.push((level as u8, uptime, text));
    }

    /// Someone writes to `/dev/kmsg`: facility user, default level unless a prefix says otherwise
    /// (Linux 6.12 kernel/printk/printk.c, `devkmsg_write`).
    pub(super) fn written(&mut self, uptime: Duration, text: &str) {
        let (level, text) = prefix(text).unwrap_or((Level::Warning as u8, text));
        let facility_user = if level < 8 { 8 } else { 0 };
        self.lines
            .push((level | facility_user, uptime, text.trim_end().to_owned()));
    }

    /// As `dmesg -r` prints it.
    pub(super) fn raw(&self) -> String {
        self.lines
            .iter()
            .fold(String::new(), |mut text, (priority, uptime, line)| {
                let _ = writeln!(
                    text,
                    "<{priority}>[{:5}.{:06}] {line}",
                    uptime.as_secs(),
                    uptime.subsec_micros()
                );
                text
            })
    }
}

fn prefix(text: &str) -> Option<(u8, &str)> {
    let (number, rest) = text.strip_prefix('<')?.split_once('>')?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{KernelLog, Level};

    #[test]
    fn lines_look_like_those_of_dmesg() {
        let mut log = KernelLog::default();
        log.print(
            Duration::from_millis(1500),
            Level::Info,
            "igb 0000:01:00.0: IOV Disabled".into(),
        );
        log.written(Duration::from_millis(2500), "marker\n");
        log.written(Duration::from_millis(2600), "<3>bad");
        assert_eq!(
            log.raw(),
            "<6>[    1.500000] igb 0000:01:00.0: IOV Disabled\n<12>[    2.500000] marker\n<11>[    2.600000] bad\n"
        );
    }
}
