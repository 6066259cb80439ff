//! Reads the text of `lspci -x`, `-xxx` or `-xxxx`, so that a machine can be judged from another one.

use std::collections::BTreeMap;
use std::fmt;

use super::{Bdf, ConfigSpace};

/// One function of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpedFunction {
    /// Its address.
    pub bdf: Bdf,
    /// The rest of its first line, such as `Ethernet controller: Intel Corporation 82576 … (rev 01)`.
    pub description: String,
    /// Its config space, as much of it as the dump has.
    pub config: ConfigSpace,
}

/// Why a text is no dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub cause: String,
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}: {}; make the dump with `lspci -xxxx` as root",
            self.line, self.cause
        )
    }
}

impl std::error::Error for DumpError {}

/// The functions of a dump, in its order. The indented details of `lspci -vvv` and lspci's own warnings are passed over.
pub fn parse(text: &str) -> Result<Vec<DumpedFunction>, DumpError> {
    let mut reader = Reader::default();
    for (index, line) in text.lines().enumerate() {
        reader
            .line(index + 1, line.trim_end())
            .map_err(|cause| DumpError {
                line: index + 1,
                cause,
            })?;
    }
    reader.finish().map_err(|cause| DumpError {
        line: text.lines().count().max(1),
        cause,
    })
}

#[derive(Default)]
struct Reader {
    functions: Vec<DumpedFunction>,
    /// The line each address was first seen on.
    seen: BTreeMap<Bdf, usize>,
    /// The function whose bytes are being read.
    current: Option<(Bdf, String, Vec<u8>)>,
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), String> {
        let is_detail = line.is_empty() || line.starts_with(char::is_whitespace);
        if is_detail || line.starts_with("lspci: ") || line.starts_with("pcilib: ") {
            return Ok(());
        }
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(offset) = first.strip_suffix(':') {
            return self.bytes(offset, rest);
        }
        let bdf: Bdf = first.parse().map_err(|_| {
            format!(
                "`{}` begins neither a function nor a line of bytes",
                first.escape_debug()
            )
        })?;
        self.close()?;
        if let Some(earlier) = self.seen.insert(bdf, number) {
            return Err(format!("{bdf} is already on line {earlier}"));
        }
        self.current = Some((bdf, rest.to_owned(), Vec::new()));
        Ok(())
    }

    fn bytes(&mut self, offset: &str, text: &str) -> Result<(), String> {
        let offset = usize::from_str_radix(offset, 16)
            .map_err(|_| format!("`{offset}` is no hex offset"))?;
        let (bdf, _, bytes) = self
            .current
            .as_mut()
            .ok_or("bytes before the line that names their function")?;
        if offset != bytes.len() {
            return Err(format!(
                "{bdf} goes on at offset {offset:#x}, but {:#x} is the next",
                bytes.len()
            ));
        }
        for byte in text.split_whitespace() {
            bytes.push(
                hex_byte(byte)
                    .ok_or_else(|| format!("`{byte}` at {bdf} is no byte of two hex digits"))?,
            );
        }
        if bytes.len() > 4096 {
            return Err(format!("{bdf} has more than 4096 bytes"));
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        if let Some((bdf, description, bytes)) = self.current.take() {
            if bytes.is_empty() {
                return Err(format!("{bdf} has no bytes"));
            }
            self.functions.push(DumpedFunction {
                bdf,
                description,
                config: ConfigSpace::new(bytes),
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<DumpedFunction>, String> {
        self.close()?;
        if self.functions.is_empty() {
            Err("there is no PCI function in the text".to_owned())
        } else {
            Ok(self.functions)
        }
    }
}

fn hex_byte(text: &str) -> Option<u8> {
    let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u8::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests;
