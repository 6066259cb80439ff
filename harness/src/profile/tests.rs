//! What an author is told about a faulty profile, and that no text whatever ends in a panic.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::parse::MISFIT;
use super::shipped::SHIPPED;
use super::{Diagnostics, Profile};

const CHECKS: &[&str] = &["vf::create_one", "vf::create_several", "device::identity"];

/// A profile without fault, for each test to break.
const GOOD: &str = r#"name = "Acme 1 Gigabit"
kind = "nic"
source = "Acme, list of 2026"
match = [{ vendor = 0x1234, device = 0x5678 }]
driver = { pf = "acme", vf = "acmevf" }
vf_devices = [0x5679]

[claims]
total_vfs = 7
vf_attributes = ["mac", "vlan", "qos"]
vf_over_emulated = 2.0

[sources]
total_vfs = "data sheet, 4.2"
vf_over_emulated = "measured on 2026-02-03"

[[known_issue]]
check = "vf::create_one"
reason = "the first one is lost"
source = "erratum 3"

[[kernel_log]]
contains = "acme: mailbox is slow"
reason = "it always is"
"#;

/// Each fault as an edit of [`GOOD`]: its name, what is replaced, and by what.
const FAULTS: &[(&str, &str, &str)] = &[
    ("syntax", "total_vfs = 7", "total_vfs = "),
    (
        "duplicate key",
        "kind = \"nic\"",
        "kind = \"nic\"\nkind = \"nic\"",
    ),
    (
        "unknown key",
        "total_vfs = 7",
        "total_vfs = 7\ntotal_vf = 8",
    ),
    (
        "unknown key like no other",
        "kind =",
        "colour = \"red\"\nkind =",
    ),
    ("misspelt key", "total_vfs = 7", "totl_vfs = 7"),
    ("misspelt source", "total_vfs = \"data", "totalvfs = \"data"),
    ("missing key", "kind = \"nic\"\n", ""),
    (
        "missing key of an entry",
        "reason = \"the first one is lost\"\n",
        "",
    ),
    ("missing id", ", device = 0x5678", ""),
    ("wrong type", "total_vfs = 7", "total_vfs = \"7\""),
    (
        "table for a list",
        "vf_devices = [0x5679]",
        "vf_devices = {}",
    ),
    ("unknown word", "kind = \"nic\"", "kind = \"nvm\""),
    ("unknown attribute", "\"vlan\"", "\"vln\""),
    (
        "architecture by its other name",
        "vf_devices",
        "unsupported_architectures = [\"arm64\"]\nvf_devices",
    ),
    ("empty name", "Acme 1 Gigabit", " "),
    ("no match", "[{ vendor = 0x1234, device = 0x5678 }]", "[]"),
    ("id of 17 bits", "0x5678", "0x15678"),
    ("vendor of an absent device", "0x1234", "0xffff"),
    ("no virtual functions", "total_vfs = 7", "total_vfs = 0"),
    (
        "beyond every integer",
        "total_vfs = 7",
        "total_vfs = 99999999999999999999999999999999999999999",
    ),
    ("slower than emulated", "= 2.0", "= -0.5"),
    ("not a number", "= 2.0", "= nan"),
    (
        "ratio beyond every integer",
        "= 2.0",
        "= 99999999999999999999999999999999999999999",
    ),
    (
        "the same entry twice",
        "0x5678 }]",
        "0x5678 }, { device = 22136, vendor = 4660 }]",
    ),
    ("the same attribute twice", "\"qos\"]", "\"qos\", \"mac\"]"),
    (
        "claims of another kind",
        "kind = \"nic\"",
        "kind = \"nvme\"",
    ),
    ("priority without VLAN", "\"vlan\", ", ""),
    (
        "number without source",
        "total_vfs = \"data sheet, 4.2\"\n",
        "",
    ),
    ("source without claim", "total_vfs = 7\n", ""),
    (
        "subsystem without vendor",
        "0x5678 }",
        "0x5678, subsystem_device = 1 }",
    ),
    ("unknown check", "vf::create_one", "vf::create_on"),
    ("check of no area", "vf::create_one", "fv::create_one"),
    ("check without area", "vf::create_one", "create_one"),
    (
        "the same issue twice",
        "[[kernel_log]]",
        "[[known_issue]]\ncheck = \"vf::create_one\"\nreason = \"r\"\nsource = \"s\"\n\n[[kernel_log]]",
    ),
    (
        "log text that is too short",
        "acme: mailbox is slow",
        "slow",
    ),
];

fn parse(text: &str) -> Result<Profile, Diagnostics> {
    Profile::parse("x", "profiles/x.toml", text, CHECKS)
}

