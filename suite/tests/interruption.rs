//! Whenever a run is stopped, and however a check goes wrong, the bench is left as it was found and
//! the report is honest.

use std::cell::Cell;
use std::future::pending;
use std::io;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::{LocalBoxFuture, select};
use harness::bench::{Bench, Log};
use harness::check::{Answer, Check};
use harness::facts::{self, Facts};
use harness::machine::{Host, Output};
use harness::plan::{Choice, Step, plan};
use harness::profile::{self, Profile};
use harness::run::{Orders, Progress, run};
use harness::simulator::{Fault, Simulator};
use reports::{Durability, Environment, Identity, Journal, Outcome, Run, Verdict};
use suite::checks;
use suite::simulated::{bench_file, runtime, scratch, simulate, subject};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep};

/// When a run is stopped.
#[derive(Clone, Copy, Debug)]
enum When {
    Never,
    /// At this place: before or after a write or a command.
    Place(usize),
    /// After this time, whatever is going on then.
    Time(Duration),
}

/// A machine that knows the places at which a run can be stopped.
struct Watched {
    machine: Simulator,
    stop_at: Option<usize>,
    places: Cell<usize>,
    stop: Notify,
}

impl Watched {
    fn new(profile: &Profile, fault: Option<Fault>, when: When) -> Self {
        Self {
            machine: Simulator::new(profile, fault),
            stop_at: if let When::Place(place) = when {
                Some(place)
            } else {
                None
            },
            places: Cell::new(0),
            stop: Notify::new(),
        }
    }

    /// Each write or command has two places to stop at: before it is made, and when it was carried
    /// out but nobody has heard its answer.
    async fn between<T>(&self, call: impl Future<Output = T>) -> T {
        self.place().await;
        let answer = call.await;
        self.place().await;
        answer
    }

    /// Whoever waits for the stop gets its turn here.
    async fn place(&self) {
        self.places.set(self.places.get() + 1);
        if Some(self.places.get()) == self.stop_at {
            self.stop.notify_one();
            yield_now().await;
        }
    }
}

#[async_trait(?Send)]
impl Host for Watched {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.machine.read(path).await
    }

    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()> {
        self.between(self.machine.write(path, data)).await
    }

    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        self.between(self.machine.put(path, content)).await
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.machine.list(path).await
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        self.machine.link(path).await
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        self.between(self.machine.run(argv)).await
    }

    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        self.machine.guest(socket).await
    }

    async fn reboot(&self) -> io::Result<()> {
        self.between(self.machine.reboot()).await
    }
}

/// A profile with what is read of its simulated device.
#[derive(Clone)]
struct Bed {
    profile: Profile,
    facts: Facts,
    fault: Option<Fault>,
}

/// What became of a run.
struct Ended {
    run: Run,
    places: usize,
    took: Duration,
}

impl Bed {
    fn new(name: &str, fault: Option<Fault>) -> Self {
        let mut profiles = profile::shipped(&checks::ids()).into_iter();
        let profile = profiles
            .find(|profile| profile.id == name)
            .expect("a shipped profile");
        let reading = subject(profile, fault, Vec::new());
        let subject = runtime()
            .expect("a runtime")
            .block_on(reading)
            .expect("facts");
        Self {
            profile: subject.profile.as_ref().clone(),
            facts: subject.facts.as_ref().clone(),
            fault,
        }
    }

    fn plan(&self, selected: &[&str]) -> Vec<Step> {
        let choice = Choice {
            selected: selected.iter().map(|&glob| glob.to_owned()).collect(),
            settings: bench_file(),
            ..Choice::default()
        };
        plan(checks::ALL, &self.profile, &self.facts, &choice)
    }

