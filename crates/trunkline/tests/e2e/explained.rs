//! What a code alone does not answer: whose words, whose address, which offer, what came before.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::kamailio::Kamailio;
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with};
use crate::support::udp::{self, Peer};
use crate::support::wait::{self, secs};

const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// Credentials of `t1` that are promoted without asking the carrier.
fn unasked() -> Value {
    let mut body = credentials("t1", "alice", PASSWORD);
    body["verify"] = json!("static");
    body
}

#[test]
fn the_operators_notes_to_a_carriers_words_stand_in_the_diagnosis() {
    let peer = Peer::registrar(|request| {
        let headers = "Warning: 399 sbc.test \"Quota 5 of 5 used\"\r\nReason: Q.850;cause=21;text=\"call rejected\"\r\n";
        Some(udp::reply(request, 403, "Forbidden [E17]", headers))
    });
    let scene = Scene::new();
    let notes = json!({
        "[e*]": "E-codes are explained on page 9 of their sheet",
        "warning: quota * of": "Their sales desk raises the quota",
        "reason: cause=17": "not this one",
    });
    scene.trunk_at(&peer.uri(), "peer.test", &json!({ "phraseNotes": notes }));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "sip.forbidden.before_challenge");
    let diagnosis = answer.at("/diagnosis");
    assert_eq!(
        diagnosis["notes"],
        json!([
            { "pattern": "[e*]", "in": "phrase", "note": "E-codes are explained on page 9 of their sheet" },
            { "pattern": "warning: quota * of", "in": "warning", "note": "Their sales desk raises the quota" },
        ]),
        "{diagnosis:#}"
    );
    assert_eq!(diagnosis["headers"][0], json!({ "in": "warning", "text": "399 sbc.test \"Quota 5 of 5 used\"" }));
    assert!(diagnosis["summary"].as_str().is_some_and(|text| text.contains("Their sales desk raises the quota")), "{diagnosis:#}");
    // The registration's own failures have them too.
    scene.api.set_credentials(&unasked()).expect(201);
    let shown = scene.wait_state("t1", "REJECTED");
    assert_eq!(shown.at("/edges/0/diagnosis/notes/1/in"), "warning", "{}", shown.text);
}

#[test]
fn which_address_to_allow_what_is_offered_and_what_options_is_worth_are_told() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let scene = Scene::new();
    scene.trunk_at(&kamailio.uri(), kamailio.realm(), &json!({}));
    let wrong = json!({ "algorithm": "MD5" });
    let answer = scene.api.set_credentials(&credentials_with("t1", "alice", "wrong", &wrong)).refused(422, "sip.credentials.rejected");
    let diagnosis = answer.at("/diagnosis");
    let public = diagnosis["publicAddress"].as_str().expect("what the carrier saw").to_owned();
    assert_eq!(diagnosis["publicAddress"], diagnosis["sourceAddress"], "there is no NAT on loopback: {diagnosis:#}");
    assert_eq!((&diagnosis["initiator"], &diagnosis["credentialSent"]), (&json!("carrier"), &json!(true)));
    assert_eq!(
        (answer.check("realm.equal"), answer.check("algorithm.offered"), answer.check("algorithm.allowed")),
        (Some(true), Some(true), Some(true))
    );
    assert!(diagnosis["summary"].as_str().is_some_and(|text| text.contains("never proof of credentials")), "{diagnosis:#}");
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    let shown = scene.wait_state("t1", "REGISTERED");
    assert_eq!(shown.at("/edges/0/publicAddress"), &json!(public));
    assert_eq!(shown.at("/edges/0/negotiated/offered"), &json!(["MD5"]));
    let edges = scene.api.get("/api/v2/edges").expect(200);
    wait::until_true("the edge shows the address that carriers see", secs(10), || {
        let edge = scene.api.get("/api/v2/edges").expect(200);
        edge.at("/entities/0/publicAddresses").to_string().contains(&public)
    });
    assert_eq!(edges.at("/entities/0/onlineStatus"), "ONLINE");
}

#[test]
fn a_trunk_that_fails_for_the_network_and_then_for_the_password_shows_both() {
    let address = (loopback::next(), 5060).into();
    let scene = Scene::new();
    scene.trunk_at(&format!("sip:{address}"), "peer.test", &json!({ "options": { "interval": 0 } }));
    scene.api.set_credentials(&unasked()).expect(201);
    let present = |code: &str| {
        let code = code.to_owned();
        scene.wait_registration("t1", &code, |shown| shown["edges"][0]["diagnosis"]["code"] == code.as_str())
    };
    present("network.refused");
    let mut count = 0;
    let _peer = Peer::start_at(address, move |request| {
        count += 1;
        Some(udp::challenge(request, "peer.test", "MD5", &format!("nonce-{count}")))
    });
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
    let shown = present("sip.credentials.rejected");
    assert_eq!((shown.at("/edges/0/diagnosis/stage"), shown.at("/edges/0/diagnosis/initiator")), (&json!("digest"), &json!("carrier")));
    let history = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts?accepted=false")).expect(200);
    let codes: Vec<_> =
        history.at("/entities").as_array().expect("attempts").iter().map(|attempt| attempt["diagnosis"]["code"].clone()).collect();
    // The newest first.
    assert_eq!(codes, [json!("sip.credentials.rejected"), json!("network.refused")], "{}", history.text);
    assert_eq!(shown.at("/edges/0/diagnosis/attemptId"), history.at("/entities/0/id"));
}

#[test]
fn what_a_carrier_does_otherwise_than_before_is_marked_until_it_is_dealt_with() {
    let moved = Arc::new(AtomicBool::new(false));
    let asks = Arc::clone(&moved);
    let peer = Peer::registrar(move |request| {
        let (algorithm, nonce, expires) = if asks.load(Ordering::Relaxed) { ("SHA-256", "later", 300) } else { ("MD5", "before", 600) };
        let answered = udp::header(request, "Authorization").is_some_and(|value| value.contains(&format!("nonce=\"{nonce}\"")));
        Some(if answered { udp::granted(request, expires) } else { udp::challenge(request, "peer.test", algorithm, nonce) })
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    assert!(scene.wait_state("t1", "REGISTERED").json.get("drift").is_none(), "nothing has changed yet");
    moved.store(true, Ordering::Relaxed);
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
    let shown = scene.wait_registration("t1", "drift", |shown| shown["drift"].as_array().is_some_and(|marks| marks.len() >= 3));
    let marks = shown.at("/drift").as_array().expect("marks");
    for (what, before, after) in [("algorithm", "MD5", "SHA-256"), ("offered", "MD5", "SHA-256"), ("expires", "600", "300")] {
        let mark = marks.iter().find(|mark| mark["what"] == what).unwrap_or_else(|| panic!("no {what}: {}", shown.text));
        assert_eq!((&mark["before"], &mark["after"]), (&json!(before), &json!(after)));
        assert!(mark["at"].as_str().is_some_and(|at| at.ends_with('Z')), "{mark}");
    }
    let warned = shown.at("/warnings").to_string();
    assert!(warned.contains("sip.challenge.changed") && warned.contains("sip.interval.changed"), "{warned}");
    // The attempt that saw it says so too.
    let attempts = scene.api.get(&format!("{REGISTRATIONS}/t1/attempts?kind=refresh")).expect(200);
    assert!(attempts.at("/entities/0/changes").as_array().is_some_and(|changes| changes.len() >= 3), "{}", attempts.text);
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/acknowledge-drift"), &json!({})).expect(202);
    assert!(scene.api.registration("t1").json.get("drift").is_none());
}
