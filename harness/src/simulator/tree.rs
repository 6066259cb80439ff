//! A small file system in memory: folders, files and symbolic links, with the kernel's errno.

use std::collections::BTreeMap;
use std::sync::Arc;

use nix::errno::Errno;

/// What a path can lead to.
#[derive(Clone, Debug)]
enum Node {
    Folder(BTreeMap<String, Node>),
    File(File),
    Link(String),
}

/// What reading a file gives.
#[derive(Clone, Debug)]
pub(super) enum File {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// A refusal. Of sysfs, a file without a `show` refuses to be opened for reading: EACCES
    /// (Linux 6.12 fs/kernfs/file.c, `kernfs_fop_open`, `KERNFS_ROOT_EXTRA_OPEN_PERM_CHECK`).
    Refuses(Errno),
}

impl File {
    /// A file that can only be written.
    pub(super) const WRITE_ONLY: Self = Self::Refuses(Errno::EACCES);
}

impl From<&str> for File {
    fn from(text: &str) -> Self {
        Self::Bytes(text.as_bytes().into())
    }
}

impl From<String> for File {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// How many links a path may lead over (Linux 6.12 include/linux/namei.h, `MAXSYMLINKS`).
const MOST_LINKS: usize = 40;

/// The file system.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: Node,
}

impl Tree {
    /// An empty root folder.
    pub(super) fn new() -> Self {
        Self {
            root: Node::Folder(BTreeMap::new()),
        }
    }

    /// Makes a folder and all above it.
    pub(super) fn folder(&mut self, path: &str) {
        self.make(path);
    }

    /// Puts a file there, in place of whatever was there.
    pub(super) fn file(&mut self, path: &str, content: impl Into<File>) {
        self.put(path, Node::File(content.into()));
    }

    /// Puts a symbolic link there.
    pub(super) fn link(&mut self, path: &str, target: impl Into<String>) {
        self.put(path, Node::Link(target.into()));
    }

    /// Takes away what is there, with all below it. Links on the way are not followed.
    pub(super) fn remove(&mut self, path: &str) {
        let (parent, name) = split(path);
        if let Some(Node::Folder(entries)) = self.node_mut(parent) {
            entries.remove(name);
        }
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        match self.node(&self.resolve(path, true)?) {
            Some(Node::File(File::Bytes(bytes))) => Ok(bytes.to_vec()),
            Some(Node::File(File::Refuses(errno))) => Err(*errno),
            Some(Node::Folder(_)) => Err(Errno::EISDIR),
            Some(Node::Link(_)) | None => Err(Errno::ENOENT),
        }
    }

    /// The names in a folder, sorted.
    pub(super) fn list(&self, path: &str) -> Result<Vec<String>, Errno> {
        match self.node(&self.resolve(path, true)?) {
            Some(Node::Folder(entries)) => Ok(entries.keys().cloned().collect()),
            Some(_) => Err(Errno::ENOTDIR),
            None => Err(Errno::ENOENT),
        }
    }

    /// What a symbolic link says.
    pub(super) fn read_link(&self, path: &str) -> Result<String, Errno> {
        match self.node(&self.resolve(path, false)?) {
            Some(Node::Link(target)) => Ok(target.clone()),
            Some(_) => Err(Errno::EINVAL),
            None => Err(Errno::ENOENT),
        }
    }

    /// The path of whatever is there without any link in it.
    pub(super) fn canonical(&self, path: &str) -> Result<String, Errno> {
        self.resolve(path, true)
    }

    /// The path of an existing file without any link in it.
    pub(super) fn canonical_file(&self, path: &str) -> Result<String, Errno> {
        let real = self.resolve(path, true)?;
        match self.node(&real) {
            Some(Node::File(_)) => Ok(real),
            Some(Node::Folder(_)) => Err(Errno::EISDIR),
            Some(Node::Link(_)) | None => Err(Errno::ENOENT),
        }
    }

    /// Takes over everything below a folder of another tree.
    pub(super) fn adopt(&mut self, other: &Self, path: &str) {
        if let Some(node) = other.node(path) {
            self.put(path, node.clone());
        }
    }

