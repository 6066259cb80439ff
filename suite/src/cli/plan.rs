//! `plan`: what would run, and why not the rest.

use std::fmt::Write;

use harness::bench::Way;
use harness::facts::{self, DeviceFacts, Facts};
use harness::judge::PAIRS;
use harness::plan::{Choice, Step, plan};
use harness::settings::Settings;
use reports::SkipKind;

use super::select::Candidate;
use super::{Selection, output, real, second, select};
use crate::{checks, simulated};

pub(super) fn run(selection: &Selection) -> anyhow::Result<u8> {
    let choice = select::choice(selection)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let plans = runtime.block_on(async {
        if selection.mock {
            simulated(selection, &choice).await
        } else {
            real(selection, &choice).await
        }
    })?;
    output::print(&plans.join("\n"))?;
    Ok(0)
}

async fn simulated(selection: &Selection, choice: &Choice) -> anyhow::Result<Vec<String>> {
    let (profiles, fault) = select::simulated(selection)?;
    let mut plans = Vec::new();
    for profile in profiles {
        let subject = simulated::subject(profile, fault, Vec::new()).await?;
        let steps = plan(checks::ALL, &subject.profile, &subject.facts, choice);
        let title = format!("{} on its simulator", subject.profile.id);
        let settings = &subject.choice.settings;
        plans.push(text(&title, &steps, &traffic(settings, &subject.facts)));
    }
    Ok(plans)
}

async fn real(selection: &Selection, choice: &Choice) -> anyhow::Result<Vec<String>> {
    let host = real::this_host()?;
    let candidates = select::candidates(host.as_ref(), selection).await?;
    let names = facts::names(host.as_ref()).await;
    let mut plans = Vec::new();
    for candidate in &candidates {
        let device = &candidate.facts.device;
        let mut title = format!(
            "{} ({}) by profile {}",
            device.bdf, device.name, candidate.profile.id
        );
        for reason in &device.in_use {
            let _ = write!(title, "\n  refused: {reason}");
        }
        let cabled = choice.settings.opposite(device.bdf);
        let mut others = others(candidate, &candidates);
        if let Some(port) = cabled.filter(|port| others.iter().all(|other| other.bdf != *port)) {
            others.extend(facts::device(host.as_ref(), port, &names).await.ok());
        }
        let facts = Facts {
            second: second::of(device, &others, cabled),
            ..candidate.facts.as_ref().clone()
        };
        let steps = plan(checks::ALL, &candidate.profile, &facts, choice);
        plans.push(text(&title, &steps, &traffic(&choice.settings, &facts)));
    }
    if plans.is_empty() {
        plans.push("no device of this machine matches a profile; see `sriov-certify probe`".into());
    }
    Ok(plans)
}

/// The others that the same run would hold, with the same profile.
fn others(candidate: &Candidate, all: &[Candidate]) -> Vec<DeviceFacts> {
    let same = |other: &&Candidate| {
        other.facts.device.bdf != candidate.facts.device.bdf
            && other.profile.id == candidate.profile.id
    };
    let devices = all.iter().filter(same);
    devices.map(|other| other.facts.device.clone()).collect()
}

/// Where frames will arrive, and how long they are sent.
fn traffic(settings: &Settings, facts: &Facts) -> String {
    let Settings {
        stream_seconds,
        stream_pairs,
        soak_minutes,
        ..
    } = settings;
    let way = Way::of(settings, facts);
    let way = match way {
        Way::Switch(_) => format!("another function, {way}"),
        Way::Cable(_) | Way::Partner(_) => way.to_string(),
    };
    let soak = match soak_minutes {
        0 => "three times by traffic::soak".to_owned(),
        minutes => format!("for {minutes} min by traffic::soak"),
    };
    format!(
        "frames of traffic::* go to {way}: {stream_pairs} pairs of {stream_seconds} s, at least {PAIRS} where they are judged; {soak}"
    )
}

fn text(title: &str, steps: &[Step], traffic: &str) -> String {
    let mut runs = steps.iter().filter(|step| step.skip.is_none());
    let (running, frames) = (
        runs.clone().count(),
        runs.any(|step| step.check.id.starts_with("traffic::")),
    );
    let mut text = format!("{title}\n  {running} of {} checks will run\n", steps.len());
    if frames {
        let _ = writeln!(text, "  {traffic}");
    }
    for step in steps {
        let (mark, reasons) = match &step.skip {
            None => ("run", String::new()),
            Some(skip) => (word(skip.kind), skip.reasons.join("; ")),
        };
        let _ = writeln!(text, "  {mark:<12} {:<28} {reasons}", step.check.id);
    }
    text.lines()
        .map(str::trim_end)
        .fold(String::new(), |text, line| text + line + "\n")
}

fn word(kind: SkipKind) -> &'static str {
    match kind {
        SkipKind::NotClaimed => "not claimed",
        SkipKind::UnmetNeed => "unmet need",
        SkipKind::NotSelected => "not selected",
    }
}
