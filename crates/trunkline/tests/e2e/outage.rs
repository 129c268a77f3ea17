//! An outage is never taken for a wrong password, and ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer, challenged_once};
use crate::support::wait::{self, secs};

// covers: back-off; Kamailio
#[test]
fn a_carrier_that_falls_silent_leaves_the_trunk_bound_and_is_found_again() {
    let silent = Arc::new(AtomicBool::new(false));
    let is_silent = Arc::clone(&silent);
    let mut register = challenged_once("peer.test");
    let peer = Peer::start(move |request| match () {
        () if is_silent.load(Ordering::Relaxed) => None,
        () if request.starts_with("OPTIONS ") => Some(udp::reply(request, 200, "OK", "")),
        () => register(request),
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    silent.store(true, Ordering::Relaxed);
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
    let shown = scene.wait_registration("t1", "diagnosed", |json| json["edges"][0].get("diagnosis").is_some());
    let code = shown.at("/edges/0/diagnosis/code").as_str().expect("a code");
    assert!(code.starts_with("network."), "{code}");
    assert_eq!(shown.at("/bound"), true, "a failed refresh does not end a binding");
    assert_eq!(shown.at("/credentials/activeVersion"), 1);
    silent.store(false, Ordering::Relaxed);
    let shown = scene.wait_registration("t1", "registered again", |json| {
        json["registrationState"] == "REGISTERED" && json["edges"][0].get("diagnosis").is_none()
    });
    assert_eq!(shown.at("/bound"), true);
}

#[test]
fn a_registrar_that_lost_its_memory_has_the_binding_again_after_a_refresh() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.forget("alice");
    scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({})).expect(202);
    wait::until("Kamailio lists alice again", secs(15), || kamailio.lookup("alice"));
    assert_eq!(kamailio.digest_failures("alice"), 0);
}
