//! Carriers as SIPp scripts: what Kamailio does not do by itself, said by a program that is not ours either.

use serde_json::{Value, json};

use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::sipp::{Says, Sipp};
use crate::support::wait::{self, secs};

/// One answer's challenge with a nonce.
const N1: &str = "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"one\", qop=\"auth\", algorithm=MD5";
const N2: &str = "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"two\", qop=\"auth\", algorithm=MD5";

/// Registers a trunk at a script: no query and no OPTIONS, so that the script sees nothing but the registration.
fn registered(script: &[Says<'_>]) -> (Scene, Sipp, Value) {
    let carrier = Sipp::saying(script);
    let scene = Scene::new();
    scene.trunk_at(&carrier.uri(), "sipp.test", &json!({"options": {"interval": 0}}));
    let mut body = credentials("t1", "alice", PASSWORD);
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(201);
    let shown = scene.wait_registration("t1", "bound", |json| json["bound"] == true);
    (scene, carrier, shown.json)
}

/// Waits until SIPp has logged so many REGISTERs.
fn registers(carrier: &Sipp, count: usize) -> Vec<String> {
    wait::until("SIPp has logged them", secs(30), || Some(carrier.received("REGISTER")).filter(|requests| requests.len() >= count))
}

fn line<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn cseq(message: &str) -> u32 {
    let number = line(message, "CSeq").and_then(|value| value.split(' ').next()).expect("a CSeq");
    number.parse().expect("a number")
}

// covers: C3, RFC 7616 3.7, RFC 8760 2.4; SIPp
#[test]
fn of_three_challenges_the_strongest_is_answered_once() {
    let offers = [
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"a\", qop=\"auth\", algorithm=MD2",
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"b\", qop=\"auth\", algorithm=MD5",
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"c\", qop=\"auth\", algorithm=SHA-256",
    ];
    let (_scene, carrier, shown) = registered(&[Says(401, "Unauthorized", &offers), Says(200, "OK", &["Expires: 600"])]);
    assert_eq!(shown["edges"][0]["negotiated"]["offered"].as_array().map(Vec::len), Some(3), "{shown:#}");
    let seen = registers(&carrier, 2);
    let answer = line(&seen[1], "Authorization").expect("an answer");
    assert!(answer.contains("nonce=\"c\"") && answer.contains("algorithm=SHA-256"), "{answer}");
    assert_eq!(seen[1].matches("Authorization:").count(), 1);
}

// covers: C6, RFC 3261 22.4, RFC 7616 3.4.1; SIPp
#[test]
fn a_challenge_without_qop_is_answered_as_rfc_2069_did() {
    let offer = ["WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"a\""];
    let (_scene, carrier, _shown) = registered(&[Says(401, "Unauthorized", &offer), Says(200, "OK", &["Expires: 600"])]);
    let seen = registers(&carrier, 2);
    let answer = line(&seen[1], "Authorization").expect("an answer");
    assert!(!answer.contains("nc=") && !answer.contains("cnonce=") && !answer.contains("qop="), "{answer}");
}

// covers: C12, B3a, B4; SIPp
#[test]
fn a_refused_nonce_without_stale_is_no_failure() {
    let granted = ["Expires: 20"];
    let (scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(200, "OK", &granted),
        Says(401, "Unauthorized", &[N2]),
        Says(200, "OK", &granted),
    ]);
    let seen = registers(&carrier, 4);
    assert!(line(&seen[2], "Authorization").is_some_and(|answer| answer.contains("nonce=\"one\"")), "unasked, with the remembered nonce");
    assert!(line(&seen[3], "Authorization").is_some_and(|answer| answer.contains("nonce=\"two\"")));
    let shown = scene.wait_registration("t1", "refreshed", |json| json["registrationState"] == "REGISTERED");
    assert!(shown.at("/edges/0").get("diagnosis").is_none(), "no false alarm: {}", shown.text);
}

// covers: F4, RFC 3261 10.2.8; SIPp
#[test]
fn a_longer_minimum_is_adopted_in_the_same_exchange() {
    let (_scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(423, "Interval Too Brief", &["Min-Expires: 1800"]),
        Says(200, "OK", &["Expires: 1800"]),
    ]);
    let seen = registers(&carrier, 3);
    assert_eq!([&seen[1], &seen[2]].map(|message| line(message, "Expires")), [Some("600"), Some("1800")]);
}

// covers: F15; SIPp
#[test]
fn a_cseq_that_is_called_too_low_is_raised_under_the_same_call_id() {
    let (_scene, carrier, _shown) =
        registered(&[Says(400, "Invalid CSeq", &[]), Says(401, "Unauthorized", &[N1]), Says(200, "OK", &["Expires: 600"])]);
    let seen = registers(&carrier, 3);
    assert_eq!(cseq(&seen[1]), cseq(&seen[0]) + 100_001);
    assert_eq!(line(&seen[1], "Call-ID"), line(&seen[0], "Call-ID"));
}
