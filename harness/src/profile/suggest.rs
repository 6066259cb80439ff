//! The word that was probably meant.

/// The word of `known` that is nearest to `given`, where one is near enough to be a slip of the hand.
pub(crate) fn nearest<'k>(given: &str, known: &[&'k str]) -> Option<&'k str> {
    let given = given.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&given, word);
    let best = known.iter().copied().min_by_key(|word| distance(word))?;
    (distance(best) <= slips(best)).then_some(best)
}

/// How many slips a word of this length may hold before it is another word.
fn slips(word: &str) -> usize {
    (word.chars().count() / 3).max(1)
}

/// "did you mean …?", or else every choice.
pub(super) fn hint(given: &str, known: &[&str]) -> String {
    match nearest(given, known) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("one of {}", quoted(known)),
    }
}

/// The words in backticks, with commas.
fn quoted(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest};

    #[test]
    fn a_slip_finds_its_word() {
        assert_eq!(
            nearest("totl_vfs", &["vf_msix", "total_vfs"]),
            Some("total_vfs")
        );
        assert_eq!(nearest("mca", &["mac", "vlan"]), Some("mac"));
        assert_eq!(nearest("NIC", &["nic", "nvme"]), Some("nic"));
    }

    #[test]
    fn another_word_finds_none_and_gets_the_choices() {
        assert_eq!(nearest("colour", &["mac", "vlan"]), None);
        assert_eq!(nearest("x", &[]), None);
        assert_eq!(hint("colour", &["mac", "vlan"]), "one of `mac`, `vlan`");
    }
}
