//! What a stream came to, in the words of `traffic send` and `traffic receive`.

use harness::stream::{Latency, Moment, Received, Sent, Tally};

pub(super) fn of_sent(sent: &Sent) -> String {
    let Sent {
        backend,
        offloads: _,
        frames,
        bytes,
        seconds,
        cpu_seconds,
        full,
        stalled,
    } = sent;
    let end = if *stalled {
        ", and in the end none at all: a queue has stopped"
    } else {
        ""
    };
    format!(
        "sent {frames} frames by {backend} in {seconds:.3} s: {}; {}; no room {full} times{end}",
        rates(*frames, *bytes, *seconds),
        cost(*cpu_seconds, *frames)
    )
}

pub(super) fn of_received(received: &Received) -> String {
    let Received {
        backend,
        offloads: _,
        tally,
        by_flow: _,
        corrupt,
        dropped,
        latency,
        bytes,
        seconds,
        cpu_seconds,
        complete,
    } = received;
    let Tally {
        received,
        lost,
        duplicates,
        reordered,
    } = tally;
    let end = if *complete {
        ""
    } else {
        "; the end of a flow has not come"
    };
    format!(
        "received {received} frames by {backend} in {seconds:.3} s: {}; {lost} lost ({dropped} of them in this machine), \
         {duplicates} twice, {reordered} out of order, {corrupt} damaged; {}{}{end}",
        rates(*received, *bytes, *seconds),
        cost(*cpu_seconds, *received),
        latency.as_ref().map_or_else(String::new, took)
    )
}

/// How long frames took, of which a receiver knows only where it has the sender's clock.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn took(latency: &Latency) -> String {
    if latency.impossible > 0 {
        return format!(
            "; {} came before they were sent: the clocks of the two sides are not one",
            latency.impossible
        );
    }
    let [median, most, max] =
        [latency.median_ns, latency.most_ns, latency.max_ns].map(|time| time as f64 / 1000.0);
    format!(
        "; one way, if both sides have one clock, {median:.1} us in the middle, {most:.1} us for 99 of 100, {max:.1} us at most"
    )
}

pub(super) fn of_moment(moment: &Moment) -> String {
    let &Moment {
        at,
        took,
        frames,
        bytes,
        lost,
    } = moment;
    let lost = if lost > 0 {
        format!(", {lost} lost")
    } else {
        String::new()
    };
    let rates = rates(frames, bytes, took.as_secs_f64());
    format!("{:>5.0} s: {rates}{lost}", at.as_secs_f64())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn rates(frames: u64, bytes: u64, seconds: f64) -> String {
    let seconds = seconds.max(1e-9);
    format!(
        "{:.0} frames/s, {:.3} Gbit/s",
        frames as f64 / seconds,
        bytes as f64 * 8e-9 / seconds
    )
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn cost(cpu_seconds: f64, frames: u64) -> String {
    format!(
        "{:.3} s of CPU per million frames",
        cpu_seconds * 1e6 / frames.max(1) as f64
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_is_told_with_what_was_lost_in_it() {
        let moment = Moment {
            at: Duration::from_millis(3001),
            took: Duration::from_millis(1001),
            frames: 10_010,
            bytes: 600_600,
            lost: 0,
        };
        let line = of_moment(&moment);
        assert_eq!(line, "    3 s: 10000 frames/s, 0.005 Gbit/s");
        let line = of_moment(&Moment { lost: 7, ..moment });
        assert_eq!(line, "    3 s: 10000 frames/s, 0.005 Gbit/s, 7 lost");
    }
}
