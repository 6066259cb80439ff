//! Small files of procfs and sysfs as text, with errors that name the file.

use std::io;
use std::str::FromStr;

use nix::errno::Errno;

use crate::machine::Host;

/// A file's text, trimmed.
pub(crate) async fn text(host: &dyn Host, path: &str) -> io::Result<String> {
    let bytes = host.read(path).await.map_err(|error| named(path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// A file's text, trimmed; `None` where there is no such file.
pub(crate) async fn optional(host: &dyn Host, path: &str) -> io::Result<Option<String>> {
    match host.read(path).await {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).trim().to_owned())),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(named(path, &error)),
    }
}

/// A decimal number.
pub(crate) async fn decimal<T: FromStr>(host: &dyn Host, path: &str) -> io::Result<T> {
    let text = text(host, path).await?;
    text.parse()
        .map_err(|_| invalid(path, &text, "is not a number in range"))
}

/// A hexadecimal number, with or without `0x`.
pub(crate) async fn hex<T: TryFrom<u32>>(host: &dyn Host, path: &str) -> io::Result<T> {
    let text = text(host, path).await?;
    let number = u32::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| invalid(path, &text, "is not a hex number in range"))
}

/// The names in a folder; none where there is no such folder.
pub(crate) async fn names(host: &dyn Host, path: &str) -> io::Result<Vec<String>> {
    match host.list(path).await {
        Err(error) if is_absent(&error) => Ok(Vec::new()),
        result => result.map_err(|error| named(path, &error)),
    }
}

/// The last component of where a link points; `None` where there is no such link.
pub(crate) async fn target(host: &dyn Host, path: &str) -> io::Result<Option<String>> {
    match host.link(path).await {
        Ok(target) => Ok(target.rsplit('/').next().map(str::to_owned)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(named(path, &error)),
    }
}

/// A file of a device that goes away while it is read answers ENODEV rather than ENOENT
/// (Linux fs/kernfs/file.c, where `kernfs_get_active` fails).
pub(super) fn is_absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ENODEV as i32)
}

pub(super) fn named(path: &str, error: &io::Error) -> io::Error {
    // A wrapped error has no errno any more, so that ENODEV must become a kind callers can see.
    let kind = if is_absent(error) {
        io::ErrorKind::NotFound
    } else {
        error.kind()
    };
    io::Error::new(kind, format!("cannot read {path}: {error}"))
}

fn invalid(path: &str, text: &str, problem: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("cannot read {path}: `{}` {problem}", text.escape_debug()),
    )
}
