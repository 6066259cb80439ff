//! Certifies the lab's devices, over the restarts that the run asks for, and compares each with its simulator.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use reports::Verdict;
use vm_images::{LabFault, Reaction};

use super::super::output;
use super::machine::Machine;
use crate::evidence;
use crate::twin;

const SUMMARY: &str = "summary.json";

/// Returns what the program in the lab exited with. What a fault has put there for nobody to lose must still be there.
pub(super) async fn run(machine: &Machine, words: &[String]) -> anyhow::Result<u8> {
    let summary = machine.out.join(SUMMARY);
    if summary.exists() {
        fs::remove_file(&summary)
            .with_context(|| format!("cannot remove the old {}", summary.display()))?;
    }
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let script = format!(
        "{}sriov-certify run {}\n",
        include_str!("certify.sh"),
        quoted.join(" ")
    );
    let mut kept = machine.keeps();
    let ended = machine.run(&script, |line| {
        output::say(line);
        hear(&mut kept, line);
        Reaction::GoOn
    });
    let status = ended.await?.status;
    anyhow::ensure!(
        kept.is_empty(),
        "what is on the namespaces {kept:?} was not found as it was before the run"
    );
    u8::try_from(status).context("the program in the lab was killed")
}

/// Leaves those namespaces of which the lab host has not said yet that they are as they were.
fn hear(kept: &mut Vec<u32>, line: &str) {
    kept.retain(|nsid| line != format!("lab: namespace {nsid} as it was"));
}

/// Prints what each device came to, and whether its simulator would have said the same.
pub(super) fn present(out: &Path, fault: Option<LabFault>) -> anyhow::Result<u8> {
    let (mut codes, mut agree) = (Vec::new(), true);
    for folder in folders(&out.join(SUMMARY))? {
        let folder = out.join(folder);
        let run = evidence::render(&folder)?;
        output::print(&format!(
            "{}\n    {}",
            reports::table_line(&run),
            folder.join("summary.txt").display()
        ))?;
        codes.push(Verdict::of(&run).0.exit_code());
        let (profile, _) = evidence::read(&folder, &run.identity.profile)?;
        let differences = twin::differences(&run, profile, fault)?;
        if differences.is_empty() {
            output::say(&format!(
                "    its simulator agrees on all {} checks",
                twin::compared(&run, fault)
            ));
        }
        for difference in &differences {
            output::complain(&format!(
                "the simulator is wrong about {}: {difference}",
                run.identity.bdf
            ));
        }
        agree &= differences.is_empty();
    }
    let code = output::worst(&codes);
    Ok(if agree { code } else { code.max(2) })
}

/// The result folders that the program in the lab has listed.
fn folders(summary: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let missing = || {
        format!(
            "the program in the lab left no {}: see the lines above",
            summary.display()
        )
    };
    let text = fs::read_to_string(summary).with_context(missing)?;
    let json: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is damaged", summary.display()))?;
    let devices = json["devices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    Ok(devices
        .iter()
        .filter_map(|device| device["path"].as_str())
        .map(PathBuf::from)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::hear;

    #[test]
    fn silence_about_a_namespace_is_no_good_word() {
        let mut kept = vec![2, 3];
        for line in [
            "lab: namespace 2 now has the sum 0",
            "lab: namespace 3 as it was",
            "lab: namespace 2 NOT as it was",
            "namespace 2 as it was",
        ] {
            hear(&mut kept, line);
        }
        assert_eq!(kept, [2]);
    }
}
