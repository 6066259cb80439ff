//! Any bytes are a config space, and any text is a dump or is refused.

#![no_main]

use harness::pci::{Capabilities, ConfigSpace, dump};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let space = ConfigSpace::new(data.to_vec());
    let read = Capabilities::read(&space);
    let mut offsets: Vec<u16> = read.found.iter().map(|located| located.at).collect();
    offsets.sort_unstable();
    assert!(offsets.windows(2).all(|pair| pair[0] < pair[1]), "a capability was found twice");
    assert!(space.header().is_none() || data.len() >= 64);
    if let Err(error) = dump::parse(&String::from_utf8_lossy(data)) {
        assert!(!error.to_string().contains('\n'), "an error of more than one line");
    }
});