    /// Carries out a plan, and finds the bench as it was.
    fn run(&self, plan: &[Step], when: When) -> Ended {
        runtime().expect("a runtime").block_on(async {
            let start = Instant::now();
            let host = Rc::new(Watched::new(&self.profile, self.fault, when));
            let facts = Rc::new(self.facts.clone());
            let folder = scratch().expect("a folder");
            let journal =
                Journal::create(folder.path(), Durability::Process, "b").expect("a journal");
            let profile = Rc::new(self.profile.clone());
            let mut bench = Bench::new(host.clone(), profile, facts, Log::new(journal));
            bench.settings = bench_file();
            let orders = Orders {
                run_id: "r1".into(),
                resume_unit: String::new(),
                stop: stop(&host.stop, when),
                progress: &mut |_| (),
            };
            run(&mut bench, identity(), plan, orders)
                .await
                .expect("a journal that takes all");
            let (places, took) = (host.places.get(), start.elapsed());
            let now = facts::reread(host.as_ref(), &self.facts)
                .await
                .expect("facts");
            assert_eq!(facts::compare(&self.facts, &now), [""; 0], "{when:?}");
            let bytes = std::fs::read(folder.path().join("journal.jsonl")).expect("a journal");
            let run = Run::from_journal(&bytes).expect("a run");
            Ended { run, places, took }
        })
    }
}

fn stop(place: &Notify, when: When) -> LocalBoxFuture<'_, String> {
    let time = async move {
        match when {
            When::Time(time) => sleep(time).await,
            When::Never | When::Place(_) => pending().await,
        }
    };
    let place = place.notified().boxed_local();
    select(place, time.boxed_local())
        .map(|_| "SIGTEST".into())
        .boxed_local()
}

fn identity() -> Identity {
    Identity {
        profile: "mock".into(),
        bdf: "0000:01:00.0".into(),
        environment: Environment::Simulator,
        run_id: "r1".into(),
        started: "2026-01-01T00:00:00+00:00".into(),
        properties: Vec::new(),
        debian: true,
    }
}

/// One record for each check of the plan, nothing left behind, nothing claimed.
fn assert_honest(run: &Run, when: When) {
    let records: Vec<&str> = run.records().map(|record| record.check.as_str()).collect();
    assert_eq!(records, checks::ids(), "{when:?}");
    assert!(run.complete && run.damage.is_none(), "{when:?}");
    assert_nothing_left(run, when);
    assert_eq!(run.interrupted.as_deref(), Some("SIGTEST"), "{when:?}");
    let (verdict, why) = Verdict::of(run);
    assert_eq!(verdict.exit_code(), 2, "{when:?}: {why}");
    assert!(why.starts_with("interrupted by SIGTEST"), "{why}");
}

fn assert_nothing_left(run: &Run, when: When) {
    assert_eq!(run.pending, [], "{when:?}");
    assert_eq!(run.left_behind, [""; 0], "{when:?}");
}

/// A stop that comes when the last check has ended changes nothing any more.
fn stopped_in_time(ended: &Ended) -> bool {
    ended.run.interrupted.is_some()
}

/// Shares work between as many threads as there are processors.
fn share<T: Sync>(work: &[T], each: impl Fn(&T) + Sync) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for first in 0..threads {
            let each = &each;
            scope.spawn(move || work.iter().skip(first).step_by(threads).for_each(each));
        }
    });
}

#[test]
fn a_stop_at_every_place_of_each_check() {
    let beds = [Bed::new("mock-nic", None), Bed::new("mock-nvme", None)];
    // Those that restart the machine need one who restarts it.
    let here: Vec<&str> = checks::ALL
        .iter()
        .filter(|check| check.parts.len() == 1)
        .map(|check| check.id)
        .collect();
    share(&here, |id| {
        let bed = &beds[usize::from(id.starts_with("nvme::"))];
        let whole = bed.run(&bed.plan(&[id]), When::Never);
        let stops = (1..=whole.places).map(When::Place);
        let ended = stops.map(|when| (when, bed.run(&bed.plan(&[id]), when)));
        let in_time: Vec<_> = ended.filter(|(_, ended)| stopped_in_time(ended)).collect();
        assert!(!in_time.is_empty(), "{id} was never stopped");
        for (when, ended) in in_time {
            assert_honest(&ended.run, when);
        }
    });
}

