//! Reads the lab host's console log after the fact: how it ended, and whether the kernel panicked.

use std::str::Chars;

/// The line of the kernel's panic, if there is one.
pub(crate) fn panic_line(log: &str) -> Option<String> {
    log.lines()
        .find(|line| line.contains("Kernel panic - not syncing"))
        .map(plain)
}

/// The last line that says something.
pub(crate) fn last_line(log: &str) -> String {
    log.lines()
        .rev()
        .map(plain)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
}

/// The line without terminal control sequences and control bytes.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_sequence(&mut chars),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text.trim().to_owned()
}

/// Goes past what follows an ESC (ECMA-48, 5.4 and 5.6): a control sequence ends with one of `@` to `~`, a command string
/// (systemd sets the terminal's colours with one) with BEL or ESC and a backslash; anything else is one character.
fn skip_sequence(chars: &mut Chars<'_>) {
    match chars.next() {
        Some('[') => {
            chars.find(|end| ('@'..='~').contains(end));
        }
        Some(']') => {
            let end = chars.find(|end| ['\x07', '\x1b'].contains(end));
            if end == Some('\x1b') {
                chars.next();
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_free_of_control_sequences() {
        let log = "Reached target\r\n\x1b[!p\x1b]104\x07\x1b[?7h[   47.399995] reboot: Power down\r\n\x1b[!p\x1b]104\x1b\\\x1b[?7h\r\n";
        assert_eq!(last_line(log), "[   47.399995] reboot: Power down");
        assert_eq!(
            last_line("[\x1b[0;32m  OK  \x1b[0m] Reached target\r\n"),
            "[  OK  ] Reached target"
        );
    }

    #[test]
    fn a_panic_is_found_wherever_it_stands() {
        let log = "[    1.9] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\n[    2.0] CPU: 0\n";
        assert_eq!(
            panic_line(log).unwrap(),
            "[    1.9] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"
        );
        assert_eq!(panic_line("reboot: Power down"), None);
    }

    #[test]
    fn an_empty_log_has_an_empty_last_line() {
        assert_eq!(last_line(""), "");
        assert_eq!(last_line("\x1b["), "");
    }
}
