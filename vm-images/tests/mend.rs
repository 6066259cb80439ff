//! The emulator's copy is mended where it is the one that is known, and else left as it is.

use std::fs;
use std::process::{Command, Output};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/lab-host/mend-emulator");
/// The error code of an injected event is stored, and then its vector.
const STORES: [u8; 13] = [
    0x44, 0x89, 0xab, 0x80, 0x34, 0, 0, 0x89, 0xb3, 0x50, 0xc2, 0xff, 0xff,
];
/// In place of the vector's store.
const NOTHING: [u8; 6] = [0x66, 0x0f, 0x1f, 0x44, 0, 0];

/// What becomes of a program, and what is said of it.
fn mended(program: &[u8]) -> (Vec<u8>, Output) {
    let folder = tempfile::tempdir().expect("a folder");
    let [qemu, copy] = ["qemu", "copy"].map(|name| folder.path().join(name));
    fs::write(&qemu, program).expect("a program");
    let mut command = Command::new("sh");
    let output = command.arg(SCRIPT).arg(&qemu).arg(&copy).output();
    assert_eq!(fs::read(&qemu).expect("the program"), program);
    (fs::read(copy).expect("a copy"), output.expect("sh starts"))
}

#[test]
fn the_store_of_the_vector_is_taken_out() {
    let (before, after) = ([1, b'\n', 2], [b'\n', 0xff, 3]);
    let (copy, output) = mended(&[&before[..], &STORES, &after].concat());
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
    assert_eq!(copy, [&before[..], &STORES[..7], &NOTHING, &after].concat());
}

#[test]
fn another_emulator_is_left_as_it_is_and_that_is_said() {
    for program in [b"another".to_vec(), [STORES, STORES].concat()] {
        let (copy, output) = mended(&program);
        assert_eq!(copy, program);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            output.status.success() && said.contains("another than was mended"),
            "{said}"
        );
    }
}
