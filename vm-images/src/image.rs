//! The built image: where its parts lie, and making sure it is there.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::build::build;
use crate::recipe;

/// A finished image of the lab host. Boots never change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    dir: PathBuf,
}

/// The folder under `cache` that holds the image of this version's recipe.
pub fn image_dir(cache: &Path) -> PathBuf {
    cache.join(format!("lab-{}", recipe::fingerprint()))
}

impl Image {
    /// The image in `dir`, taken as it is; for printing what a boot would run.
    pub fn at(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// The image under `cache`, built first if it is not there yet.
    ///
    /// `progress` hears what happens, line by line. Two callers never build at once: the second waits for the first. A
    /// killed build leaves a folder named `….building`, which the next build clears. Dropping the future ends the build.
    pub async fn ensure(cache: &Path, mut progress: impl FnMut(&str)) -> Result<Self> {
        let dir = image_dir(cache);
        if !dir.is_dir() {
            fs::create_dir_all(cache)
                .with_context(|| format!("cannot create the image folder {}", cache.display()))?;
            let _lock = lock(&dir.with_extension("lock"), &mut progress).await?;
            if !dir.is_dir() {
                build(&dir, &mut progress).await?;
            }
        }
        Ok(Self { dir })
    }

    /// The folder of the image.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The lab host's root file system as a folder.
    pub fn rootfs(&self) -> PathBuf {
        self.dir.join("rootfs")
    }

    /// The QEMU that emulates the lab host.
    pub fn emulator(&self) -> PathBuf {
        self.dir.join(recipe::EMULATOR)
    }

    /// The kernel to boot.
    pub fn kernel(&self) -> PathBuf {
        self.rootfs().join("boot/lab-kernel")
    }

    /// The initramfs that finds the root disk.
    pub fn initramfs(&self) -> PathBuf {
        self.rootfs().join("boot/lab-initramfs")
    }

    /// The root disk.
    pub fn root_disk(&self) -> PathBuf {
        self.dir.join("root.img")
    }

    /// The disk behind the NVMe controller's namespace.
    pub fn nvme_disk(&self) -> PathBuf {
        self.dir.join("nvme.img")
    }
}

/// Takes the lock in `path`; the kernel lets go of it when the process ends, however it ends.
async fn lock(path: &Path, progress: &mut impl FnMut(&str)) -> Result<File> {
    let failed = || format!("cannot lock {}", path.display());
    let file = File::create(path).with_context(failed)?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {
            progress("another process builds the lab image: waiting for it");
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
    }
    // A blocked thread could not be cancelled; asking again can.
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_finished_image_is_not_built_again() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(image_dir(cache.path())).unwrap();
        let image = Image::ensure(cache.path(), |line| panic!("nothing to say, said: {line}"))
            .await
            .unwrap();
        assert_eq!(image.dir(), image_dir(cache.path()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_builder_waits_and_then_finds_the_image() {
        let cache = tempfile::tempdir().unwrap();
        let dir = image_dir(cache.path());
        let first = File::create(dir.with_extension("lock")).unwrap();
        first.lock().unwrap();
        let mut said = Vec::new();
        let second = Image::ensure(cache.path(), |line| {
            said.push(line.to_owned());
            fs::create_dir(&dir).unwrap();
            first.unlock().unwrap();
        });
        second.await.unwrap();
        assert_eq!(
            said,
            ["another process builds the lab image: waiting for it"]
        );
    }
}
