//! `trunkline carrier` is a carrier to try things on.

use std::process::Command;

use serde_json::json;

use crate::support::loopback;
use crate::support::process::Process;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::verifier::Verifier;
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
pub fn started(text: &str, at: (std::net::Ipv4Addr, u16)) -> (Process, tempfile::TempDir) {
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

/// A registrar behind a proxy with a realm of its own.
fn bordered(address: std::net::Ipv4Addr) -> (Process, tempfile::TempDir) {
    let text = format!(
        "[[registrar]]\nname = \"bordered\"\nlisten = [\"udp:{address}:5070\"]\nrealm = \"lab.test\"\nrows = [\"C16-own\"]\n\
         [[registrar.account]]\nuser = \"alice\"\npassword = \"{PASSWORD}\"\n"
    );
    started(&text, (address, 5070))
}

// covers: C16; lab
#[test]
fn a_proxy_with_a_realm_of_its_own_gets_the_credentials_that_are_posted_for_it() {
    let address = loopback::next();
    let (_process, _folder) = bordered(address);
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

// covers: C16; lab
#[test]
fn trunkline_verify_answers_a_proxy_with_what_it_is_given_for_it() {
    let address = loopback::next();
    let (_process, folder) = bordered(address);
    let file = |name: &str, password: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("{password}\n")).expect("a password file");
        path.to_str().expect("UTF-8").to_owned()
    };
    let (right, wrong, spaced) = (file("right", "b0rder"), file("wrong", "not-b0rder"), file("spaced", "b0rder "));
    let uri = format!("sip:{address}:5070;transport=udp");
    let verify = |more: &[&str]| {
        let words = [&[uri.as_str(), "--user", "alice", "--aor", "sip:alice@lab.test", "--realm", "lab.test"], more].concat();
        Verifier::of(&words).password(PASSWORD)
    };
    let proxy = ["--proxy-user", "border", "--proxy-realm", "edge.proxy", "--proxy-password-file"];
    let without = verify(&[]).run().ended(13);
    assert!(without.out.contains("sip.proxy.credentials_required"), "{}", without.out);
    assert!(without.out.contains("--proxy-user NAME --proxy-realm \"edge.proxy\""), "{}", without.out);
    let (said, shown) = verify(&[&proxy[..], &[&right]].concat()).json();
    said.ended(0);
    assert_eq!((&shown["verdict"], &shown["negotiated"]["realm"]), (&json!("PROVED"), &json!("lab.test")), "{shown:#}");
    assert!(!shown.to_string().contains("b0rder"), "{shown:#}");
    let (said, shown) = verify(&[&proxy[..], &[&wrong]].concat()).json();
    said.ended(14);
    assert_eq!(shown["code"], "sip.proxy.credentials_rejected", "{shown:#}");
    let said = verify(&[&proxy[..], &[&spaced]].concat()).run().ended(10);
    assert!(said.out.contains("registration.whitespace") && said.out.contains("The proxy's password"), "{}", said.out);
    let said = verify(&proxy[..4]).run().ended(2);
    assert!(said.err.contains("--proxy-password-file"), "nobody can be asked: {}", said.err);
    let said = verify(&proxy[..2]).run().ended(2);
    assert!(said.err.contains("--proxy-realm"), "{}", said.err);
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
