//! A run killed at every change it makes, and at every line it writes down: `restore` brings the machine back.
//!
//! One run per device is watched. Before and after each change the machine is copied as it stands; each copy is
//! then restored with the journal as it was at that moment, with a last line torn, and after a restart. Now and then the
//! restoring itself is killed in the same way.

mod journal;
mod point;
mod watched;

use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use futures_util::FutureExt;
use harness::plan::Choice;
use harness::profile::Kind as DeviceKind;
use harness::simulator::Simulator;
use libtest_mimic::{Arguments, Trial};
use point::{Bench, Point};
use suite::certify::{Came, Company, begin, open};
use suite::simulated::{bench_file_that_creates, runtime, scratch, subject};
use suite::unit;
use watched::Watched;

/// At one of so many places the restoring is killed too: at each would take a quarter of an hour.
const KILL_EVERY: usize = 16;

/// What is enough to start guests from an image in all ways, to restart one and to end them.
const GUESTS: [&str; 4] = [
    "guest::hotplug",
    "guest::guest_reboot",
    "guest::two_guests",
    "guest::cold_attach",
];

/// A machine is large; so many wait at most for their turn.
const WAITING: usize = 16;

/// What is enough to create namespaces for one check and over a restart, and to delete them.
const CREATES: [&str; 2] = ["nvme::namespace_visibility", "nvme::data_integrity"];

/// One run.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    profile: &'static str,
    /// What it is about, where that is not everything.
    with: fn(&mut Choice),
}

fn main() {
    // The profile of a real NIC makes no change that mock-nic does not make, which claims all there is.
    let kinds = [
        Kind {
            name: "mock-nic",
            profile: "mock-nic",
            with: |_| (),
        },
        Kind {
            name: "mock-nvme",
            profile: "mock-nvme",
            with: |_| (),
        },
        Kind {
            name: "mock-nvme that creates namespaces",
            profile: "mock-nvme",
            with: |choice| {
                choice.selected = CREATES.map(str::to_owned).into();
                choice.settings = bench_file_that_creates();
            },
        },
        Kind {
            name: "mock-nic with an image",
            profile: "mock-nic",
            // What guests are made of is all that differs: they are started, restarted and end.
            with: |choice| {
                choice.selected = GUESTS.map(str::to_owned).into();
                choice.guest = Some(Simulator::guest_system());
            },
        },
    ];
    let trials = kinds.map(|kind| {
        Trial::test(format!("killed_at_every_point::{}", kind.name), move || {
            kill_everywhere(kind);
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

/// Runs everything once, while other threads restore what it would leave if it were killed.
fn kill_everywhere(kind: Kind) {
    let out = scratch().expect("a folder");
    let (points, waiting) = sync_channel(WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let restored = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let waiting = waiting.clone();
                scope.spawn(move || restore_all(&waiting))
            })
            .collect();
        // Only they hold it: should all of them fail, so does the run, instead of waiting for them.
        drop(waiting);
        run_once(kind, out.path(), points);
        let counts = workers
            .into_iter()
            .map(|worker| worker.join().expect("a restored machine"));
        counts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
    });
    let (places, machines) = restored;
    let profile = kind.name;
    assert!(places > 100, "{profile}: only {places} places were found");
    let told = format!("{profile}: killed at {places} places, {machines} machines restored\n");
    let _ = io::stderr().write_all(told.as_bytes());
}

/// How many places there were, and how many machines were restored.
fn restore_all(waiting: &Mutex<Receiver<Point>>) -> (usize, usize) {
    let (mut places, mut machines) = (0, 0);
    loop {
        let Ok(point) = waiting.lock().expect("no worker has failed").recv() else {
            return (places, machines);
        };
        places += 1;
        machines += point.restore_in_all_ways();
        if point.number.is_multiple_of(KILL_EVERY) {
            machines += point.restore_killed();
        }
    }
}

fn run_once(kind: Kind, out: &Path, points: SyncSender<Point>) {
    let profiles = harness::profile::shipped(&suite::checks::ids());
    let found = profiles.into_iter().find(|found| found.id == kind.profile);
    let mut profile = found.expect("a shipped profile");
    if profile.kind == DeviceKind::Nvme {
        // Each VF's controller and namespace is a change more, and none differs from another.
        profile.claims.total_vfs = Some(3);
    }
    runtime().expect("a runtime").block_on(async {
        let subject = subject(profile, None, Vec::new());
        let mut subject = subject.await.expect("facts");
        (kind.with)(&mut subject.choice);
        let (folder, identity) = open(&subject, out).expect("a folder for the run");
        let bench = Bench::new(&folder, &subject.facts);
        let machine = Watched::new(Simulator::new(&subject.profile, None), bench, points);
        subject.host = std::rc::Rc::new(machine);
        let company = Company {
            resume_unit: unit::text(Path::new("/usr/bin/sriov-certify"), out),
            stop: std::future::pending().boxed_local().shared(),
            progress: &mut |_| (),
        };
        let came = begin(&subject, &folder, identity, company)
            .await
            .expect("a run");
        assert_eq!(came, Came::ToItsEnd);
    });
}
