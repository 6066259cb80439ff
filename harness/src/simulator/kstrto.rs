//! The kernel's way to read numbers and truth values from what is written to sysfs.
//!
//! Source: Linux 6.12 lib/kstrtox.c, `kstrtoull`, `_parse_integer_fixup_radix` and `kstrtobool`.

use nix::errno::Errno;

/// What a sysfs file gets to see of a write: everything before the first NUL.
pub(super) fn text(data: &[u8]) -> &str {
    let end = data
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(data.len());
    str::from_utf8(&data[..end]).unwrap_or("\u{fffd}")
}

/// Without the one newline that `sysfs_streq` and `kstrto…` overlook at the end.
pub(super) fn line(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

/// An unsigned number with base 0: `0x` means hexadecimal, a leading 0 octal.
pub(super) fn number(text: &str) -> Result<u64, Errno> {
    let text = line(text);
    let text = text.strip_prefix('+').unwrap_or(text);
    let (digits, radix) = radix(text);
    // `from_str_radix` alone would accept a sign here.
    let plain = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    if !plain {
        return Err(Errno::EINVAL);
    }
    u64::from_str_radix(digits, radix).map_err(|_| Errno::ERANGE)
}

fn radix(text: &str) -> (&str, u32) {
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) if digits.starts_with(|digit: char| digit.is_ascii_hexdigit()) => (digits, 16),
        _ if text.starts_with('0') => (text, 8),
        _ => (text, 10),
    }
}

/// A truth value. Only the first character counts, and of `on` and `off` the second.
pub(super) fn truth(text: &str) -> Result<bool, Errno> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some('y' | 'Y' | 't' | 'T' | '1'), _) | (Some('o' | 'O'), Some('n' | 'N')) => Ok(true),
        (Some('n' | 'N' | 'f' | 'F' | '0'), _) | (Some('o' | 'O'), Some('f' | 'F')) => Ok(false),
        _ => Err(Errno::EINVAL),
    }
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::{number, text, truth};

    #[test]
    fn accepted_forms() {
        for (form, value) in [
            ("2", 2),
            ("2\n", 2),
            ("0x2", 2),
            ("0XfF", 255),
            ("+2", 2),
            ("010", 8),
            ("0", 0),
            ("65536", 65536),
        ] {
            assert_eq!(number(form), Ok(value), "{form:?}");
        }
    }

    #[test]
    fn refused_forms() {
        for form in [
            "", "\n", "abc", "-1", "7x", " 3", "3 ", "3\n\n", "++3", "0x", "0x+1", "08", "0b1",
        ] {
            assert_eq!(number(form), Err(Errno::EINVAL), "{form:?}");
        }
        assert_eq!(number("18446744073709551616"), Err(Errno::ERANGE));
    }

    #[test]
    fn truth_values() {
        for form in ["1", "y", "Yes\n", "on", "true"] {
            assert_eq!(truth(form), Ok(true), "{form:?}");
        }
        for form in ["0\n", "n", "off", "False"] {
            assert_eq!(truth(form), Ok(false), "{form:?}");
        }
        for form in ["", "maybe", "o", "2"] {
            assert_eq!(truth(form), Err(Errno::EINVAL), "{form:?}");
        }
    }

    #[test]
    fn a_write_ends_at_nul() {
        assert_eq!(text(b"2\0junk"), "2");
        assert_eq!(number(text(b"\xff")), Err(Errno::EINVAL));
    }
}
