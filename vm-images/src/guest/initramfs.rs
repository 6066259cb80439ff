//! The file system a guest starts with: its first process and the modules this loads.

use std::io::{self, Write};

use cpio::newc::{Builder, trailer};

/// Where the first process finds what it is to load.
const MODULES: &str = "modules";
/// The names of the files there, one a line, in the order to load them.
const ORDER: &str = "modules/order";
/// The first process: where a shell would find the program, too.
pub const INIT: &str = "bin/sriov-certify";

const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const PLAIN: u32 = 0o100_644;

/// Packs a program and modules (pairs of file name and content, in loading order) as the kernel
/// unpacks them, uncompressed: to unpack costs a guest more time than to read
/// (Linux 6.12 Documentation/driver-api/early-userspace/buffer-format.rst).
pub fn initramfs(program: &[u8], modules: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    let mut number = 0;
    let mut add = |name: &str, mode, content: &[u8]| {
        number += 1;
        let size = u32::try_from(content.len()).map_err(io::Error::other)?;
        let entry = Builder::new(name).ino(number).nlink(1).mode(mode);
        let mut writer = entry.write(&mut archive, size);
        writer.write_all(content)?;
        writer.finish().map(drop)
    };
    for folder in ["bin", "dev", "proc", "sys", MODULES] {
        add(folder, FOLDER, b"")?;
    }
    add(INIT, PROGRAM, program)?;
    for (name, content) in modules {
        add(&format!("{MODULES}/{name}"), PLAIN, content)?;
    }
    let names: Vec<&str> = modules.iter().map(|(name, _)| name.as_str()).collect();
    add(ORDER, PLAIN, names.join("\n").as_bytes())?;
    trailer(&mut archive)?;
    Ok(archive)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use cpio::newc::Reader;

    use super::initramfs;

    fn listed(mut archive: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut entries = Vec::new();
        loop {
            let mut reader = Reader::new(archive).unwrap();
            if reader.entry().is_trailer() {
                return entries;
            }
            let (name, mode) = (reader.entry().name().to_owned(), reader.entry().mode());
            let mut content = Vec::new();
            reader.read_to_end(&mut content).unwrap();
            entries.push((name, mode, content));
            archive = reader.finish().unwrap();
        }
    }

    #[test]
    fn the_archive_holds_the_program_and_the_modules_in_their_order() {
        let modules = [("b.ko", b"two"), ("a.ko", b"one")];
        let modules = modules.map(|(name, content)| (name.to_owned(), content.to_vec()));
        let entries = listed(&initramfs(b"program", &modules).unwrap());
        let names: Vec<&str> = entries.iter().map(|(name, ..)| name.as_str()).collect();
        let expected = [
            "bin",
            "dev",
            "proc",
            "sys",
            "modules",
            "bin/sriov-certify",
            "modules/b.ko",
            "modules/a.ko",
            "modules/order",
        ];
        assert_eq!(names, expected);
        assert_eq!(entries[5].1, 0o100_755);
        assert_eq!(entries[6].2, b"two");
        assert_eq!(entries[8].2, b"b.ko\na.ko");
    }

    #[test]
    fn the_same_ingredients_make_the_same_archive() {
        assert_eq!(initramfs(b"p", &[]).unwrap(), initramfs(b"p", &[]).unwrap());
    }
}
