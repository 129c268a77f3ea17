//! A rotation never leaves the carrier without our binding.

use serde_json::json;

use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};
use crate::support::watch::watched;

fn the_binding_is_there_at_every_poll(kamailio: &Kamailio) {
    let scene = Scene::new();
    scene.registered(kamailio, &["alice"]);
    let before = kamailio.lookup("alice").expect("a binding");
    let watch = watched(kamailio, "alice", || {
        kamailio.set_password("alice", "second-Secret-8");
        let answer = scene.api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
        assert_eq!(answer.at("/credentials/activeVersion"), 2);
        wait::until_true("the new password has renewed the binding", secs(15), || {
            kamailio.lookup("alice").is_some_and(|binding| binding.cseq > before.cseq)
        });
        scene.wait_registration("alice", "registered with version 2", |json| {
            json["registrationState"] == "REGISTERED" && json["bound"] == true
        });
    });
    let lost = watch.missing();
    assert!(watch.looks.len() >= 3, "{} polls", watch.looks.len());
    assert_eq!(lost, 0, "the binding was missing at {lost} of {} polls (longest gap {:?})", watch.looks.len(), watch.longest_gap);
    for look in watch.looks.iter().flatten() {
        assert_eq!((&look.contact, &look.call_id), (&before.contact, &before.call_id), "the same Contact, the same Call-ID");
    }
    assert_eq!(kamailio.bindings_of("alice").len(), 1);
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn the_binding_is_there_at_every_poll_of_a_rotation_under_md5() {
    the_binding_is_there_at_every_poll(&Kamailio::md5());
}

#[test]
fn the_binding_is_there_at_every_poll_of_a_rotation_under_sha256() {
    the_binding_is_there_at_every_poll(&Kamailio::sha256());
}

#[test]
fn the_binding_is_there_at_every_poll_of_a_refused_rotation() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let watch = watched(&kamailio, "alice", || {
        scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    });
    assert_eq!(watch.missing(), 0);
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

#[test]
fn back_to_the_first_password_is_a_rotation_like_any_other() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    for password in ["second-Secret-8", PASSWORD] {
        kamailio.set_password("alice", password);
        scene.api.set_credentials(&credentials("alice", "alice", password)).expect(200);
    }
    assert_eq!(kamailio.digest_failures("alice"), 0);
    assert_eq!(scene.api.registration("alice").at("/credentials/activeVersion"), &json!(3));
}
