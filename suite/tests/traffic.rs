//! `traffic ping` and `traffic echo` over virtual cables, in a network namespace of each test's own.

mod cable;

use std::fs;
use std::path::Path;

use harness::traffic::Pinged;

use cable::{on_cable, text};

/// Pings an echo. Returns what both came to.
fn pinged(mtu: u32, args: &str) -> (Pinged, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("echo");
    let script = format!(
        "echo_far > {} &\nping_near --json {args}\nwait $!",
        path.display()
    );
    let output = on_cable(mtu, &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (json(&output.stdout), read(&path))
}

fn json(bytes: &[u8]) -> Pinged {
    serde_json::from_slice(bytes).unwrap_or_else(|error| panic!("{error}: {}", text(bytes)))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).expect("a result")
}

fn unharmed(pinged: &Pinged, frames: u64) {
    let expected = Pinged {
        reached: true,
        sent: frames,
        answered: frames,
        median_ns: pinged.median_ns,
        most_ns: pinged.most_ns,
        max_ns: pinged.max_ns,
        ..Pinged::default()
    };
    assert_eq!(pinged, &expected);
    let times = [0, pinged.median_ns, pinged.most_ns, pinged.max_ns];
    assert!(times.is_sorted() && times[1] > 0, "{pinged:?}");
}

/// The exit code and the line of a script that fails.
fn refusal(script: &str) -> (Option<i32>, String) {
    let output = on_cable(1500, script);
    assert_eq!(text(&output.stdout), "");
    (
        output.status.code(),
        text(&output.stderr).replace("sriov-certify: ", ""),
    )
}

#[test]
fn every_size_is_answered() {
    let (pinged, echo) = pinged(1500, "");
    unharmed(&pinged, 1455);
    let answered = echo.strip_prefix("answered ").unwrap();
    let answered: u64 = answered.strip_suffix(" frames\n").unwrap().parse().unwrap();
    assert!(answered > 1455, "at least one hello: {echo}");
}

#[test]
fn jumbo_frames_are_answered() {
    let (pinged, _) = pinged(9000, "--smallest 1515 --largest 9014 --step 11 --count 2");
    unharmed(&pinged, 2 * 682);
}

#[test]
fn those_who_do_not_sleep_ask_and_answer_too() {
    let echo = r#""$PROGRAM" traffic echo --interface far --once --busy --seconds 30"#;
    let script = format!(
        "{echo} > /dev/null &\nping_near --json --busy --largest 9014 --step 11 --count 2\nwait $!"
    );
    let output = on_cable(9000, &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    unharmed(&json(&output.stdout), 2 * 815);
}

/// Both wait for the echo, so that they are at it together. All that one of them receives, the answers
/// to the other among it, fits into a buffer that only the administrator of the machine may enlarge.
#[test]
fn two_pings_at_once_do_not_take_each_others_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other");
    let script = format!(
        r#"
        ping_near --step 25 --json > {} & other=$!
        ping_near --step 25 --json & one=$!
        "$PROGRAM" traffic echo --interface far --seconds 30 > /dev/null & echo=$!
        wait $other
        wait $one
        kill $echo"#,
        path.display()
    );
    let output = on_cable(1500, &script);
    assert!(output.status.success(), "{}", text(&output.stderr));
    unharmed(&json(&output.stdout), 59);
    unharmed(&json(&fs::read(&path).unwrap()), 59);
}

#[test]
fn a_deaf_peer_is_a_result() {
    let output = on_cable(1500, "ping_near --wait 0 --largest 69 --json");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let expected = Pinged {
        unfinished: 10,
        ..Pinged::default()
    };
    assert_eq!(json(&output.stdout), expected);
    let output = on_cable(1500, "ping_near --wait 0");
    assert_eq!(text(&output.stdout), "nobody answered, 0 frames damaged\n");
}

#[test]
fn an_echo_that_nobody_pings_says_so() {
    let script = r#""$PROGRAM" traffic echo --interface far --once --seconds 1"#;
    let output = on_cable(1500, script);
    let found = (output.status.code(), text(&output.stdout));
    assert_eq!(
        found,
        (Some(1), "answered 0 frames; no ping has ended\n".to_owned())
    );
}

#[test]
fn an_interface_that_cannot_be_used_is_refused() {
    let echo = |interface: &str| format!(r#""$PROGRAM" traffic echo --interface {interface}"#);
    let ping = r#""$PROGRAM" traffic ping --interface near"#;
    let scripts = [
        echo("fra"),
        echo("lo"),
        format!("ip link set near down\n{}", echo("near")),
        format!("ip route add default dev far\n{}", echo("far")),
        format!("ip -6 route add default dev far\n{}", echo("far")),
        "ping_near --largest 1515".to_owned(),
        format!("{ping} --to 02:00:00:00:00:01"),
    ];
    let refusals: String = scripts
        .iter()
        .map(|script| {
            let (code, line) = refusal(script);
            assert_eq!(
                (code, line.lines().count()),
                (Some(64), 1),
                "{script}: {line}"
            );
            line
        })
        .collect();
    insta::assert_snapshot!(refusals);
}

#[test]
fn without_the_privilege_the_kernel_refuses() {
    let script =
        r#"setpriv --bounding-set=-all --inh-caps=-all "$PROGRAM" traffic echo --interface far"#;
    let (code, line) = refusal(script);
    let expected = "cannot open a packet socket on far: Operation not permitted (os error 1); run it as root\n";
    assert_eq!((code, line.as_str()), (Some(2), expected));
}

/// `nsenter --net` leaves /sys as it was: what it says is of interfaces that frames would not go by.
#[test]
fn a_sys_of_another_namespace_is_noticed() {
    for words in [
        "echo",
        "echo --busy",
        "receive",
        "send --to 02:00:00:00:00:01",
    ] {
        let script = format!(r#"unshare --net "$PROGRAM" traffic {words} --interface far"#);
        let (code, line) = refusal(&script);
        assert_eq!(code, Some(2), "{line}");
        assert!(
            line.ends_with(": /sys shows far of another network namespace\n"),
            "{line}"
        );
    }
}

#[test]
fn an_interface_that_is_taken_down_ends_it() {
    for how in ["", "--busy"] {
        let script = format!(
            r#"
            "$PROGRAM" traffic echo --interface far --seconds 30 {how} & echo=$!
            timeout 10 sh -c 'until grep -q " 88b5 " /proc/net/packet; do :; done'
            ip link set far down
            wait $echo"#
        );
        let (code, line) = refusal(&script);
        assert_eq!(code, Some(2), "{line}");
        assert!(line.starts_with("no frames pass far any more: "), "{line}");
    }
}

/// There is nothing to undo, and so nothing that would have to hear of it.
#[test]
fn a_ping_that_waits_ends_by_a_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let ping = r#""$PROGRAM" traffic ping --interface near --to 02:00:00:00:00:02"#;
        let (found, line) = refusal(&format!(
            "exec timeout --preserve-status -s {signal} 0.3 {ping}"
        ));
        assert_eq!((found, line.as_str()), (Some(code), ""));
    }
}
