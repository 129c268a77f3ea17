//! Asking twice does no more than asking once.

use std::thread;

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::{Kamailio, Outcome};
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with};

#[test]
fn the_active_credentials_posted_again_send_nothing() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let sent = kamailio.registers("alice");
    let again = scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).expect(200);
    let pinned = json!({"realm": kamailio.realm(), "algorithm": "MD5"});
    scene.api.set_credentials(&credentials_with("alice", "alice", PASSWORD, &pinned)).expect(200);
    assert_eq!(again.at("/credentials/activeVersion"), 1);
    assert_eq!(kamailio.registers("alice"), sent);
}

#[test]
fn a_refused_password_posted_again_within_a_minute_is_not_sent_again() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    for _ in 0..3 {
        scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    }
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

#[test]
fn the_same_post_at_the_same_time_is_verified_once() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.set_password("alice", "second-Secret-8");
    let proofs =
        |kamailio: &Kamailio| kamailio.seen_of("alice").iter().filter(|seen| seen.outcome == Outcome::Proved && !seen.binds()).count();
    let before = proofs(&kamailio);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| scene.api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200));
        }
    });
    assert_eq!(proofs(&kamailio) - before, 1);
    assert_eq!(scene.api.registration("alice").at("/credentials/activeVersion"), 2);
}

#[test]
fn an_idempotency_key_replays_the_answer() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let headers = [("Prefer", "wait=40"), ("Idempotency-Key", "order-66")];
    let body = credentials("t1", "alice", PASSWORD);
    let first = scene.api.call("POST", REGISTRATIONS, Some(&body), &headers).expect(201);
    let second = scene.api.call("POST", REGISTRATIONS, Some(&body), &headers).expect(201);
    assert_eq!(first.text, second.text);
}
