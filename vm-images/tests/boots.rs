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
use std::time::Duration;

use vm_images::{BenchFault, Deadlines, Ended, Image, LabError, LabFault, LabSpec, Qemu, Session};

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
        payload,
        results,
        session,
    };
    let command = vm_images::command_line(&spec, &image, &Qemu::OfImage);
    let ended = vm_images::run(&command, &serial_log, deadlines, |line| {
        eprintln!("  {line}");
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
