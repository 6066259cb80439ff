//! The kernel's contract, row by row as it was observed on a real kernel with an emulated 82576.
//!
//! Source: Linux 6.12 drivers/pci/iov.c, drivers/base/bus.c; observed with QEMU 10.0.2.

use std::time::Duration;

use nix::errno::Errno;
use tokio::time::{Instant, timeout};

use super::tests::{answer, path, raw, simulator, text};
use super::{Fault, Simulator};
use crate::facts;
use crate::machine::Host;

const VF0: &str = "0000:01:10.0";

fn igb() -> Simulator {
    simulator("igb", "igbvf", None)
}

async fn driver(host: &Simulator, action: &str, driver: &str, bdf: &str) -> Result<(), Errno> {
    raw(host
        .write(
            &format!("/sys/bus/pci/drivers/{driver}/{action}"),
            bdf.as_bytes(),
        )
        .await)
}

#[tokio::test(start_paused = true)]
async fn what_is_no_count_is_einval() {
    let host = igb();
    for form in [
        "abc",
        "-1",
        "7x",
        " 3",
        "65536",
        "99999999999999999999999",
        "\n",
    ] {
        assert_eq!(
            answer(&host, "sriov_numvfs", form).await,
            Err(Errno::EINVAL),
            "{form:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn every_form_of_a_number_is_accepted() {
    for (form, count) in [
        ("2", "2"),
        ("2\n", "2"),
        ("0x2", "2"),
        ("+2", "2"),
        ("03", "3"),
    ] {
        let host = igb();
        assert_eq!(
            answer(&host, "sriov_numvfs", form).await,
            Ok(()),
            "{form:?}"
        );
        assert_eq!(text(&host, &path("sriov_numvfs")).await, count);
    }
}

#[tokio::test(start_paused = true)]
async fn beyond_the_drivers_limit_is_erange_even_when_it_would_be_ebusy() {
    let host = igb();
    assert_eq!(answer(&host, "sriov_numvfs", "8").await, Err(Errno::ERANGE));
    assert_eq!(
        answer(&host, "sriov_numvfs", "65535").await,
        Err(Errno::ERANGE)
    );
    assert_eq!(
        answer(&host, "sriov_numvfs", "010").await,
        Err(Errno::ERANGE),
        "octal 8"
    );
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    assert_eq!(answer(&host, "sriov_numvfs", "8").await, Err(Errno::ERANGE));
    assert_eq!(answer(&host, "sriov_numvfs", "3").await, Err(Errno::EBUSY));
}

#[tokio::test(start_paused = true)]
async fn the_same_count_is_no_operation() {
    let host = igb();
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    let start = Instant::now();
    assert_eq!(answer(&host, "sriov_numvfs", "2").await, Ok(()));
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn without_a_driver_only_the_range_and_the_same_count_matter() {
    let host = igb();
    driver(&host, "unbind", "igb", "0000:01:00.0")
        .await
        .unwrap();
    assert_eq!(
        text(&host, &path("sriov_totalvfs")).await,
        "8",
        "the hardware's"
    );
    assert_eq!(answer(&host, "sriov_numvfs", "9").await, Err(Errno::ERANGE));
    assert_eq!(answer(&host, "sriov_numvfs", "0").await, Ok(()));
    assert_eq!(answer(&host, "sriov_numvfs", "1").await, Err(Errno::ENOENT));
    driver(&host, "bind", "igb", "0000:01:00.0\n")
        .await
        .unwrap();
    assert_eq!(
        text(&host, &path("sriov_totalvfs")).await,
        "7",
        "the driver's"
    );
}

#[tokio::test(start_paused = true)]
async fn two_writers_take_turns_and_the_second_is_too_late() {
    let host = igb();
    let (first, second) = tokio::join!(
        answer(&host, "sriov_numvfs", "1"),
        answer(&host, "sriov_numvfs", "2")
    );
    assert_eq!((first, second), (Ok(()), Err(Errno::EBUSY)));
    assert_eq!(text(&host, &path("sriov_numvfs")).await, "1");
}

#[tokio::test(start_paused = true)]
async fn unbinding_igb_removes_its_vfs_and_unbinding_nvme_does_not() {
    let host = igb();
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    driver(&host, "unbind", "igb", "0000:01:00.0")
        .await
        .unwrap();
    assert_eq!(facts::vfs(&host, host.bdf()).await.unwrap(), []);
    let host = simulator("nvme", "nvme", None);
    answer(&host, "sriov_numvfs", "2").await.unwrap();
    driver(&host, "unbind", "nvme", "0000:01:00.0")
        .await
        .unwrap();
    assert_eq!(answer(&host, "sriov_numvfs", "2").await, Ok(()));
    assert_eq!(answer(&host, "sriov_numvfs", "0").await, Err(Errno::ENOENT));
    driver(&host, "bind", "nvme", "0000:01:00.0").await.unwrap();
    assert_eq!(answer(&host, "sriov_numvfs", "0").await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn vfio_as_the_pfs_driver_creates_nothing() {
    let host = simulator("igb", "igbvf", Some(Fault::WrongDriver));
    assert_eq!(text(&host, &path("sriov_totalvfs")).await, "8");
    assert_eq!(answer(&host, "sriov_numvfs", "1").await, Err(Errno::ENOENT));
}

#[tokio::test(start_paused = true)]
async fn without_autoprobe_only_an_override_binds() {
    let host = igb();
    assert_eq!(
        answer(&host, "sriov_drivers_autoprobe", "maybe").await,
        Err(Errno::EINVAL)
    );
    answer(&host, "sriov_drivers_autoprobe", "off")
        .await
        .unwrap();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    assert_eq!(
        driver(&host, "bind", "igbvf", VF0).await,
        Err(Errno::ENODEV)
    );
    let own = format!("/sys/bus/pci/devices/{VF0}/driver_override");
    assert_eq!(text(&host, &own).await, "(null)");
    host.write(&own, b"igbvf\n").await.unwrap();
    assert_eq!(text(&host, &own).await, "igbvf");
    assert_eq!(driver(&host, "bind", "igbvf", VF0).await, Ok(()));
    assert_eq!(driver(&host, "bind", "igbvf", VF0).await, Err(Errno::EBUSY));
    assert_eq!(
        driver(&host, "unbind", "igb", VF0).await,
        Err(Errno::ENODEV)
    );
    assert_eq!(driver(&host, "unbind", "igbvf", VF0).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn drivers_that_do_not_match_do_not_bind() {
    let host = igb();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    driver(&host, "unbind", "igbvf", VF0).await.unwrap();
    assert_eq!(
        driver(&host, "bind", "vfio-pci", VF0).await,
        Err(Errno::ENODEV)
    );
    assert_eq!(
        driver(&host, "bind", "igbvf", "0000:99:00.0").await,
        Err(Errno::ENODEV)
    );
    let own = format!("/sys/bus/pci/devices/{VF0}/driver_override");
    host.write(&own, b"vfio-pci").await.unwrap();
    host.write("/sys/bus/pci/drivers_probe", VF0.as_bytes())
        .await
        .unwrap();
    assert_eq!(
        facts::driver_name(&host, VF0.parse().unwrap())
            .await
            .unwrap()
            .as_deref(),
        Some("vfio-pci")
    );
}

#[tokio::test(start_paused = true)]
async fn an_offline_nvme_vf_gets_no_driver() {
    let host = simulator("nvme", "nvme", None);
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    let bind = driver(&host, "bind", "nvme", "0000:01:00.1").await;
    assert_eq!(bind, Err(Errno::EIO), "so seen with Linux 6.12.118");
}

#[tokio::test(start_paused = true)]
async fn bnx2x_wants_its_interface_up() {
    let host = simulator("bnx2x", "bnx2x", None);
    host.run(&["ip", "link", "set", "dev", "enp1s0", "down"])
        .await
        .unwrap();
    assert_eq!(answer(&host, "sriov_numvfs", "1").await, Err(Errno::EINVAL));
    host.run(&["ip", "link", "set", "dev", "enp1s0", "up"])
        .await
        .unwrap();
    assert_eq!(answer(&host, "sriov_numvfs", "1").await, Ok(()));
    host.run(&["ip", "link", "set", "dev", "enp1s0", "down"])
        .await
        .unwrap();
    let removal = answer(&host, "sriov_numvfs", "0").await;
    assert_eq!(removal, Err(Errno::EINVAL), "removing needs it too");
}

#[tokio::test(start_paused = true)]
async fn reset_methods_are_chosen_from_those_there_are() {
    let host = igb();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    let at = |name: &str| format!("/sys/bus/pci/devices/{VF0}/{name}");
    assert_eq!(text(&host, &at("reset_method")).await, "flr");
    assert_eq!(text(&host, &path("reset_method")).await, "flr pm bus");
    for name in ["bus", "nonsense"] {
        assert_eq!(
            raw(host.write(&at("reset_method"), name.as_bytes()).await),
            Err(Errno::EINVAL)
        );
    }
    host.write(&at("reset_method"), b"\n").await.unwrap();
    assert_eq!(
        raw(host.write(&at("reset"), b"1").await),
        Err(Errno::ENOTTY)
    );
    host.write(&at("reset_method"), b"default").await.unwrap();
    assert_eq!(text(&host, &at("reset_method")).await, "flr");
    assert_eq!(
        raw(host.write(&at("reset"), b"2").await),
        Err(Errno::EINVAL)
    );
}

#[tokio::test(start_paused = true)]
async fn resetting_a_vf_whose_igbvf_is_down_hangs_and_takes_the_pf_with_it() {
    let host = igb();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    let reset = format!("/sys/bus/pci/devices/{VF0}/reset");
    let minute = Duration::from_mins(1);
    assert!(timeout(minute, host.write(&reset, b"1")).await.is_err());
    assert!(
        timeout(minute, answer(&host, "sriov_numvfs", "0"))
            .await
            .is_err()
    );
    assert!(
        timeout(minute, host.read(&path("sriov_numvfs")))
            .await
            .is_err()
    );
    let look = facts::sriov(&host, host.bdf()).await.unwrap_err();
    assert!(
        look.to_string()
            .contains("a writer of it is stuck in the kernel"),
        "whoever looks must not hang too: {look}"
    );
}

#[tokio::test(start_paused = true)]
async fn resetting_a_vf_without_driver_works() {
    let host = igb();
    answer(&host, "sriov_numvfs", "1").await.unwrap();
    driver(&host, "unbind", "igbvf", VF0).await.unwrap();
    host.write(&format!("/sys/bus/pci/devices/{VF0}/reset"), b"1")
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_vf_has_a_group_unless_the_port_does_not_isolate() {
    let groups = async |fault| {
        let host = simulator("igb", "igbvf", fault);
        answer(&host, "sriov_numvfs", "2").await.unwrap();
        let vfs = facts::vfs(&host, host.bdf()).await.unwrap();
        let pf = facts::iommu_group(&host, host.bdf()).await.unwrap();
        (
            pf.map(|group| group.members.len()),
            vfs[0].iommu_group == vfs[1].iommu_group,
        )
    };
    assert_eq!(groups(None).await, (Some(1), false));
    assert_eq!(groups(Some(Fault::AcsMissing)).await, (Some(4), true));
    assert_eq!(groups(Some(Fault::VfGroupsShared)).await, (Some(1), true));
    assert_eq!(groups(Some(Fault::PfGroupShared)).await, (Some(2), false));
    assert_eq!(groups(Some(Fault::IommuOff)).await, (None, true));
}

#[tokio::test(start_paused = true)]
async fn no_room_is_enomem_with_the_kernels_words() {
    for (fault, words) in [
        (
            Fault::BusWindowSmall,
            "can't enable 1 VFs (bus 02 out of range of [bus 01])",
        ),
        (
            Fault::VfBarsUnassigned,
            "not enough MMIO resources for SR-IOV",
        ),
    ] {
        let host = simulator("igb", "igbvf", Some(fault));
        assert_eq!(answer(&host, "sriov_numvfs", "1").await, Err(Errno::ENOMEM));
        assert!(
            host.run(&["dmesg", "-r"])
                .await
                .unwrap()
                .text()
                .contains(words)
        );
    }
}
