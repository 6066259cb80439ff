//! Names of vendors, devices, subsystems and classes from the text of a `pci.ids` file.
//!
//! The file is 1.4 MB. Only the places of its vendors and classes are remembered; the lines of a vendor's devices are
//! searched when somebody asks for one.

use std::ops::Range;

/// The names in one `pci.ids` file. The default has none: every name is then unknown, and ids have to do.
#[derive(Clone, Debug, Default)]
pub struct Names {
    text: String,
    vendors: Vec<Block>,
    classes: Vec<Block>,
}

/// A vendor or class: its line and the indented lines that follow it.
#[derive(Clone, Debug)]
struct Block {
    id: u16,
    range: Range<usize>,
}

impl Names {
    /// Takes the text of a `pci.ids` file. Lines that are not in its format are never found.
    pub fn parse(text: String) -> Self {
        let mut names = Self::default();
        let mut start: Option<usize> = None;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let is_head = !line.starts_with(['\t', '#', '\n', '\r']);
            if is_head && let Some(start) = start.replace(at) {
                names.add(&text, start..at);
            }
            at += line.len();
        }
        if let Some(start) = start {
            names.add(&text, start..at);
        }
        names.vendors.sort_by_key(|block| block.id);
        names.text = text;
        names
    }

    fn add(&mut self, text: &str, range: Range<usize>) {
        let head = text.get(range.clone()).unwrap_or_default();
        if let Some(id) = head.strip_prefix("C ").and_then(|class| id(class, 2)) {
            self.classes.push(Block { id, range });
        } else if let Some(id) = id(head, 4) {
            self.vendors.push(Block { id, range });
        }
    }

    /// The date of a file's text, such as `2023-04-10 20:08:02`. Later dates are greater as text.
    pub fn date(text: &str) -> Option<&str> {
        let comments = text
            .lines()
            .take_while(|line| line.is_empty() || line.starts_with('#'));
        comments
            .filter_map(|line| line.trim_start_matches('#').trim().strip_prefix("Date:"))
            .map(str::trim)
            .next()
    }

    /// A vendor's name.
    pub fn vendor(&self, vendor: u16) -> Option<&str> {
        name(self.vendor_block(vendor)?.lines().next()?, 4)
    }

    /// A device's name, without its vendor's.
    pub fn device(&self, vendor: u16, device: u16) -> Option<&str> {
        name(
            self.device_lines(vendor, device)?
                .next()?
                .strip_prefix('\t')?,
            4,
        )
    }

    /// The name of a device as it is sold: by its subsystem ids.
    pub fn subsystem(
        &self,
        vendor: u16,
        device: u16,
        subvendor: u16,
        subdevice: u16,
    ) -> Option<&str> {
        let wanted = format!("{subvendor:04x} {subdevice:04x}  ");
        let mut lines = self
            .device_lines(vendor, device)?
            .skip(1)
            .take_while(|line| !is_entry(line));
        lines
            .find_map(|line| line.strip_prefix("\t\t")?.strip_prefix(wanted.as_str()))
            .map(str::trim_end)
    }

    /// The name of a 24-bit class code, by class and subclass as `lspci` does, else by class alone.
    pub fn class(&self, class: u32) -> Option<&str> {
        let [_, base, subclass, _] = class.to_be_bytes();
        let block = self
            .classes
            .iter()
            .find(|block| block.id == u16::from(base))?;
        let lines = self.text.get(block.range.clone())?.lines();
        let of_subclass =
            |line: &&str| is_entry(line) && id(line.trim_start(), 2) == Some(subclass.into());
        match lines.clone().find(of_subclass) {
            Some(line) => name(line.trim_start(), 2),
            None => name(lines.clone().next()?.strip_prefix("C ")?, 2),
        }
    }

    /// What to call a function: vendor and device by name where there is one, else by id.
    pub fn function(&self, vendor: u16, device: u16) -> String {
        match (self.vendor(vendor), self.device(vendor, device)) {
            (Some(vendor), Some(device)) => format!("{vendor} {device}"),
            (Some(vendor), None) => format!("{vendor} device {device:04x}"),
            (None, _) => format!("device {vendor:04x}:{device:04x}"),
        }
    }

    fn vendor_block(&self, vendor: u16) -> Option<&str> {
        let index = self
            .vendors
            .binary_search_by_key(&vendor, |block| block.id)
            .ok()?;
        self.text.get(self.vendors.get(index)?.range.clone())
    }

    /// The lines from a device's own on.
    fn device_lines(&self, vendor: u16, device: u16) -> Option<std::str::Lines<'_>> {
        let block = self.vendor_block(vendor)?;
        let start = block.find(&format!("\n\t{device:04x}  "))? + 1;
        block.get(start..).map(str::lines)
    }
}

/// Whether a line is one tab deep: a device or a subclass, not a subsystem, an interface or a comment.
fn is_entry(line: &str) -> bool {
    line.strip_prefix('\t')
        .is_some_and(|line| !line.starts_with('\t'))
}

/// The id at the start of a line, which two blanks part from the name.
fn id(line: &str, digits: usize) -> Option<u16> {
    line.get(digits..)?.strip_prefix("  ")?;
    u16::from_str_radix(line.get(..digits)?, 16).ok()
}

fn name(line: &str, digits: usize) -> Option<&str> {
    line.get(digits..)?.strip_prefix("  ").map(str::trim)
}

#[cfg(test)]
mod tests;
