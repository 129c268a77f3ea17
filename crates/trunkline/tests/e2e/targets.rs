//! A secret is sent where it was verified, and nowhere else.

use serde_json::json;

use crate::support::kamailio::{Kamailio, Options};
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

#[test]
fn a_secret_rests_when_its_target_changes_until_it_is_verified_again() {
    let (old, new) = (Kamailio::md5(), Kamailio::md5());
    let scene = Scene::new();
    scene.registered(&old, &["alice"]);
    new.add_user("alice", PASSWORD);
    scene.api.patch("/api/v2/carriers/kam", &json!({"registrars": [new.uri()]})).expect(200);
    scene.wait_registration("alice", "resting", |json| json["warnings"].to_string().contains("registration.resting"));
    wait::holds_for("no digest goes to the new target", secs(2), || new.seen().iter().all(|seen| seen.authorization.is_none()));
    scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).expect(200);
    wait::until("the new target lists alice", secs(15), || new.lookup("alice"));
    assert_eq!(new.digest_failures("alice"), 0);
}

// covers: B12; Kamailio
#[test]
fn another_address_of_record_is_bound_and_the_old_one_removed() {
    let kamailio = Kamailio::start(Options { knows_users: false, ..Options::default() });
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.patch("/api/v2/trunks/voice/alice", &json!({"addressOfRecord": format!("sip:+6221500004@{}", kamailio.realm())})).expect(200);
    wait::until("the new address is bound", secs(20), || kamailio.lookup("+6221500004"));
    wait::until_true("the old address is removed", secs(20), || kamailio.lookup("alice").is_none());
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn another_username_is_verified_and_leaves_one_binding() {
    let kamailio = Kamailio::start(Options { knows_users: false, ..Options::default() });
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.add_user("auth-4", "other-Secret-4");
    scene.api.set_credentials(&credentials("alice", "auth-4", "other-Secret-4")).expect(200);
    let shown = scene.wait_registration("alice", "registered", |json| json["registrationState"] == "REGISTERED");
    assert_eq!(shown.at("/credentials/username"), "auth-4");
    wait::until_true("one binding", secs(15), || kamailio.bindings_of("alice").len() == 1);
    assert_eq!((kamailio.digest_failures("alice"), kamailio.digest_failures("auth-4")), (0, 0));
}
