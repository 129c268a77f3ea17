//! A 200 that nobody asked a password for proves no password.

use serde_json::json;

use super::refusals::explained;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer};

fn carrier_that_accepts_everybody() -> Peer {
    Peer::registrar(|request| Some(udp::granted(request, 600)))
}

// covers: C22
#[test]
fn a_200_without_a_challenge_is_refused_as_unproven() {
    let peer = carrier_that_accepts_everybody();
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "sip.credentials.unproven");
    explained(&answer, "digest", "carrier");
    assert_eq!(answer.at("/diagnosis/credentialSent"), false);
    assert!(answer.at("/diagnosis/remedy").as_str().is_some_and(|text| text.contains("acceptUnproven")), "{}", answer.text);
    assert!(scene.api.registration("t1").json["credentials"].get("activeVersion").is_none());
}

#[test]
fn the_body_may_accept_it_with_a_warning() {
    let peer = carrier_that_accepts_everybody();
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let mut body = credentials("t1", "alice", PASSWORD);
    body["acceptUnproven"] = json!(true);
    scene.api.set_credentials(&body).expect(201);
    registered_without_authentication(&scene);
}

#[test]
fn the_profile_may_accept_it_with_a_warning() {
    let peer = carrier_that_accepts_everybody();
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({"acceptUnproven": true}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    registered_without_authentication(&scene);
}

fn registered_without_authentication(scene: &Scene) {
    let shown = scene.wait_state("t1", "REGISTERED");
    assert_eq!(shown.at("/edges/0/authenticated"), false);
    let warnings = shown.at("/warnings");
    assert!(warnings.to_string().contains("registration.unauthenticated"), "{warnings}");
}
