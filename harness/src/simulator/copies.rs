//! Copies of a simulated machine that goes on by itself.

use std::thread;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::restarts::{RULE, RULES, igb, log};
use super::tests::{answer, path, text};
use super::{Asleep, Simulator};
use crate::machine::Host;

/// The kernel is in the middle of creating two VFs, which takes it 550 ms in all.
async fn in_the_middle(host: &Simulator) -> Asleep {
    let patience = Duration::from_millis(50);
    let write = timeout(patience, answer(host, "sriov_numvfs", "2"));
    assert!(write.await.is_err());
    host.asleep()
}

/// Waits for the count and says how long that took.
async fn count(host: &Simulator) -> (String, Duration) {
    let start = Instant::now();
    let count = text(host, &path("sriov_numvfs")).await;
    (count, start.elapsed())
}

#[tokio::test(start_paused = true)]
async fn a_copy_goes_on_by_itself() {
    let host = igb(None);
    let copy = in_the_middle(&host).await.wake();
    assert_eq!(answer(&host, "sriov_numvfs", "0").await, Ok(()));
    assert_eq!(count(&copy).await, ("2".into(), Duration::ZERO));
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

#[test]
fn a_copy_goes_on_by_the_clock_of_another_runtime_as_the_original_does() {
    let rest = Duration::from_millis(500);
    let (asleep, original) = runtime().block_on(async {
        let host = igb(None);
        tokio::time::sleep(Duration::from_hours(1)).await;
        (in_the_middle(&host).await, count(&host).await)
    });
    assert_eq!(original, ("2".into(), rest));
    let later = asleep.clone();
    let woken = |asleep: Asleep, after| {
        runtime().block_on(async move {
            tokio::time::sleep(after).await;
            let host = asleep.wake();
            let found = count(&host).await;
            (found, log(&host).await)
        })
    };
    let one = thread::spawn(move || woken(asleep, Duration::ZERO));
    let two = woken(later, Duration::from_hours(2));
    assert_eq!(two.0, original);
    assert_eq!(one.join().unwrap(), two);
}

#[test]
fn a_copy_of_a_machine_that_starts_goes_on_starting() {
    let asleep = runtime().block_on(async {
        let host = igb(None);
        host.put(RULES, Some(RULE.as_bytes())).await.unwrap();
        let cut = timeout(Duration::from_secs(1), host.reboot()).await;
        assert!(cut.is_err(), "it takes longer");
        host.asleep()
    });
    runtime().block_on(async {
        let host = asleep.wake();
        assert_eq!(text(&host, &path("sriov_numvfs")).await, "0");
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(text(&host, &path("sriov_numvfs")).await, "2");
        assert_eq!(text(&host, "/sys/class/net/enp1s0/carrier").await, "1");
    });
}
