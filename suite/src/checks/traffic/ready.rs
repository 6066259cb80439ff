//! A guest with a virtual function that frames pass by, and where they go to.

use harness::bench::{Bench, End, Far, Running};
use harness::check::Problem;

use crate::checks::guest::echo::passes;
use crate::checks::guest::plugged::{card_in, hand_over, is_a_card, vfs};

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