/// Also while nothing is done but waiting, and with checks that have passed before.
#[test]
fn a_stop_at_many_times_of_a_run() {
    const STOPS: u32 = 12;
    let bed = Bed::new("mock-nic", None);
    let whole = bed.run(&bed.plan(&[]), When::Never);
    let times: Vec<Duration> = (0..STOPS).map(|step| whole.took / STOPS * step).collect();
    share(&times, |time| {
        let when = When::Time(*time);
        assert_honest(&bed.run(&bed.plan(&[]), when).run, when);
    });
}

/// The checks that restart the machine, which `certify` does for them. Returns how long they took.
fn over_restarts(when: When) -> (Run, Duration) {
    let profile = Bed::new("mock-nic", None).profile;
    let out = scratch().expect("a folder");
    runtime().expect("a runtime").block_on(async {
        let (start, never) = (Instant::now(), Notify::new());
        let stop = async move { stop(&never, when).await }.boxed_local();
        let checks = vec!["persist::*".to_owned()];
        let mut tell = |_: Progress<'_>| ();
        let run = simulate(profile, None, checks, out.path(), stop, &mut tell);
        (run.await.expect("a run").0, start.elapsed())
    })
}

/// In the parts before and after, and while the machine restarts.
#[test]
fn a_stop_at_many_times_of_the_restarts() {
    const STOPS: u32 = 24;
    let (whole, took) = over_restarts(When::Never);
    assert_eq!(whole.interrupted, None);
    let times: Vec<Duration> = (0..STOPS).map(|step| took / STOPS * step).collect();
    share(&times, |time| {
        let when = When::Time(*time);
        assert_honest(&over_restarts(when).0, when);
    });
}

/// Stopped while the kernel sits in a write, the undo waits for the kernel.
#[test]
fn a_stop_while_the_kernel_is_blocked() {
    let bed = Bed::new("mock-nic", Some(Fault::RemovalHangs));
    let plan = || bed.plan(&["vf::remove"]);
    let whole = bed.run(&plan(), When::Never);
    assert_eq!(outcome(&whole.run, "vf::remove"), Outcome::Failed);
    let when = When::Time(whole.took / 3);
    let ended = bed.run(&plan(), when);
    assert_honest(&ended.run, when);
    assert!(ended.took > whole.took / 3, "nobody waited for the kernel");
}

const CHANGES_AND: Check = Check {
    id: "test::changes_and",
    proves: "what a check changed is undone, however it ends",
    source: "this test",
    needs: &[],
    limit: Duration::from_mins(1),
    provokes: &[],
    findings: &[],
    parts: &[|bench| Box::pin(changes_and_panics(bench))],
};

static PANICS: Check = CHANGES_AND;

static NEVER_ENDS: Check = Check {
    parts: &[|bench| Box::pin(changes_and_waits(bench))],
    ..CHANGES_AND
};

async fn changes_and_panics(bench: &mut Bench) -> Answer {
    bench.create_vfs(2).await?;
    panic!("a defect of the check's own")
}

async fn changes_and_waits(bench: &mut Bench) -> Answer {
    bench.create_vfs(2).await?;
    pending().await
}

/// Runs a check alone. Returns how it ended, once it is known that nothing is left of it.
fn alone(check: &'static Check) -> (Outcome, String) {
    let bed = Bed::new("mock-nic", None);
    let ended = bed.run(&[Step { check, skip: None }], When::Never);
    let run = &ended.run;
    assert_nothing_left(run, When::Never);
    assert!(
        run.checks[0]
            .transcript
            .iter()
            .any(|line| line.contains("sriov_numvfs")),
        "nothing was changed"
    );
    assert_eq!(Verdict::of(run).0.exit_code(), 2);
    let record = run.records().next().expect("a record");
    (record.outcome, record.message.clone())
}

#[test]
fn a_check_that_panics_blames_the_bench() {
    let message = "the check panicked: a defect of the check's own";
    assert_eq!(alone(&PANICS), (Outcome::Error, message.into()));
}

#[test]
fn a_check_beyond_its_limit_blames_the_bench() {
    let message = "no answer within 60 s";
    assert_eq!(alone(&NEVER_ENDS), (Outcome::Error, message.into()));
}

fn outcome(run: &Run, check: &str) -> Outcome {
    let mut records = run.records();
    records
        .find(|record| record.check == check)
        .expect("a record")
        .outcome
}
