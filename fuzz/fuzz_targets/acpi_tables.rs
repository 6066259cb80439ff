//! Any bytes are an ACPI table or are refused in one line.

#![no_main]

use harness::acpi::{Dmar, Iort, Ivrs, TableError};
use libfuzzer_sys::fuzz_target;

/// Puts signature, length and checksum right, so that the structures are reached.
fn sealed(signature: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = [signature.as_bytes(), &[0; 32], data].concat();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes[9] = bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_sub(*byte));
    bytes
}

fn one_line<T>(result: Result<T, TableError>) {
    if let Err(error) = result {
        assert!(!error.to_string().contains('\n'), "an error of more than one line");
    }
}

fuzz_target!(|data: &[u8]| {
    one_line(Dmar::parse(data));
    one_line(Ivrs::parse(data));
    one_line(Iort::parse(data));
    one_line(Dmar::parse(&sealed("DMAR", data)));
    one_line(Ivrs::parse(&sealed("IVRS", data)));
    one_line(Iort::parse(&sealed("IORT", data)));
});
