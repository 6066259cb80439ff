//! This host by its real worker: the process that `run` leaves blocking steps to.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join;
use harness::machine::{Host, Local};
use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::time::timeout;

/// Long enough for any machine; a step that never ends must fail the test all the same.
const PATIENCE: Duration = Duration::from_mins(1);

fn host() -> Local {
    let program = OsString::from(env!("CARGO_BIN_EXE_sriov-certify"));
    Local::new(vec![program, "worker".into()])
}

fn block_on<T>(step: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().expect("a runtime");
    runtime.block_on(async { timeout(PATIENCE, step).await.expect("no answer") })
}

#[test]
fn a_file_is_written_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    // Read by the worker too: it is among the files whose reading may block.
    let path = folder.path().join("sriov_numvfs");
    fs::write(&path, "").unwrap();
    let (host, path) = (host(), path.to_str().unwrap());
    block_on(async {
        host.write(path, b"7\n").await.unwrap();
        assert_eq!(host.read(path).await.unwrap(), b"7\n");
    });
}

#[test]
fn a_refusal_is_the_kernels_own() {
    let host = host();
    block_on(async {
        for (path, errno) in [
            ("/proc/self/nothing", Errno::ENOENT),
            ("/proc/self/oom_score_adj", Errno::EINVAL),
            ("/dev/full", Errno::ENOSPC),
        ] {
            let error = host.write(path, b"x").await.unwrap_err();
            assert_eq!(error.raw_os_error(), Some(errno as i32), "{path}");
        }
    });
}

/// Opening a pipe for writing blocks until somebody reads: a stand-in for a driver that waits.
#[test]
fn what_follows_an_abandoned_write_waits_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let (host, path) = (host(), pipe.to_str().unwrap());
    block_on(async {
        // A worker that has answered once takes its next request at once.
        host.write("/dev/null", b"0").await.unwrap();
        assert!(host.write(path, b"1").now_or_never().is_none());
        // A pipe opened for both never ends, and opening it releases the writers.
        let mut reader = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&pipe)
            .unwrap();
        host.write(path, b"2").await.unwrap();
        let mut read = [0; 2];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(&read, b"12");
    });
}

/// The step may have reached the worker or not: the next must not wait for what never began.
#[test]
fn a_write_abandoned_at_once_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (host, path) = (host(), file.to_str().unwrap());
    block_on(async {
        assert!(host.write(path, b"1").now_or_never().is_none());
        host.write(path, b"2").await.unwrap();
    });
    assert_eq!(fs::read(&file).unwrap(), b"2");
}

#[test]
fn writes_at_once_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file"));
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    fs::write(&file, "").unwrap();
    let (host, path) = (host(), pipe.to_str().unwrap());
    block_on(async {
        let second = async {
            host.write(file.to_str().unwrap(), b"2").await.unwrap();
            OpenOptions::new()
                .read(true)
                .write(true)
                .open(&pipe)
                .unwrap()
        };
        let (first, mut reader) = join(host.write(path, b"1"), second).await;
        first.unwrap();
        let mut read = [0];
        reader.read_exact(&mut read).unwrap();
        assert_eq!((&read, fs::read(&file).unwrap()), (b"1", b"2".to_vec()));
    });
}

#[test]
fn a_worker_that_is_no_worker_is_an_error_and_not_a_hang() {
    let host = Local::new(vec!["true".into()]);
    block_on(async {
        for _ in 0..2 {
            let error = host.write("/dev/null", b"1").await.unwrap_err();
            assert!(
                matches!(
                    error.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
                ),
                "{error}"
            );
        }
    });
}
