//! What was sent and what came back can be read afterwards: as JSON, as a ladder, as a report, and by tshark.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::secrets::Secret;
use crate::support::udp::{Peer, challenge, challenged_once, reply};
use crate::support::wait::{self, secs};

const WRONG: &str = "Falsches-Geheimnis-9";

/// The attempt of a refused call.
fn refused(scene: &Scene, kamailio: &Kamailio) -> String {
    scene.registered(kamailio, &["alice"]);
    let answer = scene.api.set_credentials(&credentials("alice", "alice", WRONG)).refused(422, "sip.credentials.rejected");
    let id = answer.at("/diagnosis/attemptId").as_str().expect("an attempt").to_owned();
    format!("{REGISTRATIONS}/alice/attempts/{id}")
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
        secret.must_not_be_in(export, &scene.api.get(&format!("{path}{export}")).expect(200).bytes);
    }
}

#[test]
fn tshark_reads_an_exported_attempt() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let path = refused(&scene, &kamailio);
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("attempt.pcapng");
    fs::write(&file, scene.api.get(&format!("{path}/pcapng")).expect(200).bytes).expect("it is written");
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

/// The present diagnosis of the trunk `t1`, once it has this code; it names an attempt, which says the same.
fn diagnosed(scene: &Scene, code: &str) -> String {
    let shown = scene.wait_registration("t1", code, |json| json["edges"][0]["diagnosis"]["code"] == code);
    let id = shown.at("/edges/0/diagnosis/attemptId").as_str().expect("an attempt").to_owned();
    let attempt = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts/{id}")).expect(200);
    assert_eq!(attempt.at("/diagnosis/code"), code);
    assert_eq!(attempt.at("/diagnosis/attemptId"), &json!(id));
    id
}

#[test]
fn a_trunk_that_fails_for_the_network_and_then_for_the_password_shows_both() {
    let peer = Peer::registrar(challenged_once("peer.test"));
    let (address, scene) = (peer.address(), Scene::new());
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    let refresh = || scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
    // Nobody listens there any more.
    drop(peer);
    refresh();
    let network = diagnosed(&scene, "network.refused");
    // It is there again, and no digest pleases it.
    let mut issued = 0;
    let _peer = Peer::start_at(address, move |request| {
        issued += 1;
        Some(match request.starts_with("OPTIONS ") {
            true => reply(request, 200, "OK", ""),
            false => challenge(request, "peer.test", "MD5", &format!("other-{issued}")),
        })
    });
    refresh();
    let password = diagnosed(&scene, "sip.credentials.rejected");
    let history = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts?accepted=false&sortBy=number&sortOrder=ascending")).expect(200);
    let of = |id: &str| {
        let all = history.at("/entities").as_array().expect("attempts");
        all.iter().position(|attempt| attempt["id"] == id).unwrap_or_else(|| panic!("{id} is not in {history:?}", history = history.text))
    };
    assert!(of(&network) < of(&password), "{}", history.text);
    for (id, code, kind) in [(network, "network.refused", "refresh"), (password, "sip.credentials.rejected", "refresh")] {
        let one = history.at(&format!("/entities/{}", of(&id)));
        assert_eq!((&one["diagnosis"]["code"], &one["kind"]), (&json!(code), &json!(kind)), "{one:#}");
        let ladder = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts/{id}/ladder")).expect(200).text;
        assert!(ladder.contains(code), "{ladder}");
    }
}

#[test]
fn a_name_that_leads_nowhere_is_an_attempt_without_messages() {
    let scene = Scene::new();
    scene.trunk_at("sip:registrar.carrier.invalid", "peer.test", &json!({}));
    let refusal = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.dns.failed");
    let id = refusal.at("/diagnosis/attemptId").as_str().expect("an attempt");
    let attempt = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts/{id}")).expect(200);
    assert_eq!((attempt.at("/messageCount"), attempt.at("/registrar")), (&json!(0), &json!("sip:registrar.carrier.invalid")));
    for export in ["ladder", "report", "pcapng"] {
        scene.api.get(&format!("{REGISTRATIONS}/t1/attempts/{id}/{export}")).expect(200);
    }
}

#[test]
fn the_report_says_what_was_sent_when_from_which_address_and_what_came_back() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let path = refused(&scene, &kamailio);
    let attempt = scene.api.get(&path).expect(200);
    let report = scene.api.get(&format!("{path}/report")).expect(200).text;
    let day = attempt.at("/startedAt").as_str().and_then(|at| at.get(..10)).expect("a date");
    let public = attempt.at("/publicAddress").as_str().expect("the carrier tells it");
    for wanted in [day, "UTC", public, &kamailio.address().to_string(), "REGISTER", "401", kamailio.realm(), "Account           sip:alice@"]
    {
        assert!(report.contains(wanted), "{wanted}: {report}");
    }
    assert!(report.lines().all(|line| line.chars().count() <= 78), "{report}");
    let ids = report.lines().filter(|line| line.contains("Call-ID  ")).count();
    assert_eq!(ids, 1, "that of REGISTER, once: {report}");
}
