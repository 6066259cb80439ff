//! What a kernel command line says of one parameter.

/// The values a parameter is given, from left to right; `a=b,c` gives `b` and `c`, a bare `a` gives nothing.
///
/// As Linux Documentation/admin-guide/kernel-parameters.rst has it: dash and underscore are the same letter in a name, and
/// what follows `--` is for `init`.
pub(super) fn values<'line>(line: &'line str, name: &str) -> Vec<&'line str> {
    let pairs = words(line).filter_map(|word| word.split_once('='));
    let given = pairs.filter(|(key, _)| same_name(key, name));
    given.flat_map(|(_, value)| value.split(',')).collect()
}

/// Whether a parameter is given this value anywhere.
pub(super) fn has(line: &str, name: &str, value: &str) -> bool {
    values(line, name).contains(&value)
}

/// Whether a parameter stands alone, without a value.
pub(super) fn has_flag(line: &str, name: &str) -> bool {
    words(line).any(|word| same_name(word, name))
}

/// Whether the last value of a boolean module parameter switches it on (Linux lib/kstrtox.c, `kstrtobool`; without a
/// value it is on: kernel/params.c, `param_set_bool`).
pub(super) fn is_on(line: &str, name: &str) -> bool {
    let last = words(line)
        .filter(|word| same_name(word.split('=').next().unwrap_or(word), name))
        .last();
    last.is_some_and(|word| match word.split_once('=') {
        None => true,
        Some((_, value)) => {
            value.starts_with(['1', 'y', 'Y', 't', 'T']) || value.eq_ignore_ascii_case("on")
        }
    })
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split_whitespace().take_while(|word| *word != "--")
}

fn same_name(left: &str, right: &str) -> bool {
    left.replace('-', "_") == right.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::{has, has_flag, is_on, values};

    const LINE: &str = "BOOT_IMAGE=/vmlinuz root=/dev/vda ro intel_iommu=on,sm_on iommu=pt intel-iommu=off quiet -- iommu=off";

    #[test]
    fn values_come_in_order_whatever_the_spelling() {
        assert_eq!(values(LINE, "intel_iommu"), ["on", "sm_on", "off"]);
        assert_eq!(values(LINE, "iommu"), ["pt"], "what follows -- is init's");
        assert!(has(LINE, "iommu", "pt") && !has(LINE, "iommu", "off"));
    }

    #[test]
    fn a_flag_is_a_whole_word() {
        assert!(has_flag(LINE, "quiet"));
        assert!(!has_flag("quieter", "quiet") && !has_flag("quiet=1", "quiet"));
    }

    #[test]
    fn the_last_boolean_wins() {
        assert!(is_on("vfio.a=0 vfio.a=Y", "vfio.a"));
        assert!(is_on("vfio.a", "vfio.a") && is_on("vfio.a=on", "vfio.a"));
        assert!(!is_on("vfio.a=1 vfio.a=off", "vfio.a") && !is_on("", "vfio.a"));
    }
}
