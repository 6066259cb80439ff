//! A machine that is copied before and after each change.

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use async_trait::async_trait;
use harness::machine::{Host, Output};
use harness::simulator::Simulator;

use tokio::time::timeout;

use crate::journal::Journal;
use crate::point::{Bench, Point};

/// Shorter than the kernel takes for anything.
const IN_THE_MIDST: Duration = Duration::from_millis(1);

pub(crate) struct Watched {
    machine: Simulator,
    bench: Bench,
    /// As it was at the place before.
    journal: RefCell<Journal>,
    /// How many places there were.
    places: Cell<usize>,
    points: SyncSender<Point>,
}

impl Watched {
    pub(crate) fn new(machine: Simulator, bench: Bench, points: SyncSender<Point>) -> Self {
        Self {
            machine,
            bench,
            journal: RefCell::default(),
            places: Cell::new(0),
            points,
        }
    }

    /// Before, in the midst of it where the kernel takes its time, and after.
    async fn between<T>(&self, change: impl Future<Output = T>) -> T {
        self.place();
        let mut change = pin!(change);
        let answer = if let Ok(answer) = timeout(IN_THE_MIDST, &mut change).await {
            answer
        } else {
            self.place();
            change.await
        };
        self.place();
        answer
    }

    /// What was written down since the place before, was so while the machine was as it is now.
    fn place(&self) {
        let number = self.places.replace(self.places.get() + 1);
        let machine = self.machine.asleep();
        let point = (self.bench).point(number, machine, &mut self.journal.borrow_mut());
        self.points.send(point).expect("a worker that restores");
    }
}

/// Commands that only look. Whatever is not known to do so may change something.
fn only_looks(argv: &[&str]) -> bool {
    matches!(
        argv,
        ["uname" | "id" | "dmesg" | "modinfo" | "ethtool", ..]
            | ["udevadm", "settle" | "info", ..]
            | [
                "virsh",
                "version" | "dumpxml" | "list" | "domstate" | "dommemstat",
                ..
            ]
            | [
                "nvme",
                "id-ctrl" | "primary-ctrl-caps" | "list-secondary" | "admin-passthru",
                ..
            ]
            | ["blkid", "--probe", ..]
            | ["/proc/self/exe", "traffic" | "blocks", ..]
            | ["systemctl", "show" | "is-active", ..]
    ) || (argv[0] == "ip" && argv.contains(&"show"))
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
        if only_looks(argv) {
            return self.machine.run(argv).await;
        }
        self.between(self.machine.run(argv)).await
    }

    async fn guest(&self, socket: &str) -> io::Result<Rc<dyn Host>> {
        self.machine.guest(socket).await
    }

    async fn reboot(&self) -> io::Result<()> {
        self.place();
        let restarted = self.machine.reboot().await;
        self.place();
        restarted
    }
}
