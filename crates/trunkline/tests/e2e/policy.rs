//! The digest policy stands on the organisation, the carrier and the trunk; the nearest wins.

use serde_json::{Value, json};

use super::refusals::explained;
use crate::support::api::Answer;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with};

fn strict() -> Value {
    json!({"digestPolicy": {"allowed": ["SHA-512-256", "SHA-256"]}})
}

fn with_md5() -> Value {
    json!({"digestPolicy": {"allowed": ["SHA-512-256", "SHA-256", "MD5"]}})
}

/// A scene with policies on three levels, and the answer to the first credentials at an MD5 carrier.
fn asked(kamailio: &Kamailio, organisation: &Value, carrier: &Value, trunk: &Value) -> (Scene, Answer) {
    let scene = Scene::new();
    scene.api.patch("/api/v2/organization", organisation).expect(200);
    scene.carrier("kam", &kamailio.uri(), carrier);
    scene.trunk("t1", "kam", "alice", kamailio.realm(), trunk);
    kamailio.add_user("alice", PASSWORD);
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD));
    (scene, answer)
}

#[track_caller]
fn names_the_setting_and_sent_nothing(kamailio: &Kamailio, answer: Answer, owner: &str) {
    let answer = answer.refused(422, "sip.algorithm.not_allowed");
    explained(&answer, "policy", "platform");
    let diagnosis = answer.at("/diagnosis");
    let words = format!("{} {}", diagnosis["summary"], diagnosis["remedy"]).to_lowercase();
    assert!(words.contains(owner), "names the {owner}'s setting: {diagnosis:#}");
    assert!(words.contains("digestpolicy") && words.contains("md5"), "names the override: {diagnosis:#}");
    assert_eq!(diagnosis["credentialSent"], false, "{diagnosis:#}");
    assert_eq!(diagnosis["challenges"][0]["algorithm"], "MD5", "the evidence: {diagnosis:#}");
    assert!(kamailio.seen().iter().all(|seen| seen.authorization.is_none()), "no digest was sent");
}

#[test]
fn an_organisation_that_forbids_md5_is_named() {
    let kamailio = Kamailio::md5();
    let (_scene, answer) = asked(&kamailio, &strict(), &json!({}), &json!({}));
    names_the_setting_and_sent_nothing(&kamailio, answer, "organi");
}

#[test]
fn a_carrier_that_forbids_md5_is_named() {
    let kamailio = Kamailio::md5();
    let (_scene, answer) = asked(&kamailio, &with_md5(), &strict(), &json!({}));
    names_the_setting_and_sent_nothing(&kamailio, answer, "carrier");
}

#[test]
fn a_trunk_that_forbids_md5_is_named() {
    let kamailio = Kamailio::md5();
    let (_scene, answer) = asked(&kamailio, &with_md5(), &with_md5(), &strict());
    names_the_setting_and_sent_nothing(&kamailio, answer, "trunk");
}

#[test]
fn the_carriers_policy_overrides_the_organisations() {
    let kamailio = Kamailio::md5();
    let (scene, answer) = asked(&kamailio, &strict(), &with_md5(), &json!({}));
    answer.expect(201);
    scene.wait_state("t1", "REGISTERED");
}

#[test]
fn the_trunks_policy_overrides_the_carriers() {
    let kamailio = Kamailio::md5();
    let (scene, answer) = asked(&kamailio, &strict(), &strict(), &json!({"digestPolicy": {"allowed": ["MD5"]}}));
    answer.expect(201);
    scene.wait_state("t1", "REGISTERED");
}

#[test]
fn sha256_passes_where_md5_is_forbidden() {
    let kamailio = Kamailio::sha256();
    let (_scene, answer) = asked(&kamailio, &strict(), &json!({}), &json!({}));
    let answer = answer.expect(201);
    assert_eq!(answer.at("/credentials/algorithm"), "SHA-256");
    let warnings = answer.json["warnings"].to_string();
    assert!(!warnings.contains("sip.algorithm.weak"), "{warnings}");
}

#[test]
fn md5_is_allowed_by_default_with_a_warning() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let warnings = scene.api.registration("alice").at("/warnings").clone();
    assert!(warnings.as_array().expect("warnings").iter().any(|warning| warning["code"] == "sip.algorithm.weak"), "{warnings}");
}

// covers: C21; Kamailio
#[test]
fn the_override_that_the_refusal_names_lets_the_same_post_pass() {
    let kamailio = Kamailio::md5();
    let (scene, answer) = asked(&kamailio, &strict(), &json!({}), &json!({}));
    answer.refused(422, "sip.algorithm.not_allowed");
    scene.api.patch("/api/v2/trunks/voice/t1", &json!({"digestPolicy": {"allowed": ["MD5"]}})).expect(200);
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn an_explicit_algorithm_that_is_forbidden_is_refused_without_asking_the_carrier() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.api.patch("/api/v2/organization", &strict()).expect(200);
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    let mut body = credentials_with("t1", "alice", PASSWORD, &json!({"algorithm": "MD5", "realm": kamailio.realm()}));
    body["verify"] = json!("static");
    scene.api.set_credentials(&body).refused(422, "sip.algorithm.not_allowed");
    assert_eq!(kamailio.seen().len(), 0);
}

#[test]
fn a_stricter_policy_ends_no_binding_and_warns_until_credentials_are_next_set() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.patch("/api/v2/organization", &strict()).expect(200);
    let shown =
        scene.wait_registration("alice", "warned about", |json| json["warnings"].to_string().contains("sip.algorithm.disallowed_active"));
    assert_eq!(shown.at("/bound"), true);
    assert!(kamailio.lookup("alice").is_some());
    let sent = kamailio.registers("alice");
    scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).refused(422, "sip.algorithm.not_allowed");
    assert_eq!(kamailio.registers("alice"), sent, "nothing was sent");
    assert_eq!(scene.api.registration("alice").at("/credentials/activeVersion"), 1);
}
