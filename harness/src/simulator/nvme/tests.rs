//! What a run has created is told from what others have.

use crate::machine::Host as _;
use crate::simulator::Simulator;
use crate::simulator::tests::profile;
use crate::undo::Undo;

async fn run(host: &Simulator, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let output = host.run(&words).await.unwrap();
    assert!(output.success(), "{line}: {}", output.stderr);
    output.text()
}

async fn create(host: &Simulator, size: u64) -> String {
    let words = format!("nvme create-ns /dev/nvme0 --nsze={size} --ncap={size} --nmic=1");
    run(host, &words).await
}

#[tokio::test(start_paused = true)]
async fn what_others_have_created_meanwhile_is_left_alone() {
    let host = Simulator::new(&profile("nvme", "nvme", "total_vfs = 4\nvf_msix = 3"), None);
    let undo = Undo::Created {
        pf: host.bdf(),
        serial: super::SERIAL.into(),
        before: (1..=33).collect(),
        nsze: 4096,
    };
    for size in [4096, 4097, 4096] {
        create(&host, size).await;
    }
    run(
        &host,
        "nvme attach-ns /dev/nvme0 --namespace-id=36 --controllers=0",
    )
    .await;
    for _ in 0..2 {
        undo.apply(&host).await.unwrap();
    }
    // The second of them is there still, and the numbers of the others are free.
    let told = [create(&host, 1).await, create(&host, 1).await];
    assert_eq!(
        told,
        ["Success, created nsid:34\n", "Success, created nsid:36\n"]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_to_another_drive() {
    let host = Simulator::new(&profile("nvme", "nvme", "total_vfs = 4\nvf_msix = 3"), None);
    let undo = Undo::Created {
        pf: host.bdf(),
        serial: "ANOTHER".into(),
        before: Vec::new(),
        nsze: 4096,
    };
    let error = undo.apply(&host).await.unwrap_err().to_string();
    assert!(
        error.starts_with("there is no controller ANOTHER now"),
        "{error}"
    );
}
