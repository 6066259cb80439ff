//! A guest, by the port to its agent.

use std::cell::Cell;
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::agent::{Answered, Asked};
use super::protocol::{Reply, Request};
use super::{Host, Output};

/// A guest whose agent is asked. Many may ask at once; each gets the answer to its own question.
pub struct Guest {
    questions: mpsc::UnboundedSender<Vec<u8>>,
    waiting: Waiting,
    last: Cell<u64>,
    /// Ended with the guest.
    _couriers: JoinSet<()>,
}

/// Who waits for the answer of which number; `None` once no answer can come any more.
type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Reply>>>>>;

impl Guest {
    /// By the socket at which the emulator has the port. Whether anybody is there only an answer shows.
    pub async fn connect(socket: &str) -> io::Result<Self> {
        let (read, write) = UnixStream::connect(socket).await?.into_split();
        let (questions, outbox) = mpsc::unbounded_channel();
        let waiting = Waiting::new(Mutex::new(Some(HashMap::new())));
        let mut couriers = JoinSet::new();
        couriers.spawn(carry_out(outbox, write));
        couriers.spawn(carry_in(read, waiting.clone()));
        // The end of a line that somebody before left unfinished.
        let _ = questions.send(b"\n".to_vec());
        Ok(Self {
            questions,
            waiting,
            last: Cell::new(fastrand::u64(..1 << 52)),
            _couriers: couriers,
        })
    }

    async fn ask(&self, request: Request) -> io::Result<Reply> {
        let number = self.last.get() + 1;
        self.last.set(number);
        let mut line = serde_json::to_vec(&Asked { number, request })?;
        line.push(b'\n');
        let (answer, answered) = oneshot::channel();
        match waiting(&self.waiting).as_mut() {
            Some(all) => all.insert(number, answer),
            None => return Err(gone()),
        };
        self.questions.send(line).map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }
}

fn gone() -> io::Error {
    let text = "the guest has closed its port";
    io::Error::new(io::ErrorKind::BrokenPipe, text)
}

fn waiting(
    waiting: &Waiting,
) -> std::sync::MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Reply>>>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lines go out whole, whoever stops waiting meanwhile.
async fn carry_out(mut outbox: mpsc::UnboundedReceiver<Vec<u8>>, mut port: OwnedWriteHalf) {
    while let Some(line) = outbox.recv().await {
        if port.write_all(&line).await.is_err() {
            return;
        }
    }
}

async fn carry_in(port: OwnedReadHalf, all: Waiting) {
    let mut port = BufReader::new(port);
    let mut line = Vec::new();
    while port
        .read_until(b'\n', &mut line)
        .await
        .is_ok_and(|read| read > 0)
    {
        // Half a line is what the guest was at when it was reset.
        if let Ok(Answered { number, reply }) = serde_json::from_slice(&line) {
            let asker = waiting(&all).as_mut().and_then(|all| all.remove(&number));
            asker.map(|asker| asker.send(reply));
        }
        line.clear();
    }
    waiting(&all).take();
}

#[async_trait(?Send)]
impl Host for Guest {
    async fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.ask(Request::Read(path.to_owned())).await?.bytes()
    }

    async fn write(&self, path: &str, data: &[u8]) -> io::Result<()> {
        let request = Request::Write(path.to_owned(), data.to_vec());
        self.ask(request).await?.bytes().map(drop)
    }

    async fn put(&self, path: &str, content: Option<&[u8]>) -> io::Result<()> {
        let request = Request::Put(path.to_owned(), content.map(<[u8]>::to_vec));
        self.ask(request).await?.bytes().map(drop)
    }

    async fn list(&self, path: &str) -> io::Result<Vec<String>> {
        self.ask(Request::List(path.to_owned())).await?.names()
    }

    async fn link(&self, path: &str) -> io::Result<String> {
        let bytes = self.ask(Request::Link(path.to_owned())).await?.bytes()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn run(&self, argv: &[&str]) -> io::Result<Output> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        self.ask(Request::Run(argv)).await?.output()
    }

    /// Returns once the guest has been told; its port closes meanwhile.
    async fn reboot(&self) -> io::Result<()> {
        self.ask(Request::Reboot).await?.bytes().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Write};
    use std::os::unix::net::UnixListener;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::Guest;
    use crate::machine::Host;
    use crate::machine::agent::testing::serve_at;

    /// A guest whose agent is a thread of this test. `before` is what its port has to tell first.
    async fn guest(before: &[u8]) -> Guest {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("port");
        let listener = UnixListener::bind(&socket).unwrap();
        let guest = Guest::connect(socket.to_str().unwrap()).await.unwrap();
        let (mut port, _) = listener.accept().unwrap();
        port.write_all(before).unwrap();
        serve_at(port);
        guest
    }

    #[tokio::test]
    async fn each_verb_reaches_the_agent() {
        let guest = guest(b"").await;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        guest.put(&path("file"), Some(b"old")).await.unwrap();
        guest.write(&path("file"), b"new").await.unwrap();
        assert_eq!(guest.read(&path("file")).await.unwrap(), b"new");
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        assert_eq!(guest.list(&path("")).await.unwrap(), ["file", "link"]);
        assert_eq!(guest.link(&path("link")).await.unwrap(), "file");
        let output = guest.run(&["echo", "here"]).await.unwrap();
        assert_eq!(output.text(), "here\n");
        let missing = guest.read(&path("nothing")).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    }

    /// Whoever gives up a question leaves the others their answers.
    #[tokio::test]
    async fn a_question_that_takes_for_ever_keeps_nobody_waiting() {
        let guest = guest(b"").await;
        let never = guest.run(&["sleep", "60"]);
        let given_up = timeout(Duration::from_millis(50), never).await;
        assert!(given_up.is_err());
        assert_eq!(guest.read("/dev/null").await.unwrap(), b"");
    }

    #[tokio::test]
    async fn what_an_earlier_visitor_left_is_passed_over() {
        let guest = guest(b"half an ans\xff\n{\"number\":7,\"reply\":{\"done\":[]}}\n").await;
        assert_eq!(guest.read("/dev/null").await.unwrap(), b"");
    }

    #[tokio::test]
    async fn a_guest_that_ends_is_an_error_and_not_a_hang() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("port");
        let listener = UnixListener::bind(&socket).unwrap();
        let guest = Guest::connect(socket.to_str().unwrap()).await.unwrap();
        drop(listener.accept().unwrap());
        for _ in 0..2 {
            let error = guest.read("/dev/null").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        }
    }
}
