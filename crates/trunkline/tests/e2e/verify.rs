//! The verify calls ask a carrier and change nothing.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::{Kamailio, Outcome};
use crate::support::scene::{PASSWORD, Scene};

fn path(trunk: &str) -> String {
    format!("{REGISTRATIONS}/{trunk}/verify")
}

#[test]
fn challenge_only_learns_realm_and_algorithms_and_sends_no_digest() {
    let kamailio = Kamailio::sha256();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let answer = scene.api.post(&path("t1"), &json!({"challengeOnly": true})).expect(200);
    assert_eq!(answer.at("/verdict"), "LEARNED");
    assert_eq!(answer.at("/challenges/0/realm"), kamailio.realm());
    assert_eq!(answer.at("/challenges/0/algorithm"), "SHA-256");
    assert!(answer.at("/attemptId").is_string());
    let seen = kamailio.seen();
    assert_eq!(seen.len(), 1, "{seen:#?}");
    assert_eq!((seen[0].outcome, seen[0].binds()), (Outcome::Unanswered, false));
    assert!(scene.api.registration("t1").json["credentials"].get("activeVersion").is_none());
}

#[test]
fn given_credentials_are_proved_and_stored_nowhere() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.set_password("alice", "second-Secret-8");
    let given = json!({"credentials": {"username": "alice", "password": "second-Secret-8"}});
    let answer = scene.api.post(&path("alice"), &given).expect(200);
    assert_eq!(answer.at("/verdict"), "PROVED");
    assert_eq!(answer.at("/negotiated/realm"), kamailio.realm());
    assert_eq!(answer.at("/negotiated/algorithm"), "MD5");
    let versions = scene.api.get(&format!("{REGISTRATIONS}/alice/credentials")).expect(200);
    assert_eq!(versions.at("/total"), 1, "{}", versions.text);
}

#[test]
fn wrong_given_credentials_are_refused_for_one_failed_digest() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let given = json!({"credentials": {"username": "alice", "password": "wrong"}});
    let answer = scene.api.post(&path("alice"), &given).refused(422, "sip.credentials.rejected");
    assert_eq!(answer.at("/diagnosis/credentialSent"), true);
    assert_eq!(kamailio.digest_failures("alice"), 1);
    let shown = scene.api.registration("alice");
    assert_eq!((shown.at("/credentials/activeVersion"), shown.at("/bound")), (&json!(1), &json!(true)));
}

#[test]
fn the_active_credentials_can_be_proved_again() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let before = kamailio.lookup("alice").expect("a binding");
    assert_eq!(scene.api.post(&path("alice"), &json!({})).expect(200).at("/verdict"), "PROVED");
    let after = kamailio.lookup("alice").expect("a binding");
    assert_eq!((after.cseq, after.call_id), (before.cseq, before.call_id), "the binding was not touched");
}

#[test]
fn a_trunk_is_never_verified_against_another_target() {
    let (kamailio, other) = (Kamailio::md5(), Kamailio::md5());
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let answer = scene.api.post(&path("alice"), &json!({"registrars": [other.uri()]}));
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert_eq!(other.seen().len(), 0);
}

#[test]
fn credentials_of_no_trunk_are_verified_against_a_target_in_the_body() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let scene = Scene::new();
    let body = json!({
        "site": {"id": "jakarta"}, "registrars": [kamailio.uri()], "addressOfRecord": format!("sip:alice@{}", kamailio.realm()),
        "credentials": {"username": "alice", "password": PASSWORD}
    });
    let answer = scene.api.post(&format!("{REGISTRATIONS}/verify"), &body).expect(200);
    assert_eq!(answer.at("/verdict"), "PROVED");
    assert_eq!(kamailio.lookup("alice"), None);
}
