//! A refusal says who refused, at which stage, what was compared, and what to change.

use serde_json::{Value, json};

use crate::support::api::Answer;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with};
use crate::support::sipp::Sipp;
use crate::support::udp::{self, Peer, has_digest};

/// Checks what every diagnosis of a carrier's or the network's refusal must say.
#[track_caller]
pub fn explained(answer: &Answer, stage: &str, initiator: &str) {
    let diagnosis = answer.at("/diagnosis");
    assert_eq!((diagnosis["stage"].as_str(), diagnosis["initiator"].as_str()), (Some(stage), Some(initiator)), "{diagnosis:#}");
    for words in ["summary", "remedy"] {
        assert!(diagnosis[words].as_str().is_some_and(|text| text.len() > 10), "{words}: {diagnosis:#}");
    }
    assert!(diagnosis["retryable"].is_boolean(), "{diagnosis:#}");
    assert!(diagnosis["checks"].is_array(), "{diagnosis:#}");
    assert_eq!(diagnosis["docs"], format!("/docs/diagnoses/{}", answer.code()), "{diagnosis:#}");
    assert_eq!(answer.at("/message"), &json!(format!("Invalid SIP credentials provided for trunk ID: {}", trunk(answer))));
    assert_eq!(answer.at("/details/0/errorCode"), answer.at("/code"));
}

fn trunk(answer: &Answer) -> &str {
    answer.at("/entityId").as_str().expect("an entityId")
}

/// A trunk `t1` without credentials at a registrar, and the refusal of its first.
#[track_caller]
fn refused_at(registrar: &str, realm: &str, more: &Value, status: u16, code: &str) -> (Scene, Answer) {
    let scene = Scene::new();
    scene.trunk_at(registrar, realm, &json!({}));
    let answer = scene.api.set_credentials(&credentials_with("t1", "alice", PASSWORD, more)).refused(status, code);
    let shown = scene.api.registration("t1");
    assert!(shown.json["credentials"].get("activeVersion").is_none(), "nothing was promoted: {}", shown.text);
    assert_eq!(shown.at("/credentials/lastRejected/code"), code);
    assert_eq!(shown.at("/bound"), false);
    (scene, answer)
}

// covers: C8; Kamailio
#[test]
fn another_realm_is_named_and_no_digest_is_sent() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let (_scene, answer) = refused_at(&kamailio.uri(), kamailio.realm(), &json!({"realm": "carrier.co.id"}), 422, "sip.realm.mismatch");
    explained(&answer, "challenge", "carrier");
    let diagnosis = answer.at("/diagnosis");
    assert_eq!(diagnosis["credentialSent"], false);
    assert_eq!(diagnosis["sip"]["code"], 401);
    assert_eq!(diagnosis["challenges"][0]["realm"], kamailio.realm());
    assert_eq!(diagnosis["challenges"][0]["algorithm"], "MD5");
    assert_eq!(diagnosis["challenges"][0]["qop"], json!(["auth"]));
    let checks = diagnosis["checks"].as_array().expect("checks");
    let realm = checks.iter().find(|check| check["name"] == "realm.equal").expect("realm.equal");
    assert_eq!((&realm["ok"], &realm["expected"], &realm["actual"]), (&json!(false), &json!("carrier.co.id"), &json!(kamailio.realm())));
    for words in ["summary", "remedy"] {
        assert!(diagnosis[words].as_str().is_some_and(|text| text.contains(kamailio.realm())), "{words}: {diagnosis:#}");
    }
    assert_eq!(answer.at("/details/0/fieldName"), "credentials.realm");
    assert!(diagnosis["registrar"].as_str().is_some_and(|registrar| registrar.contains(&kamailio.address().to_string())), "{diagnosis:#}");
    assert!(kamailio.seen().iter().all(|seen| seen.authorization.is_none()), "no digest was sent");
}

#[test]
fn an_algorithm_that_the_carrier_does_not_offer_is_refused_with_its_offer() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let asked = json!({"algorithm": "SHA-256"});
    let (_scene, answer) = refused_at(&kamailio.uri(), kamailio.realm(), &asked, 422, "sip.algorithm.not_offered");
    explained(&answer, "challenge", "carrier");
    assert_eq!(answer.at("/diagnosis/challenges/0/algorithm"), "MD5");
    assert_eq!(answer.at("/diagnosis/credentialSent"), false);
    assert!(kamailio.seen().iter().all(|seen| seen.authorization.is_none()), "no digest was sent");
}

