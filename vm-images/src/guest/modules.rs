//! Which kernel modules a guest must load, and in what order, so that a few named ones work.

use std::collections::{BTreeMap, BTreeSet};

/// What `depmod` has written down of the modules of one kernel.
///
/// Source: modules.dep(5), modprobe.d(5); kmod libkmod/libkmod-module.c, `kmod_module_get_probe_list`.
#[derive(Clone, Debug, Default)]
pub struct Modules {
    /// By name, the file and the files it needs, in the order of `modules.dep`.
    files: BTreeMap<String, (String, Vec<String>)>,
    built_in: BTreeSet<String>,
    /// By name, the modules to be loaded before and after.
    soft: BTreeMap<String, [Vec<String>; 2]>,
    /// By another name, the modules that answer to it.
    aliases: BTreeMap<String, Vec<String>>,
}

/// A module that this kernel does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchModule(pub String);

impl std::fmt::Display for NoSuchModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "this kernel has no module {}", self.0)
    }
}

impl std::error::Error for NoSuchModule {}

impl Modules {
    /// From the texts of `modules.dep`, `modules.builtin`, `modules.softdep` and `modules.alias`.
    pub fn parse([dep, builtin, softdep, alias]: [&str; 4]) -> Self {
        let files = dep.lines().filter_map(|line| {
            let (file, needs) = line.split_once(':')?;
            let needs = needs.split_whitespace().map(str::to_owned).collect();
            Some((name(file), (file.to_owned(), needs)))
        });
        let mut modules = Self {
            files: files.collect(),
            built_in: builtin.lines().map(name).collect(),
            soft: BTreeMap::new(),
            aliases: BTreeMap::new(),
        };
        softdep.lines().for_each(|line| modules.add_soft(line));
        alias.lines().for_each(|line| modules.add_alias(line));
        modules
    }

    /// `softdep NAME pre: A B post: C`; what stands before either word belongs to `pre`.
    fn add_soft(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some("softdep"), Some(module)) = (words.next(), words.next()) else {
            return;
        };
        let soft = self.soft.entry(name(module)).or_default();
        let mut after = 0;
        for word in words {
            match word {
                "pre:" => after = 0,
                "post:" => after = 1,
                module => soft[after].push(name(module)),
            }
        }
    }

    /// `alias NAME MODULE`. Those of hardware, which hold a `:`, are of no use here.
    fn add_alias(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["alias", alias, module] = words[..]
            && !alias.contains([':', '*'])
        {
            let modules = self.aliases.entry(name(alias)).or_default();
            modules.push(name(module));
        }
    }

    /// The files to load for these modules, as paths below the kernel's folder, each after what it
    /// needs. What is built into the kernel needs no file; soft dependencies that are not there are
    /// left out, as `modprobe` does.
    pub fn order(&self, wanted: &[&str]) -> Result<Vec<&str>, NoSuchModule> {
        let mut order = Vec::new();
        for module in wanted {
            let module = name(module);
            if !self.add(&module, &mut BTreeSet::new(), &mut order) {
                return Err(NoSuchModule(module));
            }
        }
        Ok(order)
    }

    /// Whether the module is there. `above` are those on whose behalf it is wanted.
    fn add<'a>(
        &'a self,
        module: &str,
        above: &mut BTreeSet<String>,
        order: &mut Vec<&'a str>,
    ) -> bool {
        let Some((file, needs)) = self.files.get(module) else {
            return self.built_in.contains(module) || self.add_aliased(module, above, order);
        };
        if order.contains(&file.as_str()) || !above.insert(module.to_owned()) {
            return true;
        }
        let [before, after] = self
            .soft
            .get(module)
            .map_or([&[][..]; 2], |[before, after]| [before, after]);
        for soft in before {
            self.add(soft, above, order);
        }
        // The last one named is needed by those before it.
        for need in needs.iter().rev() {
            self.add(&name(need), above, order);
        }
        order.push(file);
        for soft in after {
            self.add(soft, above, order);
        }
        true
    }

    /// All modules that answer to a name which is none of a module, as far as they are there.
    fn add_aliased<'a>(
        &'a self,
        alias: &str,
        above: &mut BTreeSet<String>,
        order: &mut Vec<&'a str>,
    ) -> bool {
        let modules = self.aliases.get(alias).map_or(&[][..], Vec::as_slice);
        let mut found = false;
        for module in modules {
            found |= self.files.contains_key(module) && self.add(module, above, order);
        }
        found
    }
}

/// The kernel's name of a module: that of its file without folder and endings, with `_` for `-`
/// (Linux 6.12 scripts/Makefile.lib, `name-fix`).
fn name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap_or(file);
    let name = file.split('.').next().unwrap_or(file);
    name.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::{Modules, NoSuchModule};

    /// Of Debian 13's kernel 6.12, shortened.
    const DEP: &str = "\
kernel/net/core/failover.ko.xz:
kernel/drivers/net/net_failover.ko.xz: kernel/net/core/failover.ko.xz
kernel/drivers/net/virtio_net.ko.xz: kernel/drivers/net/net_failover.ko.xz kernel/net/core/failover.ko.xz
kernel/drivers/net/ethernet/intel/igbvf/igbvf.ko.xz:
kernel/drivers/nvme/host/nvme.ko.xz: kernel/drivers/nvme/host/nvme-core.ko.xz kernel/drivers/nvme/common/nvme-auth.ko.xz
kernel/drivers/nvme/host/nvme-core.ko.xz: kernel/drivers/nvme/common/nvme-auth.ko.xz
kernel/drivers/nvme/common/nvme-auth.ko.xz:
kernel/arch/x86/crypto/crc32c-intel.ko.xz:
kernel/a.ko:
kernel/b.ko:
";
    const ALIAS: &str = "alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\n\
        alias crc32c crc32c_intel\nalias crypto-crc32c crc32c_intel\nalias crc32c gone\n";
    const BUILTIN: &str = "kernel/drivers/virtio/virtio_pci.ko\nkernel/net/packet/af_packet.ko\n";
    const SOFT: &str = "# Soft dependencies extracted from modules themselves.\n\
        softdep igbvf pre: crc32c no-such-module\n\
        softdep a post: b\nsoftdep b pre: a\n";

    fn order(wanted: &[&str]) -> Result<Vec<String>, NoSuchModule> {
        let modules = Modules::parse([DEP, BUILTIN, SOFT, ALIAS]);
        let order = modules.order(wanted)?;
        let file = |path: &str| path.rsplit('/').next().unwrap().replace(".ko.xz", "");
        Ok(order.into_iter().map(file).collect())
    }

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let wanted = ["virtio_net", "nvme", "net_failover"];
        let order = order(&wanted).unwrap();
        let expected = [
            "failover",
            "net_failover",
            "virtio_net",
            "nvme-auth",
            "nvme-core",
            "nvme",
        ];
        assert_eq!(order, expected);
    }

    #[test]
    fn what_is_built_in_needs_no_file() {
        assert_eq!(order(&["virtio-pci", "af_packet"]).unwrap(), [""; 0]);
    }

    #[test]
    fn soft_dependencies_are_followed_as_far_as_they_are_there() {
        assert_eq!(order(&["igbvf"]).unwrap(), ["crc32c-intel", "igbvf"]);
        assert_eq!(order(&["a"]).unwrap(), ["a.ko", "b.ko"], "a circle ends");
    }

    #[test]
    fn a_module_that_is_not_there_is_named() {
        let error = order(&["virtio_net", "iavf"]).unwrap_err();
        assert_eq!(error.to_string(), "this kernel has no module iavf");
    }
}
