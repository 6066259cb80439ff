//! Boots the real lab host. Ignored by default: the image takes a minute to build (once) and every boot half a minute
//! without KVM. `cargo test -p vm-images --test boots -- --ignored --test-threads 1 --nocapture`
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "helpers of tests, which clippy takes for other code"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use vm_images::{
    BenchFault, Deadlines, Ended, Image, LabError, LabFault, LabSpec, Qemu, Reaction, Session,
};

const DEADLINES: Deadlines = Deadlines {
    boot: Duration::from_mins(3),
    command: Duration::from_mins(3),
    power_off: Duration::from_mins(1),
};

/// What a payload sees of the devices under test, as `name=value` lines in `/results/seen`.
const LOOK: &str = r#"#!/bin/bash
{
    cd /sys/bus/pci/drivers
    for net in igb/0000:*/net; do
        ip link set dev "$(ls "$net")" up
    done
    for _ in $(seq 100); do
        carriers=$(cat igb/0000:*/net/*/carrier | tr -d '\n')
        [ "$carriers" = 11 ] && break
        sleep 0.1
    done
    echo "carriers=$carriers"
    for pf in igb/0000:* nvme/0000:*; do
        echo 2 >"$pf/sriov_numvfs"
    done
    udevadm settle
    for pf in igb/0000:* nvme/0000:*; do
        echo "vfs=$(ls -d "$pf"/virtfn* | wc -l)"
        groups=$(for group in "$pf"/iommu_group "$pf"/virtfn*/iommu_group; do readlink "$group"; done | sort -u | wc -l)
        echo "groups=$groups"
    done
    echo "iommu_units=$(ls /sys/class/iommu | wc -l)"
    echo "libvirt=$(virsh version | grep -c 'Running hypervisor: QEMU')"
    lspci -nn
} | tee /results/seen
exit 7
"#;

async fn image() -> Image {
    let cache = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    Image::ensure(&cache, |line| eprintln!("{line}"))
        .await
        .unwrap()
}

async fn boot(
    dir: &Path,
    script: &str,
    faults: &[LabFault],
    deadlines: Deadlines,
) -> Result<Ended, LabError> {
    boot_and_react(dir, script, faults, deadlines, |_| Reaction::GoOn).await
}

