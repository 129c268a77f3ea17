//! A verification that is cut short never costs a second digest.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer, has_digest};
use crate::support::wait::{self, secs};

#[test]
fn a_kill_in_the_middle_of_a_verification_sends_no_second_digest() {
    let peer = Peer::registrar(|request| (!has_digest(request)).then(|| udp::challenge(request, "peer.test", "MD5", "n1")));
    let mut scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let body = credentials("t1", "alice", PASSWORD);
    scene.api.call("POST", REGISTRATIONS, Some(&body), &[("Prefer", "wait=0")]).expect(202);
    let digests = |peer: &Peer| peer.registers().iter().filter(|seen| has_digest(&seen.text)).count();
    wait::until_true("the digest is out", secs(10), || digests(&peer) == 1);
    scene.server.kill9();
    scene.server.restart();
    let api = scene.server.api();
    let version = wait::until("the version is given up", secs(60), || {
        let version = api.get(&format!("{REGISTRATIONS}/t1/credentials/1")).expect(200);
        (version.at("/state") == "REJECTED").then_some(version)
    });
    assert!(version.text.contains("verification.indeterminate"), "{}", version.text);
    assert_eq!(digests(&peer), 1);
}
