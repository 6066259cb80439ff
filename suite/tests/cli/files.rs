//! Files that are not what they should be: profiles, journals, dumps.

use std::fs;
use std::path::{Path, PathBuf};

use crate::MOCK;
use crate::desk::Desk;

/// The folder of the only run below `out`.
fn result_folder(out: &Path) -> PathBuf {
    let mut folder = out.to_owned();
    while !folder.join("journal.jsonl").exists() {
        let mut folders = fs::read_dir(&folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path());
        folder = folders.find(|path| path.is_dir()).expect("a folder below");
    }
    folder
}

/// All that is wrong is found before anything is touched.
#[test]
fn bench_files_and_guests_that_cannot_be_used() {
    let desk = Desk::new();
    for (name, guest) in [
        ("none.toml", "nobody"),
        ("gone.toml", "gone"),
        ("other.toml", "other"),
    ] {
        desk.file(name, format!("guest = '{guest}'\n"));
    }
    desk.file("typo.toml", "gest = 'gone'\n");
    // As in the source tree.
    desk.file("Cargo.toml", "");
    fs::create_dir(desk.path("profiles")).unwrap();
    fs::create_dir(desk.path("vm-images")).unwrap();
    let entry = |name: &str, image: &str| {
        let sha256 = "0".repeat(64);
        format!(
            "[[guest]]\nname = '{name}'\nimage = '{image}'\nsha256 = '{sha256}'\nmemory = 512\n"
        )
    };
    let manifest = entry("gone", "/nowhere/image") + &entry("other", "../typo.toml");
    desk.file("vm-images/manifest.toml", manifest);
    let shown = desk.folder().canonicalize().unwrap().display().to_string();
    let refused = desk.refused(&[
        "plan --bench typo.toml",
        "plan --bench none.toml",
        "plan --bench gone.toml",
        "plan --bench other.toml",
        "lab --bench other.toml",
    ]);
    insta::assert_snapshot!(refused.replace(&shown, "DESK"));
}

#[test]
fn profiles_that_are_none() {
    let desk = Desk::new();
    desk.file("broken.toml", "name = \n");
    desk.file("unknown.toml", "nam = \"x\"\n");
    desk.file("binary.toml", b"\xff\xfe");
    fs::create_dir(desk.path("folder.toml")).unwrap();
    let good = include_str!("../../../profiles/mock-nic.toml");
    desk.file("no end", good);
    desk.file("two words.toml", good);
    desk.file(
        "contradictory.toml",
        good.replace("kind = \"nic\"", "kind = \"nvme\""),
    );
    let names = [
        "broken.toml",
        "unknown.toml",
        "binary.toml",
        "folder.toml",
        "contradictory.toml",
    ];
    let runs = names.map(|name| format!("run --mock --profile {name}"));
    insta::assert_snapshot!(desk.refused(&runs.each_ref().map(String::as_str)));
    for name in ["no end", "two words.toml"] {
        let answer = desk.ask(&["profile", "check", name]);
        assert_eq!(answer.code, 64);
        assert!(answer.stderr.contains("rename it"), "{answer:?}");
    }
    let all = desk.ask(&[
        "profile",
        "check",
        "binary.toml",
        "unknown.toml",
        "../none.toml",
    ]);
    assert_eq!((all.code, all.stdout.as_str()), (64, ""));
    insta::assert_snapshot!(all.stderr);
}

#[test]
fn a_journal_cut_anywhere() {
    let desk = Desk::new();
    assert_eq!(desk.ask(&MOCK).code, 0);
    let journal = fs::read(result_folder(&desk.path("out")).join("journal.jsonl")).unwrap();
    let head = journal.iter().position(|byte| *byte == b'\n').unwrap();
    fs::create_dir(desk.path("cut")).unwrap();
    let step = journal.len() / 24;
    for cut in [0, 1, head, head + 1]
        .into_iter()
        .chain((step..journal.len()).step_by(step))
    {
        desk.file("cut/journal.jsonl", &journal[..cut]);
        let answer = desk.ask(&["report", "cut"]);
        if cut <= head {
            assert_eq!(
                (answer.code, answer.stdout.as_str()),
                (64, ""),
                "cut at {cut}"
            );
            assert_eq!(answer.stderr.lines().count(), 1, "cut at {cut}: {answer:?}");
        } else {
            assert_eq!(
                (answer.code, answer.stderr.as_str()),
                (2, ""),
                "cut at {cut}"
            );
            assert!(answer.stdout.starts_with("INCONCLUSIVE"), "cut at {cut}");
        }
    }
    insta::assert_snapshot!(desk.refused(&["report cut/none", "report cut/journal.jsonl"]));
    desk.file("cut/journal.jsonl", "");
    let both = desk.ask(&["report", "."]);
    assert_eq!(both.code, 64);
    assert!(
        both.stdout.starts_with("PASSED"),
        "the other run is reported all the same: {both:?}"
    );
    assert!(
        both.stderr
            .contains("cut/journal.jsonl: the journal is empty: "),
        "{both:?}"
    );
    assert_eq!(both.stderr.lines().count(), 1);
}

#[test]
fn dumps_of_broken_config_spaces() {
    let desk = Desk::new();
    let mut endless = [0; 256];
    // Of a vendor that nobody is: what a device is called depends on the pci.ids of the machine.
    endless[..8].copy_from_slice(&[0xf0, 0xff, 0xc9, 0x10, 0, 0, 0x10, 0]);
    endless[0x34] = 0x40;
    endless[0x40..0x42].copy_from_slice(&[0x10, 0x40]);
    desk.file("all-ones", printed(&[0xff; 4096]));
    desk.file("header-only", printed(&endless[..64]));
    desk.file("loop", printed(&endless));
    let shown = ["all-ones", "header-only", "loop"].map(|file| {
        let answer = desk.ask(&["probe", "--dump", file]);
        assert_eq!((answer.code, answer.stderr.as_str()), (0, ""), "{file}");
        let json = desk.ask(&["probe", "--json", "--dump", file]).stdout;
        assert!(
            serde_json::from_str::<serde_json::Value>(&json).is_ok(),
            "{file}"
        );
        format!("{file}:\n{}", answer.stdout)
    });
    insta::assert_snapshot!(shown.join("\n"));
    desk.file("binary", b"\xff\xfe");
    desk.file("garbled", "01:00.0 Ethernet\n00: 86 8g\n");
    desk.file("empty", "");
    let files = ["binary", "garbled", "empty"].map(|file| format!("probe --dump {file}"));
    insta::assert_snapshot!(desk.refused(&files.each_ref().map(String::as_str)));
}

fn printed(config: &[u8]) -> String {
    let lines = config.chunks(16).enumerate().map(|(index, bytes)| {
        let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{:02x}: {}\n", index * 16, bytes.join(" "))
    });
    format!(
        "01:00.0 Ethernet controller: x\n{}",
        lines.collect::<String>()
    )
}
