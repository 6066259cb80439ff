//! A virtual cable, in a network namespace of each test's own.

use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sriov-certify");

/// As whoever may, without being root: the namespaces of an ordinary user, or else root's own.
const WAYS: [&[&str]; 2] = [
    &["--user", "--map-root-user", "--net", "--mount"],
    &["--net", "--mount"],
];

/// A cable from `near` to `far` in a namespace that has its own /sys, in the words of a shell.
const CABLE: &str = r#"
set -e
mount -t sysfs sysfs /sys
ip link add name near address 02:00:00:00:00:01 type veth peer name far address 02:00:00:00:00:02
for end in near far; do ip link set "$end" mtu "$MTU" up; done
echo_far() { "$PROGRAM" traffic echo --interface far --once --seconds 30; }
ping_near() { "$PROGRAM" traffic ping --interface near --to 02:00:00:00:00:02 --seconds 30 "$@"; }
"#;

/// What a script came to that begins with a cable.
pub(crate) fn on_cable(mtu: u32, script: &str) -> Output {
    let mut command = Command::new("unshare");
    command.args(way()).arg("--").arg("sh").arg("-c");
    command.arg(format!("{CABLE}\n{script}"));
    command.env("PROGRAM", PROGRAM).env("MTU", mtu.to_string());
    command.output().expect("unshare starts")
}

fn way() -> &'static [&'static str] {
    let makes_a_cable = |way: &&&[&str]| {
        let mut command = Command::new("unshare");
        command.args(**way).args(["--", "sh", "-c"]);
        command.arg("mount -t sysfs sysfs /sys && ip link add name near type veth peer name far");
        command.output().is_ok_and(|output| output.status.success())
    };
    let way = WAYS.iter().find(makes_a_cable);
    way.expect(
        "cannot make a network namespace with a veth pair: this test takes `unshare`, `ip`, the \
         module veth, and either user namespaces (user.max_user_namespaces) or root",
    )
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
