//! The edge answers what the carrier sends to the registered Contact; strangers are not heard.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::json;

use crate::support::kamailio::Kamailio;
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer, has_digest, status};
use crate::support::wait::{self, secs};

fn request(method: &str, from: SocketAddr, to: SocketAddr, user: &str) -> String {
    format!(
        "{method} sip:{user}@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK-{method}\r\nMax-Forwards: 70\r\n\
         From: <sip:carrier@{from}>;tag=c1\r\nTo: <sip:{user}@{to}>\r\nCall-ID: {method}@{from}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:{from}>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A scene whose trunk is registered at a scripted peer.
fn registered_at_peer() -> (Scene, Peer) {
    let peer = Peer::registrar(|request| {
        if request.starts_with("SIP/2.0 ") {
            return None;
        }
        let answer = if has_digest(request) { udp::granted(request, 600) } else { udp::challenge(request, "peer.test", "MD5", "n1") };
        Some(answer)
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    (scene, peer)
}

#[track_caller]
fn answered(scene: &Scene, peer: &Peer, method: &str) -> String {
    let edge = scene.server.launch().sip();
    peer.send(edge, &request(method, peer.address(), edge, "alice"));
    let wanted = format!("1 {method}");
    wait::until(&format!("an answer to {method}"), secs(5), || {
        let answers = peer.seen().into_iter().filter(|seen| seen.text.starts_with("SIP/2.0 "));
        answers.filter(|seen| seen.header("CSeq") == Some(&wanted) && status(&seen.text) >= 200).map(|seen| seen.text).next_back()
    })
}

// covers: N13, RFC 3261 17.2.2
#[test]
fn the_carriers_options_are_answered_and_its_calls_refused_politely() {
    let (scene, peer) = registered_at_peer();
    assert_eq!(status(&answered(&scene, &peer, "OPTIONS")), 200);
    assert_eq!(status(&answered(&scene, &peer, "INVITE")), 480);
    assert!(matches!(status(&answered(&scene, &peer, "MESSAGE")), 405 | 481));
    assert_eq!(scene.api.registration("t1").at("/registrationState"), "REGISTERED");
}

// covers: N13, RFC 3261 18.1.2
#[test]
fn strangers_are_not_answered_and_rubbish_harms_nothing() {
    let (scene, _peer) = registered_at_peer();
    let edge = scene.server.launch().sip();
    let stranger = UdpSocket::bind((loopback::next(), 5060)).expect("socket");
    stranger.set_read_timeout(Some(Duration::from_millis(500))).expect("timeout");
    let address = stranger.local_addr().expect("address");
    for text in
        [request("OPTIONS", address, edge, "alice"), "SIP/2.0 200 OK\r\n\r\n".to_owned(), "\0\0\0".to_owned(), "REGISTER".to_owned()]
    {
        stranger.send_to(text.as_bytes(), edge).expect("send");
    }
    assert!(stranger.recv(&mut [0; 2048]).is_err(), "a stranger is not answered");
    assert_eq!(scene.api.registration("t1").at("/registrationState"), "REGISTERED");
}

// covers: F12
#[test]
fn options_to_the_carrier_are_shown_as_reachability() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let shown = scene.wait_registration("alice", "reachable", |json| json["edges"][0]["options"]["state"] == "UP");
    assert!(shown.at("/edges/0/options/roundTripMs").is_number());
}
