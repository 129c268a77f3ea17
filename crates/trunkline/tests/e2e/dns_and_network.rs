//! What lies between: names, ports, gates and silence. Timer F runs its full 32 s here.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use serde_json::json;

use super::refusals::explained;
use crate::support::kamailio::Kamailio;
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::server::Launch;
use crate::support::sipp::Sipp;
use crate::support::udp::Peer;
use crate::support::wait::secs;

/// RFC 3261 17.1.2: 64 times T1.
const TIMER_F: Duration = Duration::from_secs(32);

// covers: F6, RFC 3261 18.4
#[test]
fn a_port_where_nobody_listens_is_refused_at_once() {
    let nobody = loopback::next();
    let scene = Scene::new();
    scene.trunk_at(&format!("sip:{nobody}:5060;transport=udp"), "carrier.test", &json!({}));
    let started = Instant::now();
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.refused");
    explained(&answer, "network", "network");
    assert!(started.elapsed() < secs(10), "ICMP tells at once, it took {:?}", started.elapsed());
}

// covers: N2
#[test]
fn a_name_that_does_not_exist_is_named() {
    let scene = Scene::new();
    scene.trunk_at("sip:registrar.carrier.invalid;transport=udp", "carrier.test", &json!({}));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.dns.failed");
    explained(&answer, "network", "network");
    assert!(answer.at("/diagnosis/summary").as_str().is_some_and(|text| text.contains("registrar.carrier.invalid")), "{}", answer.text);
}

// covers: N12
#[test]
fn a_loopback_registrar_is_forbidden_unless_the_operator_allows_it() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let scene = Scene::on(Launch::default().forbidding_targets());
    scene.trunk_at(&kamailio.uri(), kamailio.realm(), &json!({}));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.target.forbidden");
    assert_eq!(answer.at("/diagnosis/initiator"), "platform");
    assert!(answer.at("/diagnosis/remedy").as_str().is_some_and(|text| text.contains("--allow-target")), "{}", answer.text);
    assert_eq!(kamailio.seen().len(), 0, "nothing was sent");
}

// covers: F6, RFC 3261 17.1.2
#[test]
fn silence_is_a_timeout_after_the_whole_of_timer_f() {
    let silent = UdpSocket::bind((loopback::next(), 5060)).expect("a socket that nobody reads");
    let scene = Scene::new();
    scene.trunk_at(&format!("sip:{};transport=udp", silent.local_addr().expect("address")), "carrier.test", &json!({}));
    let started = Instant::now();
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.timeout");
    explained(&answer, "network", "network");
    assert_eq!(answer.at("/diagnosis/optionsReachable"), false);
    assert_eq!(answer.at("/diagnosis/retryable"), true);
    assert!(started.elapsed() >= TIMER_F, "it gave up after {:?}", started.elapsed());
}

// covers: N3
#[test]
fn a_carrier_that_answers_options_and_ignores_register_is_told_apart() {
    let peer = Peer::registrar(|_register| None);
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "carrier.test", &json!({}));
    let started = Instant::now();
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.register.ignored");
    explained(&answer, "network", "carrier");
    assert_eq!(answer.at("/diagnosis/optionsReachable"), true);
    assert_eq!(answer.at("/diagnosis/credentialSent"), false);
    assert!(started.elapsed() >= TIMER_F, "it gave up after {:?}", started.elapsed());
    assert_retransmitted_by_timer_e(&peer);
}

/// RFC 3261 17.1.2.2: the same bytes at 0, 0.5, 1.5, 3.5, 7.5, 11.5 ... s.
fn assert_retransmitted_by_timer_e(peer: &Peer) {
    let first = &peer.registers()[0];
    let copies: Vec<_> = peer.seen().into_iter().filter(|seen| seen.method() == "REGISTER" && seen.branch() == first.branch()).collect();
    assert!(copies.iter().all(|copy| copy.text == first.text), "a retransmission is the same, byte for byte");
    let gaps: Vec<f64> = copies.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
    let expected = [0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0];
    assert_eq!(gaps.len(), expected.len(), "11 transmissions within Timer F: {gaps:?}");
    for (gap, expected) in gaps.iter().zip(expected) {
        assert!((gap - expected).abs() < 0.45, "{gaps:?}");
    }
}

// covers: N3; SIPp
#[test]
fn sipp_that_ignores_register_is_told_apart_too() {
    let carrier = Sipp::start(
        r#"<recv request="OPTIONS" optional="true" next="options"/>
<recv request="REGISTER" next="end"/>
<label id="options"/>
<send><![CDATA[

      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

]]></send>
<label id="end"/>"#,
    );
    let scene = Scene::new();
    scene.trunk_at(&carrier.uri(), "sipp.test", &json!({}));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.register.ignored");
    assert_eq!(answer.at("/diagnosis/optionsReachable"), true);
}
