//! `trunkline carrier` is a carrier to try things on.

use std::process::Command;

use serde_json::json;

use crate::support::loopback;
use crate::support::process::Process;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

fn config(address: std::net::Ipv4Addr) -> String {
    format!(
        r#"
[[registrar]]
name = "strong"
listen = ["udp:{address}:5070"]
realm = "lab.test"
rows = ["C2"]
[[registrar.account]]
user = "alice"
password = "{PASSWORD}"

[[registrar]]
name = "closed"
listen = ["udp:{address}:5071"]
realm = "lab.test"
rows = ["F1"]
"#
    )
}

#[test]
fn several_lab_carriers_run_in_one_process_each_with_its_temperament() {
    let (address, folder) = (loopback::next(), tempfile::tempdir().expect("folder"));
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, config(address)).expect("configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("carrier").arg("--config").arg(&file);
    let mut process = Process::start(&command, &folder.path().join("log"));
    wait::until_true("the lab listens", secs(10), || {
        process.must_run();
        std::net::UdpSocket::bind((address, 5071)).is_err()
    });
    let scene = Scene::new();
    for (carrier, port) in [("strong", 5070), ("closed", 5071)] {
        scene.carrier(carrier, &format!("sip:{address}:{port};transport=udp"), &json!({}));
        scene.trunk(carrier, carrier, "alice", "lab.test", &json!({}));
    }
    let answer = scene.api.set_credentials(&credentials("strong", "alice", PASSWORD)).expect(201);
    assert_eq!(answer.at("/credentials/algorithm"), "SHA-256");
    scene.api.set_credentials(&credentials("closed", "alice", PASSWORD)).refused(422, "sip.forbidden.before_challenge");
    process.terminate();
    assert!(process.wait_ended(secs(10)).success(), "{}", process.log());
}

#[test]
fn an_unknown_key_in_its_file_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, "[[registrar]]\nname = \"x\"\nlissen = [\"udp:127.0.0.1:5070\"]\nrealm = \"r\"\n").expect("configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("carrier").arg("--config").arg(&file);
    let mut process = Process::start(&command, &folder.path().join("log"));
    assert!(!process.wait_ended(secs(10)).success());
    assert!(process.log().contains("lissen"), "{}", process.log());
}
