//! `verify: static` checks form and policy only, promotes, and rolls back if the carrier then refuses.

use serde_json::json;

use crate::support::kamailio::{Kamailio, Outcome};
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::wait::{self, secs};

#[test]
fn static_credentials_are_promoted_at_once_and_then_registered() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let mut body = credentials("t1", "alice", PASSWORD);
    merge(&mut body, &json!({"verify": "static"}));
    assert_eq!(scene.api.set_credentials(&body).expect(201).at("/credentials/activeVersion"), 1);
    let shown = scene.wait_state("t1", "REGISTERED");
    assert_eq!(shown.at("/credentials/realm"), kamailio.realm(), "learned and pinned");
    assert!(kamailio.seen().iter().all(|seen| seen.binds()), "no question was asked: {:#?}", kamailio.seen());
}

#[test]
fn a_static_wrong_password_rolls_back_and_the_binding_lives_on() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let before = kamailio.lookup("alice").expect("a binding");
    let mut body = credentials("alice", "alice", "wrong");
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(200);
    let shown = scene.wait_registration("alice", "rolled back", |json| json["credentials"]["lastRejected"]["version"] == 2);
    assert_eq!(shown.at("/credentials/activeVersion"), 1);
    assert_eq!(shown.at("/credentials/lastRejected/code"), "sip.credentials.rejected");
    assert_eq!(kamailio.digest_failures("alice"), 1);
    let after = kamailio.lookup("alice").expect("the binding lives on");
    assert_eq!((after.contact, after.call_id), (before.contact, before.call_id));
    scene.wait_registration("alice", "bound", |json| json["bound"] == true && json["registrationState"] == "REGISTERED");
}

#[test]
fn a_first_static_wrong_password_is_not_repeated_for_ever() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let mut body = credentials("t1", "alice", "wrong");
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(201);
    let shown = scene.wait_registration("t1", "diagnosed", |json| json["edges"][0]["diagnosis"]["code"] == "sip.credentials.rejected");
    let state = shown.at("/registrationState").as_str().expect("a state");
    assert!(matches!(state, "RETRY_WAIT" | "AUTH_HELD"), "{state}");
    assert_eq!(shown.at("/bound"), false);
    // carriers.md: after the first failed digest the next waits the back-off, which is never under 15 s.
    wait::holds_for("one failed digest", secs(8), || kamailio.digest_failures("alice") == 1);
    assert_eq!(kamailio.seen_of("alice").iter().filter(|seen| seen.outcome == Outcome::WrongDigest).count(), 1);
}
