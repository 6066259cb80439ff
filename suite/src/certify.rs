//! Certifies one device: from its profile and its machine to a folder with the reports. A run may
//! restart the machine; then it is gone on with from that folder alone.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Context;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, Shared};
use harness::bench::{Bench, Log};
use harness::check::Check;
use harness::facts::{self, Facts};
use harness::machine::{Host, is_going_down};
use harness::plan::{Choice, plan};
use harness::profile::Profile;
use harness::returned::{self, Returned};
use harness::run::{Next, Orders, Progress, abandon, resume, run};
use reports::{Durability, Environment, Event, Identity, Journal, Run};

use crate::{checks, evidence, identity};

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
    /// What the user chose.
    pub choice: Choice,
}

/// Comes to an end, with a name, when a run is to stop early.
pub type Stop = Shared<LocalBoxFuture<'static, String>>;

/// How a run is accompanied.
pub struct Company<'a> {
    /// The text of the unit that goes on with it after a restart.
    pub resume_unit: String,
    /// Comes to an end, with a name, when the run is to stop early.
    pub stop: Stop,
    /// Is told how it gets on.
    pub progress: &'a mut dyn FnMut(Progress<'_>),
}

/// How far a run has come when this process is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// To its end.
    ToItsEnd,
    /// To a restart of the machine, which is going down.
    ToARestart,
}

/// Runs the checks and writes the reports into a folder that [`open`] has made.
pub async fn begin(
    subject: &Subject,
    folder: &Path,
    identity: Identity,
    mut company: Company<'_>,
) -> anyhow::Result<Came> {
    let boot = facts::boot(subject.host.as_ref()).await?;
    let journal = Journal::create(folder, Durability::needed(subject.environment), &boot.id)
        .with_context(|| format!("cannot write to {}", folder.display()))?;
    let (profile, facts) = (&subject.profile, &subject.facts);
    let plan = plan(checks::ALL, profile, facts, &subject.choice);
    let log = Log::new(journal);
    let mut bench = Bench::new(subject.host.clone(), profile.clone(), facts.clone(), log);
    equip(&mut bench, &subject.choice);
    let next = {
        let mut tell = evidence::kept(folder, identity.environment, &mut *company.progress);
        let orders = orders(
            &identity.run_id,
            &company.resume_unit,
            &company.stop,
            &mut tell,
        );
        run(&mut bench, identity.clone(), &plan, orders).await
    };
    let came = to_its_end(
        subject.host.clone(),
        folder,
        next,
        &subject.choice,
        &mut company,
    )
    .await;
    // A run that broke off is reported as far as it came.
    let rendered = evidence::render(folder);
    let came = came?;
    rendered?;
    Ok(came)
}

/// What the user chose lasts over a restart.
fn equip(bench: &mut Bench, choice: &Choice) {
    bench.settings.clone_from(&choice.settings);
    bench.system.clone_from(&choice.guest);
}

/// Goes on with the run in a folder, after a restart of the machine or in spite of one.
pub async fn go_on(
    host: Rc<dyn Host>,
    folder: &Path,
    choice: &Choice,
    mut company: Company<'_>,
) -> anyhow::Result<Came> {
    let next = take_up(host.clone(), folder, choice, &mut company, None).await;
    let came = to_its_end(host, folder, next, choice, &mut company).await;
    let rendered = evidence::render(folder);
    let came = came?;
    rendered?;
    Ok(came)
}

/// Ends the run in a folder, undoing what it has left. Returns what is not as it was found.
pub async fn give_up(host: Rc<dyn Host>, folder: &Path) -> anyhow::Result<Vec<String>> {
    let (mut bench, run) = reopen(host.clone(), folder).await?;
    let returned = returned(host.as_ref(), &mut bench, &run).await?;
    let why = match returned {
        _ if run.complete => run.interrupted,
        Returned::Unasked(why) => Some(why),
        _ => Some("`sriov-certify restore`, while it waited for a restart".to_owned()),
    };
    abandon(&mut bench, why).await
}

/// Restarts the machine as often as the run wants. Where the machine is this one, it takes this
/// process with it.
async fn to_its_end(
    host: Rc<dyn Host>,
    folder: &Path,
    next: anyhow::Result<Next>,
    choice: &Choice,
    company: &mut Company<'_>,
) -> anyhow::Result<Came> {
    let mut next = next?;
    while next == Next::Restart {
        evidence::render(folder)?;
        if let Some(signal) = company.stop.clone().now_or_never() {
            return stopped(host, folder, signal).await;
        }
        let refused = tokio::select! {
            restarted = host.reboot() => restarted.err(),
            signal = company.stop.clone() => {
                // A machine that goes down ends every process with a signal.
                if is_going_down(host.as_ref()).await {
                    return Ok(Came::ToARestart);
                }
                return stopped(host, folder, signal).await;
            }
        };
        next = take_up(host.clone(), folder, choice, company, refused).await?;
    }
    Ok(Came::ToItsEnd)
}

