//! `run --mock`: every shipped profile on its simulator.

use std::path::{Path, PathBuf};

use futures_util::FutureExt;
use harness::run::Progress;
use reports::Run;

use super::{RunArgs, output, select, signals};
use crate::simulated::{runtime, simulate};

pub(super) fn run(args: &RunArgs) -> anyhow::Result<u8> {
    select::simulated(&args.selection)?;
    select::checks(&args.selection)?;
    let out = output::folder(args.out.as_deref())?;
    let mut runs = Vec::new();
    let ended = runtime()?.block_on(simulate_all(args, &out, &mut runs));
    output::conclude(&out, runs, ended)
}

async fn simulate_all(
    args: &RunArgs,
    out: &Path,
    runs: &mut Vec<(Run, PathBuf)>,
) -> anyhow::Result<()> {
    let (profiles, fault) = select::simulated(&args.selection)?;
    let selected = select::checks(&args.selection)?;
    let stop = signals::listen()?;
    for profile in profiles {
        let device = profile.id.clone();
        signals::go_on(&stop, &device)?;
        let mut tell = |progress: Progress<'_>| output::tell_bad(&device, &progress);
        let stop = stop.clone().boxed_local();
        runs.push(simulate(profile, fault, selected.clone(), out, stop, &mut tell).await?);
    }
    Ok(())
}
