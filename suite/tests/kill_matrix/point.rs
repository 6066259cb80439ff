//! One place at which a run is killed, and all the ways in which what it left is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};

use harness::facts::{self, Facts};
use harness::machine::Host;
use harness::simulator::Asleep;
use reports::{Run, Verdict};
use suite::certify::give_up;
use suite::evidence;
use suite::simulated::{runtime, scratch};

use crate::journal::{Journal, Line};
use crate::watched::Watched;

/// More than one restoring makes.
const MOST_CHANGES: usize = 1000;

const SYSTEM: &str = "/etc/systemd/system";

/// The run that is killed.
#[derive(Clone)]
pub(crate) struct Bench {
    folder: PathBuf,
    /// What was read before anything was touched.
    facts: Arc<Facts>,
}

impl Bench {
    pub(crate) fn new(folder: &Path, facts: &Facts) -> Self {
        Self {
            folder: folder.to_owned(),
            facts: Arc::new(facts.clone()),
        }
    }

    /// The machine as it stands at this place of the run, with what the journal holds.
    pub(crate) fn point(&self, number: usize, machine: Asleep, journal: &mut Journal) -> Point {
        Point {
            number,
            bench: self.clone(),
            machine,
            lines: journal.read_on(&self.folder.join("journal.jsonl")),
        }
    }
}

/// A place at which the run is killed.
pub(crate) struct Point {
    /// Which place of the run it is.
    pub(crate) number: usize,
    bench: Bench,
    machine: Asleep,
    lines: Vec<Line>,
}

/// Whether the machine has restarted before it is restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Stayed,
    WasCut,
}

impl Point {
    /// Restores a copy of the machine for each way in which it can be found. Returns how many.
    pub(crate) fn restore_in_all_ways(&self) -> usize {
        let journal = self.journal();
        let mut ends = vec![journal.len()];
        ends.extend(self.torn());
        for end in &ends {
            for power in [Power::Stayed, Power::WasCut] {
                self.restore(&journal[..*end], power, None);
            }
        }
        2 * ends.len()
    }

    /// Restores a copy of the machine, killed at every change that this makes, and then once more. Returns how often.
    pub(crate) fn restore_killed(&self) -> usize {
        let (points, killed) = sync_channel(MOST_CHANGES);
        self.restore(&self.journal(), Power::Stayed, Some(points));
        let again = killed.iter().map(|point| {
            // The folder that was restored in is gone; this one has the facts too.
            let bench = self.bench.clone();
            let point = Self { bench, ..point };
            point.restore(&point.journal(), Power::Stayed, None);
        });
        again.count()
    }

    /// Where a line of those that were written since the place before may be torn. A journal that was cut after a whole line is
    /// the same to `restore` as one torn in the next, which it takes away; and lines of a transcript promise nothing, so
    /// that those in a row are torn once.
    fn torn(&self) -> Vec<usize> {
        let (mut torn, mut end, mut was_step) = (Vec::new(), 0, false);
        for line in &self.lines {
            let start = end;
            end += line.text.len();
            if line.is_new && !(was_step && line.is_step) {
                torn.push(usize::midpoint(start, end));
            }
            was_step = line.is_new && line.is_step;
        }
        torn
    }

    fn journal(&self) -> Vec<u8> {
        let lines = self.lines.iter().map(|line| line.text.as_str());
        lines.collect::<String>().into_bytes()
    }

    /// `points`: where to copy the machine while it is restored.
    fn restore(&self, journal: &[u8], power: Power, points: Option<SyncSender<Self>>) {
        let folder = scratch().expect("a folder");
        for name in ["facts.json", "profile.json"] {
            fs::copy(self.bench.folder.join(name), folder.path().join(name)).expect("a copy");
        }
        fs::write(folder.path().join("journal.jsonl"), journal).expect("a journal");
        runtime().expect("a runtime").block_on(async {
            let machine = self.machine.clone().wake();
            let host: Rc<dyn Host> = match points {
                None => Rc::new(machine),
                Some(points) => {
                    let bench = Bench {
                        folder: folder.path().to_owned(),
                        facts: self.bench.facts.clone(),
                    };
                    Rc::new(Watched::new(machine, bench, points))
                }
            };
            if power == Power::WasCut {
                host.reboot().await.expect("a restart");
            }
            let place = format!("{} bytes, {power:?}", journal.len());
            // Without its first line a run has not touched anything.
            if Run::from_journal(journal).is_ok() {
                self.given_up(&host, folder.path(), &place).await;
            }
            self.as_it_was(host.as_ref(), &place).await;
        });
    }

    async fn given_up(&self, host: &Rc<dyn Host>, folder: &Path, place: &str) {
        let left = give_up(host.clone(), folder).await.expect(place);
        assert_eq!(left, [""; 0], "{place}");
        let run = evidence::journal(folder).expect(place);
        assert!(run.complete && run.damage.is_none(), "{place}");
        assert_eq!(run.pending, [], "{place}");
        let records: Vec<&str> = run.records().map(|record| record.check.as_str()).collect();
        assert_eq!(records, suite::checks::ids(), "{place}");
        let (verdict, why) = Verdict::of(&run);
        assert_eq!(verdict.exit_code(), 2, "{place}: {why}");
        let again = give_up(host.clone(), folder).await.expect(place);
        assert_eq!(again, [""; 0], "{place}");
    }

    /// By other means than the journal: the facts, and what is on disk.
    async fn as_it_was(&self, host: &dyn Host, place: &str) {
        let now = facts::reread(host, &self.bench.facts).await.expect(place);
        assert_eq!(facts::compare(&self.bench.facts, &now), [""; 0], "{place}");
        for folder in [
            "/etc/udev/rules.d",
            SYSTEM,
            &format!("{SYSTEM}/multi-user.target.wants"),
            "/etc/libvirt/qemu",
            "/var/lib/libvirt/boot",
            "/var/log/libvirt/qemu",
        ] {
            // Some come with the first unit that is enabled, or the first guest.
            let names = host.list(folder).await.unwrap_or_default();
            let ours: Vec<_> = names
                .iter()
                .filter(|name| name.contains("sriov-certify"))
                .collect();
            assert_eq!(ours, [""; 0], "{place}: {folder}");
        }
    }
}
