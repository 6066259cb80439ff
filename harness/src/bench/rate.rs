//! The limit of what a VF may send, in verbs.

use anyhow::Context;

use super::Bench;
use crate::finding::Problem;
use crate::machine::Output;
use crate::undo::{Undo, set_rate};

impl Bench {
    /// Asks the PF's driver to let one of its VFs send no more than that, in Mbit/s, whatever it makes of it; 0 is no limit.
    pub async fn attempt_rate(&mut self, vf: u16, most: u32) -> Result<Output, Problem> {
        let before = self.vf_attributes(vf).await?["rate"]["max_tx"].as_u64();
        let before = before.and_then(|rate| u32::try_from(rate).ok());
        let undo = Undo::Rate {
            pf: self.pf(),
            vf,
            most: before.context("`ip link` tells no rate of a VF")?,
        };
        let name = self.net().await?.name;
        let words = set_rate(&name, vf, most);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.attempt_link(&words, undo).await
    }
}