    /// The path without links, except for a last one where `follow_last` is false.
    fn resolve(&self, path: &str, follow_last: bool) -> Result<String, Errno> {
        let mut left: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let mut real: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                real.pop();
                continue;
            }
            let here = joined(&real);
            let Some(Node::Folder(entries)) = self.node(&here) else {
                return Err(Errno::ENOTDIR);
            };
            match entries.get(&part).ok_or(Errno::ENOENT)? {
                Node::Link(target) if follow_last || !left.is_empty() => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Errno::ELOOP);
                    }
                    if target.starts_with('/') {
                        real.clear();
                    }
                    left.extend(parts(target).rev().map(str::to_owned));
                }
                _ => real.push(part),
            }
        }
        Ok(joined(&real))
    }

    fn node(&self, path: &str) -> Option<&Node> {
        parts(path).try_fold(&self.root, |node, part| match node {
            Node::Folder(entries) => entries.get(part),
            _ => None,
        })
    }

    fn node_mut(&mut self, path: &str) -> Option<&mut Node> {
        parts(path).try_fold(&mut self.root, |node, part| match node {
            Node::Folder(entries) => entries.get_mut(part),
            _ => None,
        })
    }

    fn put(&mut self, path: &str, node: Node) {
        let (parent, name) = split(path);
        self.make(parent).insert(name.to_owned(), node);
    }

    /// The entries of a folder, made with all above it; a file in the way gives way.
    fn make(&mut self, path: &str) -> &mut BTreeMap<String, Node> {
        let mut entries = entries_of(&mut self.root);
        for part in parts(path) {
            // Most folders are there already: `entry` alone would copy the name each time.
            if !entries.contains_key(part) {
                entries.insert(part.to_owned(), Node::Folder(BTreeMap::new()));
            }
            let Some(node) = entries.get_mut(part) else {
                unreachable!("it was inserted above")
            };
            entries = entries_of(node);
        }
        entries
    }
}

fn entries_of(node: &mut Node) -> &mut BTreeMap<String, Node> {
    if !matches!(node, Node::Folder(_)) {
        *node = Node::Folder(BTreeMap::new());
    }
    match node {
        Node::Folder(entries) => entries,
        Node::File(_) | Node::Link(_) => unreachable!("it was made a folder above"),
    }
}

fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/')
        .filter(|part| !part.is_empty() && *part != ".")
}

fn joined(parts: &[String]) -> String {
    format!("/{}", parts.join("/"))
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    use nix::errno::Errno;

    use super::{File, Tree};

    fn tree() -> Tree {
        let mut tree = Tree::new();
        tree.file("/sys/devices/pci0000:00/0000:01:00.0/vendor", "0x8086\n");
        tree.file(
            "/sys/devices/pci0000:00/0000:01:00.0/reset",
            File::WRITE_ONLY,
        );
        tree.link(
            "/sys/bus/pci/devices/0000:01:00.0",
            "../../../devices/pci0000:00/0000:01:00.0",
        );
        tree.link("/sys/loop", "loop");
        tree.link("/sys/nowhere", "/gone");
        tree
    }

    #[test]
    fn links_are_followed_on_the_way_and_at_the_end() {
        let tree = tree();
        assert_eq!(
            tree.read("/sys/bus/pci/devices/0000:01:00.0/vendor")
                .unwrap(),
            b"0x8086\n"
        );
        assert_eq!(
            tree.list("/sys/bus/pci/devices/0000:01:00.0").unwrap(),
            ["reset", "vendor"]
        );
        assert_eq!(
            tree.read_link("/sys/bus/pci/devices/0000:01:00.0").unwrap(),
            "../../../devices/pci0000:00/0000:01:00.0"
        );
        let real = tree
            .canonical_file("/sys/bus/pci/devices/0000:01:00.0/../0000:01:00.0/vendor")
            .unwrap();
        assert_eq!(real, "/sys/devices/pci0000:00/0000:01:00.0/vendor");
    }

    #[test]
    fn refusals_are_the_kernels() {
        let tree = tree();
        let device = "/sys/bus/pci/devices/0000:01:00.0";
        assert_eq!(tree.read(&format!("{device}/nothing")), Err(Errno::ENOENT));
        assert_eq!(
            tree.read(&format!("{device}/vendor/nothing")),
            Err(Errno::ENOTDIR)
        );
        assert_eq!(tree.read(&format!("{device}/reset")), Err(Errno::EACCES));
        assert_eq!(tree.read(device), Err(Errno::EISDIR));
        assert_eq!(tree.list(&format!("{device}/vendor")), Err(Errno::ENOTDIR));
        assert_eq!(
            tree.read_link(&format!("{device}/vendor")),
            Err(Errno::EINVAL)
        );
        assert_eq!(tree.read("/sys/loop"), Err(Errno::ELOOP));
        assert_eq!(tree.read("/sys/nowhere"), Err(Errno::ENOENT));
    }

    #[test]
    fn what_is_removed_is_gone_with_all_below() {
        let mut tree = tree();
        tree.remove("/sys/devices/pci0000:00/0000:01:00.0");
        assert_eq!(
            tree.list("/sys/bus/pci/devices/0000:01:00.0"),
            Err(Errno::ENOENT)
        );
        assert_eq!(tree.list("/sys/devices/pci0000:00").unwrap(), [""; 0]);
    }
}
