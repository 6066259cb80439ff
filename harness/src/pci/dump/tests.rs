//! Dumps as `lspci` writes them, and as it never would.

use std::fmt::Write as _;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::*;

/// The text `lspci` prints for these functions, sixteen bytes a line.
fn lspci(functions: &[DumpedFunction]) -> String {
    let mut text = String::new();
    for DumpedFunction {
        bdf,
        description,
        config,
    } in functions
    {
        writeln!(text, "{bdf} {description}").unwrap();
        for (index, line) in config.bytes().chunks(16).enumerate() {
            write!(text, "{:02x}:", index * 16).unwrap();
            for byte in line {
                write!(text, " {byte:02x}").unwrap();
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

fn message(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn errors_name_the_line_and_the_cause() {
    let all = [
        "",
        "01:00.0 Ethernet controller: X\n",
        "00: 86 80\n",
        "01:00.0 X\n00: 86 8\n",
        "01:00.0 X\n00: 86 +8\n",
        "01:00.0 X\n00: 86 80\n10: 00\n",
        "01:00.0 X\nzz: 86 80\n",
        "01:00.0 X\n00: 86\n\n0000:01:00.0 X\n00: 86\n",
        "01:00.0 X\n00: 86\nhello world\n",
        "01:00.0 X\n01:00.1 Y\n00: 86\n",
    ];
    insta::assert_snapshot!(all.map(message).join("\n"), @r#"
    line 1: there is no PCI function in the text; make the dump with `lspci -xxxx` as root
    line 1: 0000:01:00.0 has no bytes; make the dump with `lspci -xxxx` as root
    line 1: bytes before the line that names their function; make the dump with `lspci -xxxx` as root
    line 2: `8` at 0000:01:00.0 is no byte of two hex digits; make the dump with `lspci -xxxx` as root
    line 2: `+8` at 0000:01:00.0 is no byte of two hex digits; make the dump with `lspci -xxxx` as root
    line 3: 0000:01:00.0 goes on at offset 0x10, but 0x2 is the next; make the dump with `lspci -xxxx` as root
    line 2: `zz` is no hex offset; make the dump with `lspci -xxxx` as root
    line 4: 0000:01:00.0 is already on line 1; make the dump with `lspci -xxxx` as root
    line 3: `hello` begins neither a function nor a line of bytes; make the dump with `lspci -xxxx` as root
    line 2: 0000:01:00.0 has no bytes; make the dump with `lspci -xxxx` as root
    "#);
}

#[test]
fn more_than_a_config_space_is_refused() {
    let text = format!("01:00.0 X\n00:{}\n", " 00".repeat(4097));
    assert_eq!(
        message(&text),
        "line 2: 0000:01:00.0 has more than 4096 bytes; make the dump with `lspci -xxxx` as root"
    );
}

#[test]
fn details_and_warnings_are_passed_over() {
    let text = "lspci: Unable to load libkmod resources: error -2\r\n01:00.0 X\r\n\tControl: I/O-\r\n00: 86 80\r\n\r\n";
    let functions = parse(text).unwrap();
    assert_eq!(
        (
            functions[0].description.as_str(),
            functions[0].config.bytes()
        ),
        ("X", [0x86, 0x80].as_slice())
    );
}

fn functions() -> impl Strategy<Value = Vec<DumpedFunction>> {
    let len = prop_oneof![Just(64usize), Just(256), 1usize..300];
    let config = len
        .prop_flat_map(|len| vec(any::<u8>(), len))
        .prop_map(ConfigSpace::new);
    btree_map(
        (0u32..=0x10000, any::<u16>()),
        ("[ -~]{0,30}[!-~]", config),
        1..5,
    )
    .prop_map(|functions| {
        let function = |((domain, id), (description, config))| DumpedFunction {
            bdf: Bdf::from_routing_id(domain, id),
            description,
            config,
        };
        functions.into_iter().map(function).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_lspci_writes_is_read_back(functions in functions()) {
        prop_assert_eq!(parse(&lspci(&functions)).unwrap(), functions);
    }

    #[test]
    fn any_text_is_read_or_refused_by_line(text in "([0-9a-f:. \n\tX]{0,12}\n){0,8}") {
        if let Err(error) = parse(&text) {
            prop_assert!((1..=text.lines().count().max(1)).contains(&error.line));
        }
    }

    #[test]
    fn a_damaged_dump_is_read_or_refused(functions in functions(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut bytes = lspci(&functions).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&String::from_utf8_lossy(&bytes)).map_err(|error| error.to_string());
    }
}