async fn stopped(host: Rc<dyn Host>, folder: &Path, signal: String) -> anyhow::Result<Came> {
    let (mut bench, _) = reopen(host, folder).await?;
    abandon(&mut bench, Some(signal)).await?;
    Ok(Came::ToItsEnd)
}

async fn take_up(
    host: Rc<dyn Host>,
    folder: &Path,
    choice: &Choice,
    company: &mut Company<'_>,
    refused: Option<std::io::Error>,
) -> anyhow::Result<Next> {
    let (mut bench, run) = reopen(host.clone(), folder).await?;
    equip(&mut bench, choice);
    let returned = match (returned(host.as_ref(), &mut bench, &run).await?, refused) {
        (Returned::NotAtAll(_), Some(error)) => Returned::NotAtAll(error.to_string()),
        (returned, _) => returned,
    };
    if let Returned::Unasked(why) = returned {
        abandon(&mut bench, Some(why)).await?;
        return Ok(Next::Nothing);
    }
    let environment = run.identity.environment;
    let mut tell = evidence::kept(folder, environment, &mut *company.progress);
    let run_id = &run.identity.run_id;
    let orders = orders(run_id, &company.resume_unit, &company.stop, &mut tell);
    resume(&mut bench, &waiting(&run), &returned, orders).await
}

/// In which state the machine is now. That it is back is written down before anything else: it may
/// go down again meanwhile.
async fn returned(host: &dyn Host, bench: &mut Bench, run: &Run) -> anyhow::Result<Returned> {
    let into = facts::boot(host).await?;
    let asked = run.restarts.last().filter(|_| run.waits);
    if run.damage.is_none() && asked.is_some_and(|restart| restart.from.id != into.id) {
        let into = into.clone();
        bench.log.append(&Event::Resumed { into })?;
    }
    let now = returned::look(host, &bench.facts.device, into).await?;
    if now.device != Some(bench.pf()) {
        bench.is_elsewhere(bench.pf());
    }
    let facts = bench.facts.clone();
    if let Some(second) = &facts.second
        && !returned::is_there(host, second).await?
    {
        bench.is_elsewhere(second.bdf);
    }
    Ok(returned::judge(run, bench.pf(), &now))
}

fn orders<'a>(
    run_id: &str,
    resume_unit: &str,
    stop: &Stop,
    progress: &'a mut dyn FnMut(Progress<'_>),
) -> Orders<'a> {
    Orders {
        run_id: run_id.to_owned(),
        resume_unit: resume_unit.to_owned(),
        stop: stop.clone().boxed_local(),
        progress,
    }
}

/// The checks that are to go on, in the order of the plan.
fn waiting(run: &Run) -> Vec<&'static Check> {
    let halfway = run
        .checks
        .iter()
        .filter(|checked| checked.halfway.is_some());
    halfway
        .filter_map(|checked| {
            let mut all = checks::ALL.iter().copied();
            all.find(|check| check.id == checked.record.check)
        })
        .collect()
}

/// The bench of the run in a folder, as its journal tells it.
async fn reopen(host: Rc<dyn Host>, folder: &Path) -> anyhow::Result<(Bench, Run)> {
    let boot = facts::boot(host.as_ref()).await?;
    let (journal, run) = Journal::reopen(folder, &boot.id)?;
    let (profile, facts) = evidence::read(folder, &run.identity.profile)?;
    let (profile, facts) = (Rc::new(profile), Rc::new(facts));
    let bench = Bench::take_up(host, profile, facts, journal, &run)?;
    Ok((bench, run))
}

/// Makes the folder of this run. What the run is about goes there before anything is touched.
pub fn open(subject: &Subject, out: &Path) -> anyhow::Result<(PathBuf, Identity)> {
    let started = jiff::Zoned::now();
    let run_id = format!(
        "{}-{}",
        started.strftime("%Y%m%dT%H%M%S%.3f"),
        std::process::id()
    );
    let bdf = subject.facts.device.bdf.to_string();
    let folder = out.join(&subject.profile.id).join(&bdf).join(&run_id);
    let durability = Durability::needed(subject.environment);
    evidence::begin(&folder, &subject.profile, &subject.facts, durability)?;
    let identity = Identity {
        profile: subject.profile.id.clone(),
        bdf,
        environment: subject.environment,
        run_id,
        started: started.strftime("%Y-%m-%dT%H:%M:%S%.3f%:z").to_string(),
        properties: identity::properties(&subject.profile, &subject.facts, &subject.choice),
        debian: subject.facts.host.distribution.is_debian_family(),
    };
    Ok((folder, identity))
}