// covers: C5
#[test]
fn an_algorithm_that_nobody_knows_is_shown_as_the_carrier_wrote_it() {
    let peer = Peer::registrar(|request| Some(udp::challenge(request, "peer.test", "MD2-like", "n1")));
    let (_scene, answer) = refused_at(&peer.uri(), "peer.test", &json!({}), 422, "sip.algorithm.unsupported");
    explained(&answer, "challenge", "carrier");
    assert!(answer.at("/diagnosis").to_string().contains("MD2-like"), "{}", answer.text);
    assert!(!peer.registers().iter().any(|seen| has_digest(&seen.text)));
}

// covers: F3; Kamailio
#[test]
fn a_user_that_the_carrier_does_not_know_is_no_wrong_password() {
    let kamailio = Kamailio::md5();
    let (_scene, answer) = refused_at(&kamailio.uri(), kamailio.realm(), &json!({}), 422, "sip.user.unknown");
    explained(&answer, "challenge", "carrier");
    assert_eq!(answer.at("/diagnosis/sip/code"), 404);
    assert_eq!(answer.at("/diagnosis/credentialSent"), false);
    assert!(kamailio.seen().iter().all(|seen| seen.authorization.is_none()));
}

// covers: F1; SIPp
#[test]
fn a_403_before_a_challenge_says_that_no_password_was_looked_at() {
    let carrier = Sipp::refusing(403, "Forbidden - IP not provisioned (E17)");
    let (_scene, answer) = refused_at(&carrier.uri(), "sipp.test", &json!({}), 422, "sip.forbidden.before_challenge");
    explained(&answer, "challenge", "carrier");
    let diagnosis = answer.at("/diagnosis");
    assert_eq!(diagnosis["sip"], json!({"code": 403, "reason": "Forbidden - IP not provisioned (E17)"}));
    assert_eq!((&diagnosis["credentialSent"], &diagnosis["optionsReachable"]), (&json!(false), &json!(true)), "{diagnosis:#}");
    assert!(!carrier.received("REGISTER").iter().any(|request| has_digest(request)));
}

// covers: F2; SIPp
#[test]
fn a_403_after_the_digest_is_another_matter_and_costs_one_digest() {
    let carrier = Sipp::refusing_after_challenge(403, "Forbidden");
    let (_scene, answer) = refused_at(&carrier.uri(), "sipp.test", &json!({}), 422, "sip.forbidden.after_auth");
    explained(&answer, "digest", "carrier");
    assert_eq!(answer.at("/diagnosis/credentialSent"), true);
    let digests = carrier.received("REGISTER").iter().filter(|request| has_digest(request)).count();
    assert_eq!(digests, 1, "one digest, no second");
}

// covers: C13, C14
#[test]
fn a_401_after_the_digest_with_a_new_nonce_is_final() {
    let mut count = 0;
    let peer = Peer::registrar(move |request| {
        count += 1;
        Some(udp::challenge(request, "peer.test", "MD5", &format!("nonce-{count}")))
    });
    let (_scene, answer) = refused_at(&peer.uri(), "peer.test", &json!({}), 422, "sip.credentials.rejected");
    explained(&answer, "digest", "carrier");
    assert_eq!(peer.registers().iter().filter(|seen| has_digest(&seen.text)).count(), 1);
}

// covers: F11, F14; SIPp
#[test]
fn another_refusal_is_shown_with_its_code_and_phrase() {
    let carrier = Sipp::refusing(480, "Temporarily not available: maintenance");
    let (_scene, answer) = refused_at(&carrier.uri(), "sipp.test", &json!({}), 422, "sip.request.rejected");
    explained(&answer, answer.at("/diagnosis/stage").as_str().expect("a stage"), "carrier");
    assert_eq!(answer.at("/diagnosis/sip"), &json!({"code": 480, "reason": "Temporarily not available: maintenance"}));
}

// covers: F6, F7
#[test]
fn a_503_is_the_carriers_trouble_and_may_be_tried_again() {
    let peer = Peer::registrar(|request| Some(udp::reply(request, 503, "Service Unavailable", "Retry-After: 120 (upgrade)\r\n")));
    let (_scene, answer) = refused_at(&peer.uri(), "peer.test", &json!({}), 422, "carrier.unavailable");
    explained(&answer, "carrier", "carrier");
    assert_eq!(answer.at("/diagnosis/retryable"), true);
    assert_eq!(answer.at("/diagnosis/optionsReachable"), true);
    assert!(!peer.registers().iter().any(|seen| has_digest(&seen.text)));
}

#[test]
fn a_refusal_other_than_of_the_digest_is_asked_again_as_the_same_version() {
    let kamailio = Kamailio::md5();
    let (scene, _answer) = refused_at(&kamailio.uri(), kamailio.realm(), &json!({}), 422, "sip.user.unknown");
    kamailio.add_user("alice", PASSWORD);
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    assert_eq!(answer.at("/credentials/activeVersion"), 1);
}
