//! A guest with a virtual function that frames pass by, and where they go to.

use std::time::Duration;

use harness::bench::{Bench, Course, End, Far, Running};
use harness::check::Problem;
use harness::need::Need;

use crate::checks::guest::NEEDS_TWO;
use crate::checks::guest::echo::passes;
use crate::checks::guest::plugged::{card_in, hand_over, is_a_card, vfs};

/// A second VF is where frames arrive, where no cable leads to another port.
pub(super) const NEEDS: &[Need] = NEEDS_TWO;

/// With a guest that is started twice, and as many samples as a bench file may ask for (`harness/src/settings.rs`), each of
/// which takes a second or two more than it says.
pub(super) const LIMIT: Duration = Duration::from_hours(10);

/// The longest frames of an MTU of 1500, in bytes without the check sequence.
pub(super) const LARGE: u16 = 1514;

pub(super) struct Ready {
    pub(super) guest: Running,
    /// The interface of the VF in the guest.
    pub(super) vf: End,
    pub(super) far: Far,
}

pub(super) async fn ready(bench: &mut Bench) -> Result<Ready, Problem> {
    let vfs = vfs(bench, 2).await?;
    // First, so that a far port without a link is not taken for a VF without one.
    let far = bench.far_end(vfs[1]).await?;
    let guest = bench.guest('a').await?;
    hand_over(bench, &guest, vfs[0]).await?;
    let card = card_in(bench, &guest).await?;
    is_a_card(bench, &guest, card).await?;
    let vf = bench.end_in(&guest, card).await?;
    passes(bench, &vf, &far.end, &far.way).await?;
    Ok(Ready { guest, vf, far })
}

/// As many large frames as go, as long as the bench file says.
pub(super) fn course(bench: &Bench) -> Course {
    Course {
        size: LARGE,
        seconds: bench.settings.stream_seconds,
        rate: None,
        backend: None,
    }
}
