//! What was sent and what came back can be read afterwards: as JSON, as a ladder, as a report, and by tshark.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{Scene, credentials};
use crate::support::secrets::Secret;
use crate::support::server::{ADMIN_ID, ADMIN_SECRET};
use crate::support::wait::{self, secs};

const WRONG: &str = "Falsches-Geheimnis-9";

/// The attempt of a refused call.
fn refused(scene: &Scene, kamailio: &Kamailio) -> String {
    scene.registered(kamailio, &["alice"]);
    let answer = scene.api.set_credentials(&credentials("alice", "alice", WRONG)).refused(422, "sip.credentials.rejected");
    let id = answer.at("/diagnosis/attemptId").as_str().expect("an attempt").to_owned();
    format!("{REGISTRATIONS}/alice/attempts/{id}")
}

/// A page as bytes: a capture is no text.
fn bytes(scene: &Scene, path: &str) -> Vec<u8> {
    let granted = scene.server.anonymous().grant(ADMIN_ID, ADMIN_SECRET).expect(200);
    let bearer = format!("Authorization: Bearer {}", granted.at("/access_token").as_str().expect("a token"));
    let url = format!("http://{}{path}", scene.server.launch().http());
    let fetched = Command::new("curl").args(["-sS", "--fail", "-H", &bearer, &url]).output().expect("curl is there: cargo xtask setup");
    assert!(fetched.status.success(), "{path}: {}", String::from_utf8_lossy(&fetched.stderr));
    fetched.stdout
}

#[test]
fn a_refused_digest_can_be_read_as_it_went() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let path = refused(&scene, &kamailio);
    let shown = scene.api.get(&path).expect(200);
    assert_eq!((shown.at("/kind"), shown.at("/accepted")), (&json!("verification"), &json!(false)));
    assert_eq!(shown.at("/diagnosis/code"), "sip.credentials.rejected");
    let lines: Vec<&str> = shown.at("/messages").as_array().expect("messages").iter().filter_map(|one| one["startLine"].as_str()).collect();
    assert!(lines.iter().filter(|line| line.starts_with("REGISTER ")).count() >= 2, "{lines:?}");
    assert!(lines.iter().filter(|line| line.starts_with("SIP/2.0 401")).count() >= 2, "{lines:?}");
    let ladder = scene.api.get(&format!("{path}/ladder")).expect(200).text;
    assert!(ladder.contains("SIP/2.0 401") && ladder.contains("Diagnosis  sip.credentials.rejected"), "{ladder}");
    let report = scene.api.get(&format!("{path}/report")).expect(200).text;
    assert!(report.contains("Call-ID") && report.contains("CSeq") && report.contains("Our question\n"), "{report}");
    let secret = Secret::new("alice", kamailio.realm(), WRONG);
    for export in ["", "/ladder", "/report", "/pcapng"] {
        secret.must_not_be_in(export, &bytes(&scene, &format!("{path}{export}")));
    }
}

#[test]
fn tshark_reads_an_exported_attempt() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let path = refused(&scene, &kamailio);
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("attempt.pcapng");
    fs::write(&file, bytes(&scene, &format!("{path}/pcapng"))).expect("it is written");
    let read =
        Command::new("tshark").arg("-r").arg(&file).args(["-Y", "sip.Method==REGISTER", "-T", "fields", "-e", "udp.dstport"]).output();
    let read = read.expect("tshark is there: cargo xtask setup");
    let ports = String::from_utf8_lossy(&read.stdout).into_owned();
    let port = kamailio.address().port().to_string();
    assert!(ports.lines().count() >= 2 && ports.lines().all(|line| line == port), "{ports}");
}

#[test]
fn history_survives_a_restart() {
    let kamailio = Kamailio::md5();
    let mut scene = Scene::new();
    refused(&scene, &kamailio);
    let listed = |scene: &Scene| scene.api.get(&format!("{REGISTRATIONS}/alice/attempts")).expect(200).json["entities"].clone();
    let before = listed(&scene);
    let kinds: Vec<&str> = before.as_array().expect("attempts").iter().filter_map(|attempt| attempt["kind"].as_str()).collect();
    assert!(kinds.contains(&"firstRegistration") && kinds.contains(&"verification"), "{kinds:?}");
    scene.server.stop();
    scene.server.restart();
    let after = listed(&scene);
    let ids = |entities: &serde_json::Value| -> Vec<String> {
        entities.as_array().expect("attempts").iter().map(|attempt| attempt["id"].to_string()).collect()
    };
    assert!(ids(&before).iter().all(|id| ids(&after).contains(id)), "{before:#} {after:#}");
}

#[test]
fn a_trace_keeps_successful_refreshes() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let path = format!("{REGISTRATIONS}/alice/attempts?kind=refresh&accepted=true");
    let kept = || scene.api.get(&path).expect(200).at("/total").as_u64().unwrap_or_default();
    assert_eq!(kept(), 0);
    assert!(
        scene.api.post(&format!("{REGISTRATIONS}/alice/actions/trace"), &json!({"minutes": 5})).expect(202).at("/traceUntil").is_string()
    );
    scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({})).expect(202);
    wait::until_true("the refresh is kept", secs(10), || kept() > 0);
}
