//! What a carrier does otherwise than before is told: by the attempt that saw it, and by a mark on the trunk.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::api::REGISTRATIONS;
use crate::support::loopback;
use crate::support::process::Process;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

/// The lab carrier in a temperament, with nonces of its own; another may follow at the same address once this one is gone.
fn lab(folder: &Path, address: Ipv4Addr, seed: u64, rows: &str) -> Process {
    let file = folder.join("lab.toml");
    let config = format!(
        "seed = {seed}\n[[registrar]]\nname = \"lab\"\nlisten = [\"udp:{address}:5070\"]\nrealm = \"lab.test\"\nrows = [{rows}]\n\
         [[registrar.account]]\nuser = \"alice\"\npassword = \"{PASSWORD}\"\n"
    );
    std::fs::write(&file, config).expect("configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("carrier").arg("--config").arg(&file);
    let mut process = Process::start(&command, &folder.join("log"));
    wait::until_true("the lab listens", secs(10), || {
        process.must_run();
        std::net::UdpSocket::bind((address, 5070)).is_err()
    });
    process
}

fn gone(mut lab: Process) {
    lab.terminate();
    assert!(lab.wait_ended(secs(10)).success(), "{}", lab.log());
}

fn refresh(scene: &Scene) {
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
}

/// What changed, from what, to what.
fn changes(listed: &Value) -> Vec<(String, String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let one = |one: &Value| (text(one, "what"), text(one, "before"), text(one, "after"));
    let mut all: Vec<_> = listed.as_array().into_iter().flatten().map(one).collect();
    all.sort_unstable();
    all
}

fn change(what: &str, before: &str, after: &str) -> (String, String, String) {
    (what.to_owned(), before.to_owned(), after.to_owned())
}

#[test]
fn another_challenge_and_another_grant_leave_an_attempt_and_a_mark_that_say_what_and_when() {
    let (address, folder, scene) = (loopback::next(), tempfile::tempdir().expect("folder"), Scene::new());
    let before = lab(folder.path(), address, 1, "");
    scene.trunk_at(&format!("sip:{address}:5070"), "lab.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    let shown = scene.wait_state("t1", "REGISTERED");
    assert!(shown.json.get("drift").is_none(), "{}", shown.text);
    gone(before);

    // MD2, MD5 and SHA-256 in place of MD5; 120 s in place of 600.
    let after = lab(folder.path(), address, 2, "\"C3\", \"B1\"");
    refresh(&scene);
    let shown = scene.wait_registration("t1", "marked", |json| json["drift"].as_array().is_some_and(|marks| marks.len() == 3));
    let wanted = [change("algorithm", "MD5", "SHA-256"), change("expires", "600", "120"), change("offered", "MD5", "MD2, MD5, SHA-256")];
    assert_eq!(changes(shown.at("/drift")), wanted);
    let warnings = shown.at("/warnings").to_string();
    assert!(warnings.contains("sip.challenge.changed") && warnings.contains("sip.interval.changed"), "{warnings}");
    let seen = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts?kind=refresh&accepted=true")).expect(200);
    assert_eq!(seen.at("/total"), 1, "{}", seen.text);
    assert_eq!(changes(seen.at("/entities/0/changes")), wanted);
    assert_eq!(shown.at("/drift/0/at"), seen.at("/entities/0/endedAt"));
    // The same once more is no news.
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/acknowledge-drift"), &json!({})).expect(202);
    let refreshes = |json: &Value| json["edges"][0]["refreshes"].as_u64().unwrap_or_default();
    let count = refreshes(&scene.api.registration("t1").json);
    refresh(&scene);
    let shown = scene.wait_registration("t1", "refreshed", |json| refreshes(json) > count);
    assert!(shown.json.get("drift").is_none(), "{}", shown.text);
    gone(after);

    // Another realm is not answered, and what it was and is stands at the trunk.
    let elsewhere = lab(folder.path(), address, 3, "\"C9\"");
    refresh(&scene);
    let shown = scene.wait_registration("t1", "marked and diagnosed", |json| {
        json.get("drift").is_some() && json["edges"][0]["diagnosis"]["attemptId"].is_string()
    });
    assert_eq!(changes(shown.at("/drift")), [change("realm", "lab.test", "sip-1.pb")]);
    let id = shown.at("/edges/0/diagnosis/attemptId").as_str().expect("an attempt");
    let attempt = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts/{id}")).expect(200);
    assert_eq!((attempt.at("/diagnosis/code"), attempt.at("/changes/0/after")), (&json!("sip.realm.mismatch"), &json!("sip-1.pb")));
    gone(elsewhere);
}
