//! The catalogue holds together: ids, files and findings.

use std::collections::BTreeSet;
use std::path::Path;

use suite::checks::ALL;

#[test]
fn ids_are_unique_and_name_their_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks");
    let mut files = BTreeSet::new();
    for area in [
        "host", "device", "vf", "guest", "traffic", "nvme", "persist",
    ] {
        for entry in std::fs::read_dir(root.join(area)).unwrap() {
            let path = entry.unwrap().path();
            if std::fs::read_to_string(&path)
                .unwrap()
                .contains("pub const CHECK: Check")
            {
                files.insert(format!("{area}::{}", path.file_stem().unwrap().display()));
            }
        }
    }
    let ids: BTreeSet<String> = ALL.iter().map(|check| check.id.to_owned()).collect();
    assert_eq!(ids.len(), ALL.len(), "two checks share an id");
    assert_eq!(ids, files, "left: the catalogue; right: the files");
}

/// A code that no check has would make no failure a known one.
#[test]
fn a_known_issue_names_a_finding_of_its_check() {
    let profiles = harness::profile::shipped(&suite::checks::ids());
    let issues = profiles.iter().flat_map(|profile| &profile.known_issues);
    let mut named = 0;
    for issue in issues {
        let Some(code) = &issue.finding else { continue };
        let check = ALL.iter().find(|check| check.id == issue.check);
        let mut findings = check.expect("a check").findings.iter();
        assert!(findings.any(|finding| finding.code == code), "{code}");
        named += 1;
    }
    assert_eq!(named, 1, "the BCM57810's");
}

#[test]
fn a_finding_code_stands_for_one_finding() {
    let mut seen = std::collections::BTreeMap::new();
    for finding in ALL.iter().flat_map(|check| check.findings) {
        let first = *seen.entry(finding.code).or_insert(finding);
        assert_eq!(first, finding, "{} stands for two findings", finding.code);
        for text in [finding.meaning, finding.rhel, finding.debian] {
            assert!(text.len() > 20, "{} does not explain itself", finding.code);
            let one_line = !text.contains('\n') && !text.contains("  ");
            assert!(one_line, "{} is broken over lines", finding.code);
        }
    }
}

#[test]
fn every_check_says_what_it_proves_and_where_that_stands() {
    for check in ALL {
        assert!(
            !check.proves.is_empty() && !check.source.is_empty(),
            "{}",
            check.id
        );
        assert!(!check.findings.is_empty(), "{} can find nothing", check.id);
    }
}