async fn boot_and_react(
    dir: &Path,
    script: &str,
    faults: &[LabFault],
    deadlines: Deadlines,
    mut react: impl FnMut(&str) -> Reaction,
) -> Result<Ended, LabError> {
    let image = image().await;
    let (payload, results, serial_log) = (
        dir.join("payload"),
        dir.join("results"),
        dir.join("serial.log"),
    );
    fs::create_dir(&payload).unwrap();
    fs::create_dir(&results).unwrap();
    fs::write(payload.join("run"), script).unwrap();
    fs::set_permissions(payload.join("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let acceleration = vm_images::choose_acceleration(&image, &Qemu::OfImage)
        .await
        .unwrap();
    eprintln!("{acceleration}");
    let session = Session::Payload {
        serial_log: serial_log.clone(),
    };
    let spec = LabSpec {
        faults: faults.to_vec(),
        acceleration,
        memory_mib: 2048,
        cpus: 2,
        nvme_vfs: vm_images::NVME_VFS,
        payload,
        results,
        session,
    };
    let command = vm_images::command_line(&spec, &image, &Qemu::OfImage);
    let begin = Instant::now();
    let ended = vm_images::run(&command, &serial_log, deadlines, |line| {
        eprintln!("{:6.1} s  {line}", begin.elapsed().as_secs_f64());
        react(line)
    })
    .await;
    eprintln!("{ended:?}");
    ended
}

/// Boots with `faults`, looks, and gives back what was seen.
async fn look(faults: &[LabFault]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let ended = boot(dir.path(), LOOK, faults, DEADLINES).await.unwrap();
    assert_eq!(ended.status, 7);
    fs::read_to_string(dir.path().join("results/seen")).unwrap()
}

/// What is seen of a whole lab: each of three PFs with its two VFs, in so many groups.
fn expected(groups: u8, iommu_units: u8) -> String {
    let pf = format!("vfs=2\ngroups={groups}\n");
    format!("carriers=11\n{pf}{pf}{pf}iommu_units={iommu_units}\nlibvirt=1\n")
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_sound_host_has_a_group_for_every_function() {
    let seen = look(&[]).await;
    assert!(seen.starts_with(&expected(3, 1)), "{seen}");
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn without_acs_a_device_is_one_group() {
    let seen = look(&[LabFault::NoAcs]).await;
    assert!(seen.starts_with(&expected(1, 1)), "{seen}");
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn without_an_iommu_there_are_no_groups() {
    let seen = look(&[LabFault::NoIommu]).await;
    assert!(seen.starts_with(&expected(0, 0)), "{seen}");
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_panic_is_told_from_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\necho about to crash\necho c >/proc/sysrq-trigger\nsleep 60\n";
    let error = boot(dir.path(), script, &[], DEADLINES).await.unwrap_err();
    assert_eq!(error.fault, BenchFault::Panicked);
    assert!(error.last_line.contains("sysrq triggered crash"), "{error}");
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn what_was_written_before_the_end_of_the_machine_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let script =
        "#!/bin/sh\necho evidence >/results/journal\necho o >/proc/sysrq-trigger\nsleep 60\n";
    let error = boot(dir.path(), script, &[], DEADLINES).await.unwrap_err();
    assert_eq!(error.fault, BenchFault::Vanished);
    assert_eq!(
        fs::read_to_string(dir.path().join("results/journal")).unwrap(),
        "evidence\n"
    );
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_command_that_does_not_end_is_ended() {
    let dir = tempfile::tempdir().unwrap();
    let deadlines = Deadlines {
        command: Duration::from_secs(3),
        ..DEADLINES
    };
    let error = boot(
        dir.path(),
        "#!/bin/sh\nexec sleep infinity\n",
        &[],
        deadlines,
    )
    .await
    .unwrap_err();
    assert_eq!(error.fault, BenchFault::NotEnded(Duration::from_secs(3)));
}

/// A payload that keeps `/var/lib/boots`, a line for each boot, on the lab host's own disk, runs the case for that boot and
/// ends where the case does not.
fn boot_by_boot(cases: &str) -> String {
    format!(
        r#"#!/bin/bash
echo "$(cat /proc/sys/kernel/random/boot_id)" >>/var/lib/boots
sync /var/lib/boots
boot=$(wc -l </var/lib/boots)
echo "boot $boot"
case $boot in
{cases}
esac
echo "$(sort -u /var/lib/boots | wc -l) boots"
"#
    )
}

/// Runs it, and gives back how it ended and all it said.
async fn heard(cases: &str, mut react: impl FnMut(&str) -> Reaction) -> (Ended, Vec<String>) {
    let dir = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    let script = boot_by_boot(cases);
    let ended = boot_and_react(dir.path(), &script, &[], DEADLINES, |line| {
        lines.push(line.to_owned());
        react(line)
    })
    .await
    .unwrap();
    (ended, lines)
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_restart_keeps_the_disk_and_starts_the_payload_again() {
    // The first payload waits to be stopped, the second returns at once.
    let cases = "1) systemctl reboot; sleep infinity ;; 2) systemctl reboot; exit 9 ;;";
    let (ended, lines) = heard(cases, |_| Reaction::GoOn).await;
    assert_eq!((ended.status, ended.restarts, ended.power_cuts), (0, 2, 0));
    assert_eq!(lines, ["boot 1", "boot 2", "boot 3", "3 boots"]);
}

#[tokio::test]
#[ignore = "boots a machine 21 times"]
async fn twenty_restarts_in_a_row_are_followed() {
    let deadlines = Deadlines {
        command: Duration::from_mins(40),
        ..DEADLINES
    };
    let dir = tempfile::tempdir().unwrap();
    let script = boot_by_boot("? | 1? | 20) systemctl reboot; exit 0 ;;");
    let ended = boot(dir.path(), &script, &[], deadlines).await.unwrap();
    assert_eq!((ended.status, ended.restarts), (0, 20));
}

/// Enables a unit as the suite does, and looks at it in the next boot; it lasts until it was seen beside the payload.
const UNIT: &str = r#"1)
    cat >/etc/systemd/system/after-restart.service <<'END'
[Unit]
RequiresMountsFor=/results
Before=libvirtd.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'cat /proc/sys/kernel/random/boot_id >>/results/unit; until [ -e /run/seen ]; do sleep 0.2; done'

[Install]
WantedBy=multi-user.target
END
    systemctl enable after-restart.service
    systemctl reboot
    sleep infinity ;;
2)
    echo "mounted $(grep -c ' /results 9p ' /proc/mounts) times"
    echo "beside the payload: $(systemctl is-active after-restart.service)"
    echo "libvirt: $(systemctl is-active libvirtd.socket libvirtd.service | xargs)"
    touch /run/seen
    until [ "$(systemctl is-active after-restart.service)" = inactive ]; do sleep 0.2; done
    echo "result: $(systemctl show --value --property Result after-restart.service)"
    echo "this boot: $(grep -c "$(cat /proc/sys/kernel/random/boot_id)" /results/unit)"
    systemctl is-system-running
    ;;"#;

#[tokio::test]
#[ignore = "boots a machine"]
async fn an_enabled_unit_runs_beside_the_payload_of_the_next_boot() {
    let (ended, lines) = heard(UNIT, |_| Reaction::GoOn).await;
    assert_eq!(ended.restarts, 1);
    let second = lines.iter().skip_while(|line| *line != "boot 2").skip(1);
    assert_eq!(
        second.collect::<Vec<_>>(),
        [
            "mounted 1 times",
            "beside the payload: activating",
            "libvirt: active inactive",
            "result: success",
            "this boot: 1",
            "running",
            "2 boots"
        ]
    );
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_power_cut_loses_what_was_not_synced_and_keeps_what_was() {
    let cases = r"1)
    echo 2 | tee /sys/bus/pci/drivers/{igb,nvme}/0000:*/sriov_numvfs
    echo kept >/var/lib/kept && sync /var/lib/kept
    echo lost >/var/lib/lost
    echo now
    sleep infinity ;;
2)
    # The name may have reached the disk with the file system's next commit, the content not.
    cat /var/lib/kept /var/lib/lost 2>/dev/null
    cat /sys/bus/pci/drivers/{igb,nvme}/0000:*/sriov_numvfs | xargs echo vfs
    echo now
    sleep infinity ;;";
    let (ended, lines) = heard(cases, |line| match line {
        "now" => Reaction::CutPowerAfter(Duration::from_millis(100)),
        _ => Reaction::GoOn,
    })
    .await;
    assert_eq!((ended.status, ended.restarts, ended.power_cuts), (0, 0, 2));
    let second = lines.iter().skip_while(|line| *line != "boot 2");
    assert_eq!(
        second.collect::<Vec<_>>(),
        ["boot 2", "kept", "vfs 0 0 0", "now", "boot 3", "3 boots"]
    );
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn the_power_may_go_while_the_machine_restarts() {
    // 1 s after the request the machine goes down, 6 s after it boots.
    let cases = "1 | 2) echo restart $boot; systemctl reboot; sleep infinity ;;";
    let (ended, lines) = heard(cases, |line| match line {
        "restart 1" => Reaction::CutPowerAfter(Duration::from_secs(1)),
        "restart 2" => Reaction::CutPowerAfter(Duration::from_secs(6)),
        _ => Reaction::GoOn,
    })
    .await;
    assert_eq!((ended.status, ended.power_cuts), (0, 2));
    assert_eq!(lines.last().unwrap(), "3 boots");
}

/// Whether systemd started the unit that announces a restart, as the console tells it.
fn announced(error: &LabError) -> bool {
    fs::read_to_string(&error.serial_log)
        .unwrap()
        .contains("Starting sriov-lab-restarting")
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn a_panic_after_a_restart_is_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    let script = boot_by_boot(
        "1) systemctl reboot; sleep infinity ;; 2) echo c >/proc/sysrq-trigger; sleep 60 ;;",
    );
    let error = boot(dir.path(), &script, &[], DEADLINES).await.unwrap_err();
    assert_eq!(error.fault, BenchFault::Panicked);
    assert!(error.last_line.contains("sysrq triggered crash"), "{error}");
    assert!(announced(&error));
}

#[tokio::test]
#[ignore = "boots a machine"]
async fn only_a_restart_is_announced() {
    // A power-off is none, and what is forced does not pass systemd's units.
    for down in [
        "systemctl poweroff",
        "systemctl --force reboot",
        "reboot -ff",
    ] {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("#!/bin/sh\n{down}\nsleep infinity\n");
        let error = boot(dir.path(), &script, &[], DEADLINES).await.unwrap_err();
        assert_eq!(error.fault, BenchFault::Vanished, "{down}");
        assert!(!announced(&error), "{down}");
    }
}