fn broken(from: &str, to: &str) -> Diagnostics {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    parse(&GOOD.replace(from, to)).expect_err(to)
}

#[test]
fn a_profile_without_fault_becomes_its_value() {
    let profile = parse(GOOD).unwrap();
    assert_eq!(
        (profile.id.as_str(), profile.matches[0].vendor),
        ("x", 0x1234)
    );
    assert_eq!(profile.claims.vf_over_emulated, Some(2.0));
    let whole = parse(&GOOD.replace("= 2.0", "= 2")).unwrap();
    assert_eq!(whole.claims.vf_over_emulated, Some(2.0));
}

#[test]
fn each_fault_is_explained() {
    let mut all = String::new();
    for (name, from, to) in FAULTS {
        let rendered = broken(from, to).render(false);
        writeln!(all, "──── {name}\n{rendered}\n").unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn all_faults_of_a_file_are_explained_at_once() {
    let text = include_str!("many_faults.toml");
    let diagnostics = parse(text).unwrap_err();
    insta::assert_snapshot!(diagnostics.render(false));
    insta::assert_snapshot!(diagnostics, @"profiles/x.toml: 16 errors, first: line 1: `name` is empty; run `sriov-certify profile check profiles/x.toml` for all");
}

#[test]
fn a_broken_line_does_not_hide_the_faults_of_others() {
    let text = GOOD
        .replace("kind = \"nic\"", "kind = ")
        .replace("\"mac\"", "\"mca\"");
    let rendered = parse(&text).unwrap_err().render(false);
    assert!(rendered.contains("has no value `mca`"), "{rendered}");
    assert!(!rendered.contains("missing key"), "{rendered}");
}

#[test]
fn a_check_of_an_area_without_checks_comes_later() {
    let later = GOOD.replace("vf::create_one", "persist::udev_rule");
    assert_eq!(
        parse(&later).unwrap().known_issues[0].check,
        "persist::udev_rule"
    );
}

#[test]
fn colour_only_when_asked() {
    let diagnostics = broken("total_vfs = 7", "total_vfs = 0");
    assert!(!diagnostics.render(false).contains('\u{1b}'));
    assert!(diagnostics.render(true).contains('\u{1b}'));
}

#[test]
fn nothing_at_all_is_explained_too() {
    insta::assert_snapshot!(parse("").unwrap_err(), @"profiles/x.toml: 5 errors, first: line 1: missing key `name`; run `sriov-certify profile check profiles/x.toml` for all");
}

/// A text a few edits away from a profile: cut, doubled, with bytes and tokens put in.
fn mutated() -> impl Strategy<Value = String> {
    let profiles: Vec<&str> = SHIPPED
        .iter()
        .map(|(_, text)| *text)
        .chain([GOOD])
        .collect();
    let tokens = [
        "=",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'''",
        "\n",
        "\r\n",
        "\0",
        "\u{feff}",
        "é",
        "-",
        "0x",
        "1e999",
        "[[match]]\n",
        "claims.x = 1\n",
        "#",
        ".",
    ];
    let edit = (
        any::<Index>(),
        any::<Index>(),
        select(tokens.to_vec()),
        0..3_u8,
    );
    (select(profiles), prop::collection::vec(edit, 1..8)).prop_map(|(text, edits)| {
        edits
            .into_iter()
            .fold(text.to_owned(), |text, (at, to, token, kind)| {
                edited(&text, at, to, token, kind)
            })
    })
}

fn edited(text: &str, at: Index, to: Index, token: &str, kind: u8) -> String {
    let place = |index: Index| text.floor_char_boundary(index.index(text.len() + 1));
    let (from, until) = (place(at).min(place(to)), place(at).max(place(to)));
    let (before, between, after) = (&text[..from], &text[from..until], &text[until..]);
    match kind {
        0 => format!("{before}{token}{between}{after}"),
        1 => format!("{before}{after}"),
        _ => format!("{before}{between}{between}{after}"),
    }
}

fn survives(text: &str) {
    if let Err(diagnostics) = parse(text) {
        assert!(diagnostics.count() > 0);
        assert_eq!(diagnostics.to_string().lines().count(), 1, "{diagnostics}");
        assert!(!diagnostics.to_string().contains(MISFIT), "{diagnostics}");
        assert!(diagnostics.render(false).contains("profiles/x.toml"));
    }
}

proptest! {
    #[test]
    fn no_mutated_profile_panics(text in mutated()) {
        survives(&text);
    }

    #[test]
    fn no_text_panics(text in "\\PC*|[a-z=\\[\\]{}\"'\n\r\t.0-9]{0,200}") {
        survives(&text);
    }
}
