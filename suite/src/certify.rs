//! Certifies one device: from its profile and its machine to a folder with the reports.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use futures_util::future::LocalBoxFuture;
use harness::bench::{Bench, Log};
use harness::facts::Facts;
use harness::machine::Host;
use harness::plan::plan;
use harness::profile::Profile;
use harness::run::{Orders, Progress, run};
use reports::{Durability, Environment, Identity, Journal, Run};

use crate::{checks, identity};

/// What is to be certified, where, and by which checks.
pub struct Subject {
    /// The machine.
    pub host: Rc<dyn Host>,
    /// The claims.
    pub profile: Rc<Profile>,
    /// What was read of both.
    pub facts: Rc<Facts>,
    /// What kind of place it is.
    pub environment: Environment,
    /// Globs of `--check`; empty for all.
    pub selected: Vec<String>,
}

/// Runs the checks and writes the reports below `out`. Returns what the journal says, and where.
pub async fn certify(
    subject: Subject,
    out: &Path,
    stop: LocalBoxFuture<'_, String>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> anyhow::Result<(Run, PathBuf)> {
    let (folder, identity) = open(&subject, out)?;
    let durability = match subject.environment {
        Environment::Simulator => Durability::Process,
        Environment::Hardware | Environment::Lab => Durability::PowerCut,
    };
    let journal = Journal::create(&folder, durability)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let plan = plan(
        checks::ALL,
        &subject.profile,
        &subject.facts,
        &subject.selected,
    );
    let mut bench = Bench::new(
        subject.host,
        subject.profile,
        subject.facts,
        Log::new(journal),
    );
    let orders = Orders {
        identity,
        plan,
        stop,
        progress,
    };
    let ended = run(&mut bench, orders).await;
    // A run that broke off is reported as far as it came.
    let rendered = render(&folder);
    ended?;
    Ok((rendered?, folder))
}

/// Renders the reports of a result folder from its journal.
pub fn render(folder: &Path) -> anyhow::Result<Run> {
    let path = folder.join("journal.jsonl");
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let run = Run::from_journal(&bytes).with_context(|| format!("{}", path.display()))?;
    reports::write_reports(folder, &run)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    Ok(run)
}

/// Makes the folder of this run; the facts go there before anything is touched.
fn open(subject: &Subject, out: &Path) -> anyhow::Result<(PathBuf, Identity)> {
    let started = jiff::Zoned::now();
    let run_id = format!(
        "{}-{}",
        started.strftime("%Y%m%dT%H%M%S%.3f"),
        std::process::id()
    );
    let bdf = subject.facts.device.bdf.to_string();
    let folder = out.join(&subject.profile.id).join(&bdf).join(&run_id);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let facts = serde_json::to_string_pretty(subject.facts.as_ref())?;
    reports::write_file(&folder.join("facts.json"), &facts)?;
    let identity = Identity {
        profile: subject.profile.id.clone(),
        bdf,
        environment: subject.environment,
        run_id,
        started: started.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        properties: identity::properties(&subject.profile, &subject.facts),
        debian: subject.facts.host.distribution.is_debian_family(),
    };
    Ok((folder, identity))
}
