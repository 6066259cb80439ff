//! The decoders on what QEMU's controller answered in the lab (QEMU 11.1.3, nvme-cli 2.13), with four VFs.

use super::*;

const CONTROLLER: &[u8] = include_bytes!("recorded/id-ctrl.bin");
const NAMESPACE: &[u8] = include_bytes!("recorded/id-ns.bin");
const CAPABILITIES: &[u8] = include_bytes!("recorded/primary.bin");
const SECONDARIES: &[u8] = include_bytes!("recorded/secondary.bin");

#[test]
fn the_controller_of_the_lab() {
    let controller = IdentifyController::decode(CONTROLLER).unwrap();
    assert!(controller.manages_namespaces() && controller.manages_virtualization());
    insta::assert_snapshot!(controller);
}

#[test]
fn its_namespace() {
    let namespace = IdentifyNamespace::decode(NAMESPACE).unwrap();
    assert_eq!(namespace.block(), Some(512));
    insta::assert_snapshot!(namespace);
}

#[test]
fn what_it_has_to_give() {
    insta::assert_snapshot!(PrimaryCapabilities::decode(CAPABILITIES).unwrap());
}

#[test]
fn its_secondary_controllers() {
    let all = secondary_controllers(SECONDARIES).unwrap();
    let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_an_answer_or_refused_in_one_line(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..4200)) {
        let mut whole = bytes.clone();
        whole.resize(4096, 0);
        for bytes in [bytes, whole] {
            let told = [
                IdentifyController::decode(&bytes).err(),
                PrimaryCapabilities::decode(&bytes).err(),
                IdentifyNamespace::decode(&bytes).err(),
                secondary_controllers(&bytes).err(),
            ];
            for error in told.into_iter().flatten() {
                proptest::prop_assert!(!error.to_string().contains('\n'));
            }
        }
    }
}
