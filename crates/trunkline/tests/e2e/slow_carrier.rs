//! A carrier that takes its time: the caller gets a place to look instead of an answer.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer, has_digest};
use crate::support::wait::{self, secs};

#[test]
fn a_silent_carrier_is_202_with_a_place_to_look() {
    let peer = Peer::registrar(|_register| None);
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let body = credentials("t1", "alice", PASSWORD);
    let answer = scene.api.call("POST", REGISTRATIONS, Some(&body), &[("Prefer", "wait=1")]).expect(202);
    let location = answer.header("Location").expect("a Location").to_owned();
    let path = location.find("/api/").map_or(location.as_str(), |at| &location[at..]);
    assert!(path.contains("/registrations/t1/credentials/"), "{location}");
    assert_eq!(scene.api.get(path).expect(200).at("/state"), "VERIFYING");
    let version = wait::until("the version is rejected", secs(45), || {
        Some(scene.api.get(path).expect(200)).filter(|version| version.at("/state") == "REJECTED")
    });
    assert!(version.text.contains("network.register.ignored"), "{}", version.text);
}

// covers: N4
#[test]
fn a_carrier_that_hears_only_the_third_transmission_is_heard() {
    let mut heard = 0;
    let peer = Peer::registrar(move |request| {
        heard += 1;
        match (heard, has_digest(request)) {
            (1 | 2, _) => None,
            (_, false) => Some(udp::challenge(request, "peer.test", "MD5", "n1")),
            (_, true) => Some(udp::granted(request, 600)),
        }
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
}

#[test]
fn a_verification_that_the_caller_did_not_wait_for_is_promoted_all_the_same() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let body = credentials("t1", "alice", PASSWORD);
    let answer = scene.api.call("POST", REGISTRATIONS, Some(&body), &[("Prefer", "wait=0")]);
    assert!(matches!(answer.status, 201 | 202), "{}", answer.text);
    scene.wait_state("t1", "REGISTERED");
    assert!(kamailio.lookup("alice").is_some());
}
