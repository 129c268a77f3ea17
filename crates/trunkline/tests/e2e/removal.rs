//! DELETE takes the binding away at the carrier, in the background.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

// covers: B7, RFC 3261 10.2.2; Kamailio
#[test]
fn a_deleted_registration_is_gone_at_the_carrier() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice", "bob"]);
    scene.api.delete(&format!("{REGISTRATIONS}/alice")).expect(204);
    wait::until_true("Kamailio has let alice go", secs(15), || kamailio.lookup("alice").is_none());
    assert!(kamailio.lookup("bob").is_some(), "and nobody else");
    let last = kamailio.seen_of("alice").pop().expect("seen");
    assert!(last.binds(), "it names its own Contact: {last:?}");
    assert!(!last.contact.as_deref().unwrap_or_default().contains('*'), "never Contact: * : {last:?}");
    assert_eq!(kamailio.digest_failures("alice"), 0);
    wait::until_true("the API says so", secs(15), || {
        let answer = scene.api.get(&format!("{REGISTRATIONS}/alice"));
        answer.status == 404 || answer.json["bound"] == false
    });
}

#[test]
fn credentials_can_be_set_again_after_a_deletion() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.delete(&format!("{REGISTRATIONS}/alice")).expect(204);
    wait::until_true("Kamailio has let alice go", secs(15), || kamailio.lookup("alice").is_none());
    let answer = scene.api.set_credentials(&credentials("alice", "alice", PASSWORD));
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
    wait::until("Kamailio lists alice again", secs(15), || kamailio.lookup("alice"));
}

#[test]
fn a_trunk_out_of_service_is_unregistered_and_back_in_service_registered() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.patch("/api/v2/trunks/voice/alice", &json!({"inService": false})).expect(200);
    wait::until_true("Kamailio has let alice go", secs(15), || kamailio.lookup("alice").is_none());
    scene.wait_state("alice", "DISABLED");
    scene.api.patch("/api/v2/trunks/voice/alice", &json!({"inService": true})).expect(200);
    wait::until("Kamailio lists alice again", secs(15), || kamailio.lookup("alice"));
}
