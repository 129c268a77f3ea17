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

/// Runs a lab carrier whose last registrar listens at that port.
fn started(text: &str, at: (std::net::Ipv4Addr, u16)) -> (Process, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, text).expect("configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("carrier").arg("--config").arg(&file);
    let mut process = Process::start(&command, &folder.path().join("log"));
    wait::until_true("the lab listens", secs(10), || {
        process.must_run();
        std::net::UdpSocket::bind(at).is_err()
    });
    (process, folder)
}

// covers: C16; lab
#[test]
fn a_proxy_with_a_realm_of_its_own_gets_the_credentials_that_are_posted_for_it() {
    let address = loopback::next();
    let text = format!(
        "[[registrar]]\nname = \"bordered\"\nlisten = [\"udp:{address}:5070\"]\nrealm = \"lab.test\"\nrows = [\"C16-own\"]\n\
         [[registrar.account]]\nuser = \"alice\"\npassword = \"{PASSWORD}\"\n"
    );
    let (_process, _folder) = started(&text, (address, 5070));
    let scene = Scene::new();
    scene.carrier("bordered", &format!("sip:{address}:5070;transport=udp"), &json!({}));
    scene.trunk("t1", "bordered", "alice", "lab.test", &json!({}));
    let mut body = credentials("t1", "alice", PASSWORD);
    body["credentials"]["realm"] = "lab.test".into();
    scene.api.set_credentials(&body).refused(422, "sip.proxy.credentials_required");
    body["proxyCredentials"] = json!({"username": "border", "password": "not-b0rder", "realm": "edge.proxy"});
    let refused = scene.api.set_credentials(&body).expect(422);
    assert_eq!(refused.at("/code"), "sip.proxy.credentials_rejected");
    assert_eq!(refused.at("/details/0/fieldName"), "proxyCredentials.password");
    body["proxyCredentials"]["password"] = "b0rder".into();
    let answer = scene.api.set_credentials(&body).expect(201);
    assert_eq!(answer.at("/credentials/proxyCredentials"), &json!({"username": "border", "realm": "edge.proxy", "passwordSet": true}));
    assert!(!answer.text.contains("b0rder"), "{}", answer.text);
    let shown = scene.wait_state("t1", "REGISTERED");
    assert_eq!(shown.at("/edges/0/negotiated/realm"), "lab.test");
}

#[test]
fn several_lab_carriers_run_in_one_process_each_with_its_temperament() {
    let address = loopback::next();
    let (mut process, _folder) = started(&config(address), (address, 5071));
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
