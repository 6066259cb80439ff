//! This program's own `blocks`, on the namespaces of the simulated drive.

use crate::blocks::Passed;
use crate::machine::Output;
use crate::simulator::World;
use crate::simulator::commands::{failed, printed};

impl World {
    /// `blocks write|verify --device /dev/nvme0nN …`.
    pub(in crate::simulator) fn blocks(&mut self, words: &[&str]) -> Output {
        let value = |name: &str| {
            let mut words = words.iter().skip_while(|word| **word != name);
            words.nth(1).copied().unwrap_or_default()
        };
        let number = |name: &str| value(name).parse().unwrap_or(0);
        let (device, at) = (value("--device"), (number("--first"), number("--count")));
        let nsid = device.strip_prefix("/dev/nvme0n");
        let nsid = nsid.and_then(|nsid| nsid.parse().ok()).unwrap_or(0);
        let seed = value("--seed").parse().unwrap_or(0);
        let namespaces = &mut self.device.controllers.namespaces;
        let passed = match words {
            ["write", ..] => namespaces.write(nsid, at, seed),
            _ => namespaces.verify(nsid, at, seed),
        };
        match passed {
            None => failed(2, &format!("sriov-certify: cannot find {device}")),
            Some(passed) => told(&passed),
        }
    }
}

fn told(passed: &Passed) -> Output {
    let json = serde_json::to_string(passed).unwrap_or_default();
    let bad = passed.wrong > 0 || passed.failed.is_some();
    Output {
        status: bad.into(),
        ..printed(format!("{json}\n"))
    }
}
