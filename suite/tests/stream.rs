//! `traffic send` and `traffic receive` over virtual cables, in a network namespace of each test's own.

mod cable;

use harness::stream::{Received, Sent, Tally};

use cable::{on_cable, text};

/// What both sides came to, by JSON.
fn streamed(mtu: u32, send: &str, receive: &str) -> (Sent, Received) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("received");
    let script = format!(
        r#"
        ip link set near gso_max_size 300
        "$PROGRAM" traffic receive --meet --interface far --seconds 30 --json {receive} > {path} & receiver=$!
        "$PROGRAM" traffic send --meet --interface near --to 02:00:00:00:00:02 --seconds 30 --json {send}
        wait $receiver || true"#,
        path = path.display()
    );
    let output = on_cable(mtu, &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let received = std::fs::read(&path).expect("a result");
    (json(&output.stdout), json(&received))
}

fn json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)))
}

/// All that was sent must have come, once and in order.
fn whole(sent: &Sent, received: &Received) {
    let expected = Tally {
        received: sent.frames,
        ..Tally::default()
    };
    assert_eq!(received.tally, expected, "{sent:?} {received:?}");
    assert!(received.complete, "{received:?}");
    let found = (received.corrupt, received.dropped, received.bytes);
    assert_eq!(found, (0, 0, sent.bytes));
}

#[test]
fn every_way_delivers_every_frame() {
    for way in ["pnet", "batched", "xdp"] {
        let words = format!("--backend {way} --count 10000 --rate 20000 --size 60 --size 1514");
        let (sent, received) = streamed(1500, &words, "");
        assert_eq!((sent.backend.name(), sent.frames), (way, 10_000));
        assert_eq!(sent.bytes, 5000 * (60 + 1514));
        whole(&sent, &received);
    }
}

#[test]
fn pnet_receives_too() {
    let (sent, received) = streamed(1500, "--count 200 --rate 200", "--backend pnet");
    assert_eq!(received.backend.name(), "pnet");
    whole(&sent, &received);
}

#[test]
fn jumbo_frames_take_several_descriptors() {
    let words = "--backend xdp --count 3000 --rate 5000 --size 9014";
    let (sent, received) = streamed(9000, words, "");
    assert_eq!(sent.bytes, 3000 * 9014);
    whole(&sent, &received);
}

/// The first waits for the second, which is started only then.
#[test]
fn several_senders_meet_one_receiver_which_tells_them_apart() {
    let words = r#"--backend batched --count 300 --rate 1000 --flow 65535 > /dev/null & sleep 0.5
        "$PROGRAM" traffic send --meet --interface near --to 02:00:00:00:00:02 --seconds 30 --json \
            --backend batched --count 500 --rate 1000 --flow 0"#;
    let (sent, received) = streamed(1500, words, "--senders 2 --flows 2");
    assert_eq!(sent.frames, 500);
    assert!(received.complete, "{received:?}");
    let all = |received| Tally {
        received,
        ..Tally::default()
    };
    let expected = [(0, all(500)), (65_535, all(300))];
    assert_eq!(received.by_flow, expected.into());
}

/// The kernel cuts the datagrams, all of which are longer than the cable takes.
#[test]
fn segments_are_frames_with_a_number_each() {
    for carrier in ["udp4", "udp6"] {
        let words = format!(
            "--backend segmented --carrier {carrier} --count 10000 --rate 20000 --size 200"
        );
        let (sent, received) = streamed(1500, &words, &format!("--carrier {carrier}"));
        assert_eq!((sent.backend.name(), sent.bytes), ("segmented", 2_000_000));
        whole(&sent, &received);
    }
}

#[test]
fn each_flow_is_counted_by_itself_and_a_mix_has_its_sizes() {
    let words = "--imix --flows 3 --carrier udp4 --count 3600 --rate 20000";
    let (sent, received) = streamed(1500, words, "--flows 3 --carrier udp4");
    assert_eq!(sent.bytes, 300 * (7 * 60 + 4 * 590 + 1514));
    whole(&sent, &received);
}

#[test]
fn a_rate_is_kept() {
    let (sent, received) = streamed(1500, "--rate 2000 --count 2000", "");
    whole(&sent, &received);
    assert!(sent.seconds >= 0.99, "{sent:?}");
}

#[test]
fn stamped_frames_tell_how_long_they_took() {
    for words in [
        "--backend xdp",
        "--backend segmented --carrier udp4 --size 200",
    ] {
        let receive = if words.contains("udp4") {
            "--carrier udp4"
        } else {
            ""
        };
        let (sent, received) = streamed(
            1500,
            &format!("{words} --stamp --count 3000 --rate 3000"),
            receive,
        );
        whole(&sent, &received);
        let latency = received.latency.expect("stamps");
        let times = [
            1,
            latency.median_ns,
            latency.most_ns,
            latency.max_ns,
            30_000_000_000,
        ];
        assert!(times.is_sorted() && latency.impossible == 0, "{latency:?}");
    }
    let (_, received) = streamed(1500, "--count 10", "");
    assert_eq!(received.latency, None);
}

/// Whoever begins to listen late has missed what was sent before, and is told so by the numbers.
#[test]
fn loss_is_told() {
    let script = r#"
        "$PROGRAM" traffic send --interface near --to 02:00:00:00:00:02 --rate 2000 --count 4000 > /dev/null &
        timeout 10 sh -c 'until [ "$(cat /sys/class/net/far/statistics/rx_packets)" -gt 500 ]; do :; done'
        "$PROGRAM" traffic receive --interface far --seconds 20 --json"#;
    let output = on_cable(1500, script);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let Received {
        tally, complete, ..
    } = json(&output.stdout);
    assert!(complete && tally.lost > 500, "{tally:?}");
    assert_eq!(tally.received + tally.lost, 4000);
}

#[test]
fn whoever_meets_nobody_says_what_to_do() {
    let words = [
        "receive --meet=1 --interface far",
        "send --meet=1 --interface near --to 02:00:00:00:00:02",
    ];
    let lines = words.map(|words| {
        let output = on_cable(1500, &format!(r#""$PROGRAM" traffic {words}"#));
        assert_eq!(output.status.code(), Some(2));
        text(&output.stderr)
    });
    insta::assert_snapshot!(without_counts(&lines.concat()));
}

/// How many frames go within a second is not always the same: numbers in brackets become an N.
fn without_counts(text: &str) -> String {
    let (mut out, mut inside) = (String::new(), false);
    for sign in text.chars() {
        inside = (inside || sign == '(') && sign != ')';
        match sign {
            digit if inside && digit.is_ascii_digit() && out.ends_with('N') => {}
            digit if inside && digit.is_ascii_digit() => out.push('N'),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let words = r#""$PROGRAM" traffic send --interface near --to 02:00:00:00:00:02"#;
    let scripts = [
        format!("{words} --size 1515"),
        format!("{words} --carrier udp6 --size 60"),
        format!("{words} --backend segmented"),
        "ip route add default dev near\n".to_owned() + words,
    ];
    let refusals: String = scripts
        .iter()
        .map(|script| text(&on_cable(1500, script).stderr))
        .collect();
    insta::assert_snapshot!(refusals);
}
