//! Any bytes are an answer to Identify or are refused in one line, and so is any complaint of nvme-cli.

#![no_main]

use std::fmt::Display;

use harness::nvme::{
    IdentifyController, IdentifyNamespace, Malformed, PrimaryCapabilities, Status, secondary_controllers,
};
use libfuzzer_sys::fuzz_target;

fn one_line<T: Display>(result: Result<T, Malformed>) {
    match result {
        Ok(decoded) => assert!(!decoded.to_string().is_empty(), "nothing is told"),
        Err(error) => assert!(!error.to_string().contains('\n'), "an error of more than one line"),
    }
}

fuzz_target!(|data: &[u8]| {
    // As long as an answer is, so that the fields are reached, and as it came.
    let mut whole = data.to_vec();
    whole.resize(4096, 0);
    for bytes in [data, whole.as_slice()] {
        one_line(IdentifyController::decode(bytes));
        one_line(PrimaryCapabilities::decode(bytes).inspect(|it| {
            let _ = [it.vq, it.vi].map(|it| it.and_then(|it| it.free()));
        }));
        one_line(IdentifyNamespace::decode(bytes).inspect(|it| {
            let _ = it.block();
        }));
        if let Ok(all) = secondary_controllers(bytes) {
            assert!(all.len() <= 127, "more than fit");
        }
    }
    if let Some(status) = Status::told(&String::from_utf8_lossy(data)) {
        assert!(status.sct < 8, "three bits");
    }
});
