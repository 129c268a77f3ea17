//! What is prepared by day for the night: a time, a standby password, trunks that another system still registers.

use std::time::Duration;

use serde_json::json;

use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

#[test]
fn credentials_are_verified_and_active_at_their_time_and_survive_a_kill_before_it() {
    let kamailio = Kamailio::md5();
    let mut scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let before = kamailio.lookup("alice").expect("a binding");
    let at = jiff::Timestamp::now() + Duration::from_secs(5);
    let mut body = credentials("alice", "alice", "second-Secret-8");
    body["activateAt"] = json!(at.to_string());
    let answer = scene.api.set_credentials(&body).expect(200);
    assert_eq!((answer.at("/credentials/activeVersion"), answer.at("/credentials/stagedVersion")), (&json!(1), &json!(2)));
    assert!(answer.at("/credentials/activateAt").is_string());
    kamailio.set_password("alice", "second-Secret-8");
    scene.server.kill9();
    scene.server.restart();
    scene.api = scene.server.api();
    scene.wait_registration("alice", "active at its time", |json| json["credentials"]["activeVersion"] == 2 && json["bound"] == true);
    assert!(jiff::Timestamp::now() >= at, "not before");
    wait::until_true("the new password has renewed the binding", secs(15), || {
        kamailio.lookup("alice").is_some_and(|binding| binding.cseq > before.cseq)
    });
    let after = kamailio.lookup("alice").expect("a binding");
    assert_eq!((&after.contact, &after.call_id), (&before.contact, &before.call_id));
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn trunks_of_another_system_are_verified_without_a_binding_and_then_switched() {
    let kamailio = Kamailio::sha256();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    for user in ["alice", "bob"] {
        kamailio.add_user(user, PASSWORD);
        scene.trunk(user, "kam", user, kamailio.realm(), &json!({"inService": false}));
        scene.api.set_credentials(&credentials(user, user, PASSWORD)).expect(201);
        let proved = scene.api.post(&format!("/api/v2/trunks/voice/registrations/{user}/verify"), &json!({})).expect(200);
        assert_eq!(proved.at("/verdict"), "PROVED");
    }
    assert_eq!(kamailio.bindings(), 0, "the other system's place is not taken");
    scene.api.patch("/api/v2/trunks/voice/alice", &json!({"inService": true})).expect(200);
    scene.wait_state("alice", "REGISTERED");
    assert!(kamailio.lookup("alice").is_some() && kamailio.lookup("bob").is_none(), "one by one");
    scene.api.patch("/api/v2/trunks/voice/alice", &json!({"inService": false})).expect(200);
    wait::until_true("and back", secs(15), || kamailio.lookup("alice").is_none());
}
