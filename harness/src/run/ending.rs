//! What is different at the end of a run from its start.

use std::time::Duration;

use tokio::time::Instant;

use crate::bench::Bench;
use crate::facts;

/// How long the facts may take to become what they were, once everything is undone: a link that
/// was down and up again needs its time.
const RESTORE_LIMIT: Duration = Duration::from_secs(20);

/// Reads the facts again until they are what they were, or the time is over.
pub(super) async fn left_behind(bench: &mut Bench, dirty: Vec<String>) -> Vec<String> {
    let end = Instant::now() + RESTORE_LIMIT;
    loop {
        let differences = differences(bench).await;
        if differences.is_empty() || Instant::now() >= end {
            return dirty.into_iter().chain(differences).collect();
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn differences(bench: &Bench) -> Vec<String> {
    let mut differences = match facts::reread(bench.host.as_ref(), &bench.facts).await {
        Ok(now) => facts::compare(&bench.facts, &now),
        Err(error) => vec![format!("the facts cannot be read again: {error}")],
    };
    // No promise of the journal counts here: a damaged one may have lost it.
    differences.extend(bench.lasting_files().await);
    differences.extend(bench.lasting_guests().await);
    differences
}
