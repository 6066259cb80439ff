//! Packs what a guest starts with from the machine's own kernel.

use std::io;

use vm_images::guest::{Modules, NoSuchModule, initramfs, unpack};

use crate::machine::Host;

/// What a guest starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The kernel.
    pub kernel: Vec<u8>,
    /// The initramfs.
    pub initramfs: Vec<u8>,
}

/// Why nothing could be packed.
#[derive(Debug)]
pub enum Unpackable {
    /// The running kernel has no such module.
    Module(NoSuchModule),
    /// A file cannot be read.
    File(io::Error),
}

impl From<io::Error> for Unpackable {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

/// Packs the running kernel, which is of that release, with modules of its own, by name, and with
/// this program. Those that are only `useful` may be missing.
pub async fn pack(
    host: &dyn Host,
    release: &str,
    modules: &[&str],
    useful: &[&str],
) -> Result<Image, Unpackable> {
    let folder = format!("/lib/modules/{release}");
    let mut lists = Vec::new();
    for list in ["dep", "builtin", "softdep", "alias"] {
        lists.push(text(host, &format!("{folder}/modules.{list}")).await?);
    }
    let known = Modules::parse([&lists[0], &lists[1], &lists[2], &lists[3]]);
    let there = useful.iter().filter(|it| known.order(&[it]).is_ok());
    let modules: Vec<&str> = modules.iter().chain(there).copied().collect();
    let mut files = Vec::new();
    for path in known.order(&modules).map_err(Unpackable::Module)? {
        let packed = read(host, &format!("{folder}/{path}")).await?;
        files.push((flat(path), unpack(&packed)?));
    }
    let initramfs = initramfs(&program(host).await?, &files)?;
    Ok(Image {
        kernel: kernel(host, release).await?,
        initramfs,
    })
}

/// This program, as a guest can run it.
pub async fn program(host: &dyn Host) -> io::Result<Vec<u8>> {
    if !cfg!(target_feature = "crt-static") {
        let text = "this program is not static, and a guest need not have its libraries: build it with the project's own .cargo/config.toml, without RUSTFLAGS in the environment";
        return Err(io::Error::other(text));
    }
    read(host, "/proc/self/exe").await
}

/// Where distributions keep the kernel: Debian and RHEL in `/boot`, Fedora beside its modules too.
async fn kernel(host: &dyn Host, release: &str) -> io::Result<Vec<u8>> {
    match host.read(&format!("/boot/vmlinuz-{release}")).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            read(host, &format!("/lib/modules/{release}/vmlinuz")).await
        }
        kernel => kernel,
    }
}

/// A module's file without its folders and without the ending of what it was compressed with.
fn flat(path: &str) -> String {
    let file = path.rsplit('/').next().unwrap_or(path);
    let end = file.find(".ko").map_or(file.len(), |at| at + ".ko".len());
    file[..end].to_owned()
}

async fn text(host: &dyn Host, path: &str) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read(host, path).await?).into_owned())
}

async fn read(host: &dyn Host, path: &str) -> io::Result<Vec<u8>> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("cannot read {path}: {error}"));
    host.read(path).await.map_err(named)
}

#[cfg(test)]
mod tests {
    use super::{Unpackable, flat, pack};
    use crate::facts::testing::{Recorded, run};

    fn machine() -> Recorded {
        let folder = "/lib/modules/6.12";
        Recorded::default()
            .file("/proc/self/exe", "the program")
            .file("/boot/vmlinuz-6.12", "the kernel")
            .files(
                folder,
                &[
                    (
                        "modules.dep",
                        "kernel/igbvf.ko: kernel/a.ko\nkernel/a.ko:\nkernel/b.ko:\n",
                    ),
                    ("modules.builtin", ""),
                    ("modules.softdep", ""),
                    ("modules.alias", ""),
                    ("kernel/igbvf.ko", "module igbvf"),
                    ("kernel/a.ko", "module a"),
                    ("kernel/b.ko", "module b"),
                ],
            )
    }

    #[test]
    fn the_program_and_the_modules_are_packed_with_the_kernel() {
        let image = run(pack(&machine(), "6.12", &["igbvf"], &["b", "e1000e"])).unwrap();
        assert_eq!(image.kernel, b"the kernel");
        let text = String::from_utf8_lossy(&image.initramfs);
        for part in [
            "the program",
            "module a",
            "module igbvf",
            "a.ko\nigbvf.ko\nb.ko",
        ] {
            assert!(text.contains(part), "{part}");
        }
    }

    #[test]
    fn a_kernel_beside_its_modules_is_found_too() {
        let machine = machine().without("/boot/vmlinuz-6.12");
        let missing = run(pack(&machine, "6.12", &[], &[])).unwrap_err();
        assert!(
            matches!(missing, Unpackable::File(error) if error.to_string().contains("/lib/modules/6.12/vmlinuz"))
        );
        let machine = machine.file("/lib/modules/6.12/vmlinuz", "there");
        assert_eq!(
            run(pack(&machine, "6.12", &[], &[])).unwrap().kernel,
            b"there"
        );
    }

    #[test]
    fn a_missing_module_is_told_from_a_missing_file() {
        let error = run(pack(&machine(), "6.12", &["iavf"], &[])).unwrap_err();
        assert!(matches!(error, Unpackable::Module(module) if module.0 == "iavf"));
        let machine = machine().without("/lib/modules/6.12/kernel/a.ko");
        let error = run(pack(&machine, "6.12", &["igbvf"], &[])).unwrap_err();
        assert!(
            matches!(error, Unpackable::File(error) if error.to_string().contains("kernel/a.ko"))
        );
    }

    #[test]
    fn a_file_is_called_by_what_it_is_once_unpacked() {
        assert_eq!(flat("kernel/net/failover.ko.xz"), "failover.ko");
        assert_eq!(flat("kernel/net/failover.ko"), "failover.ko");
    }
}
