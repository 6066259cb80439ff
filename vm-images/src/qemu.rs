//! Which QEMU runs the lab: the image's own, which needs nothing of the machine outside, or one the caller names.

use std::path::PathBuf;

use crate::image::Image;

/// The library folder of Debian on this architecture, in a root file system.
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";

/// The QEMU to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Qemu {
    /// The one of the image, mended (`lab-host/mend-emulator`).
    OfImage,
    /// This program, with its own firmware files.
    Program(PathBuf),
}

impl Qemu {
    /// The words that start it, before any option of the machine.
    ///
    /// The image's QEMU runs under the image's own dynamic loader and libraries: no chroot, no namespace, no privilege,
    /// whatever C library the machine outside has (ld.so(8): a program named to the loader is run by it).
    pub(crate) fn command(&self, image: &Image) -> Vec<String> {
        match self {
            Self::Program(program) => vec![program.display().to_string()],
            Self::OfImage => of_image(image),
        }
    }
}

fn of_image(image: &Image) -> Vec<String> {
    let rootfs = image.rootfs();
    let inside = |path: &str| rootfs.join(path).display().to_string();
    vec![
        // An accelerator or device that QEMU keeps in a module would else be looked for outside the image.
        "env".to_owned(),
        format!("QEMU_MODULE_DIR={}", inside(&format!("{LIBRARIES}/qemu"))),
        inside("lib64/ld-linux-x86-64.so.2"),
        "--library-path".to_owned(),
        format!(
            "{}:{}",
            inside(LIBRARIES),
            inside(&format!("{LIBRARIES}/pulseaudio"))
        ),
        image.emulator().display().to_string(),
        "-L".to_owned(),
        inside("usr/share/qemu"),
        "-L".to_owned(),
        inside("usr/share/seabios"),
        // So that nothing is left when this process is killed. The image has this option; another program may be too old for it.
        "-run-with".to_owned(),
        "exit-with-parent=on".to_owned(),
    ]
}
