//! `traffic ask` and `traffic echo --partner` over a virtual cable, in a network namespace of each test's own.

mod cable;

use harness::stream::{Received, Sent};
use harness::traffic::Said;

use cable::{on_cable, text};

const ASK: &str = r#""$PROGRAM" traffic ask --interface near --to 02:00:00:00:00:02 --"#;

/// What a script prints with a partner at the far end.
fn with_partner(script: &str) -> String {
    let serve = r#""$PROGRAM" traffic echo --partner --interface far --seconds 60 > /dev/null & partner=$!"#;
    let output = on_cable(1500, &format!("{serve}\n{script}\nkill $partner"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn said(line: &str) -> Said {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_partner_tells_its_interface() {
    let said = said(&with_partner(&format!("{ASK} about")));
    let about: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let found = (said.status, &about["name"], &about["mtu"]);
    assert_eq!(found, (0, &"far".into(), &1500.into()));
    assert_ne!(about["boot"], "");
}

#[test]
fn a_partner_does_little_and_by_its_own_interface() {
    for words in [
        "run --mock",
        "echo --partner --interface far",
        "ask --interface far --to 02:00:00:00:00:01 -- about",
        "echo --once --interface near",
        "echo --once --interface=near",
        "echo --once --interface far --seconds 121",
        "receive --meet=61 --interface far --seconds 60",
        "receive --interface far --flows 257",
        "echo --help",
        "''",
    ] {
        let said = said(&with_partner(&format!("{ASK} {words}")));
        assert_eq!(said.status, 64, "{words}: {said:?}");
        let why = "a partner does not do `";
        assert!(said.stderr.starts_with(why), "{}", said.stderr);
    }
}

/// Both sides of a stream are started from one end of the cable.
#[test]
fn a_partner_receives_what_is_sent_to_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("said");
    let script = format!(
        r#"
        {ASK} receive --meet --interface far --seconds 20 --json > {} & asked=$!
        "$PROGRAM" traffic send --meet --interface near --to 02:00:00:00:00:02 --seconds 20 --count 5000 --rate 10000 --size 1514 --json
        wait $asked"#,
        path.display()
    );
    let sent: Sent = serde_json::from_str(&with_partner(&script)).expect("what was sent");
    let said = said(&std::fs::read_to_string(path).expect("what was said"));
    let received: Received = serde_json::from_str(&said.stdout).expect("what was received");
    assert_eq!((said.status, sent.frames), (0, 5000));
    assert_eq!(received.tally.received, 5000);
    assert!(received.is_whole(), "{received:?}");
}

#[test]
fn what_a_partner_does_ends_with_it_and_an_interface_has_one_partner() {
    let script = r#"
        serve() { "$PROGRAM" traffic echo --partner --interface far --seconds 60 > /dev/null; }
        "$PROGRAM" traffic echo --partner --interface far --seconds 60 > /dev/null & partner=$!
        "$PROGRAM" traffic ask --interface near --to 02:00:00:00:00:02 -- echo --interface far --seconds 60 > /dev/null 2>&1 & asker=$!
        timeout 20 sh -c 'until grep -q " 88b5 " /proc/net/packet; do sleep 0.1; done'
        serve || echo "exit $?"
        kill -9 $partner
        timeout 20 sh -c 'while grep -q " 88b5 " /proc/net/packet; do sleep 0.1; done'
        kill $asker
        echo ended"#;
    let output = on_cable(1500, script);
    assert_eq!(
        text(&output.stdout),
        "exit 2\nended\n",
        "{}",
        text(&output.stderr)
    );
    let told = text(&output.stderr);
    assert!(told.contains("far has a partner already"), "{told}");
}

#[test]
fn a_silent_partner_is_named() {
    let ask =
        r#""$PROGRAM" traffic ask --seconds 1 --interface near --to 02:00:00:00:00:02 -- about"#;
    let output = on_cable(1500, ask);
    assert_eq!(output.status.code(), Some(1));
    let line = text(&output.stderr);
    assert!(
        line.contains("the partner at 02:00:00:00:00:02 is silent at near; start `traffic echo --partner` there"),
        "{line}"
    );
}
