//! Registrars found by NAPTR, SRV, A and AAAA of a real name server, and what its faults do (carriers.md N1, N2, N12).

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use super::refusals::explained;
use crate::support::api::Answer;
use crate::support::knot::{Knot, Manner, Relay};
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::server::Launch;
use crate::support::udp::{Peer, challenged_once, reply};
use crate::support::wait::{self, secs};

const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// A server that asks this name server.
fn asking(dns: SocketAddr) -> Launch {
    Launch::default().word("--dns").word(&dns.to_string())
}

/// A scene with a trunk at `sip:carrier.example`, known to `dns`.
fn scene_at(dns: SocketAddr, registrar: &str) -> Scene {
    let scene = Scene::on(asking(dns));
    scene.trunk_at(registrar, "carrier.example", &json!({}));
    scene
}

/// A registrar at an address, or on any of its own.
fn registrar() -> Peer {
    Peer::registrar(challenged_once("carrier.example"))
}

fn registrar_at(address: SocketAddr) -> Peer {
    let mut register = challenged_once("carrier.example");
    Peer::start_at(
        address,
        move |request| {
            if request.starts_with("OPTIONS ") { Some(reply(request, 200, "OK", "")) } else { register(request) }
        },
    )
}

fn refresh(scene: &Scene) {
    scene.api.post(&format!("{REGISTRATIONS}/t1/actions/refresh"), &json!({})).expect(202);
}

/// The lines of `resolution` in a diagnosis.
fn resolution(answer: &Answer) -> Vec<String> {
    let lines = answer.at("/diagnosis/resolution").as_array().cloned().unwrap_or_default();
    lines.iter().map(|line| line.as_str().expect("text").to_owned()).collect()
}

fn ip(peer: &Peer) -> String {
    peer.address().ip().to_string()
}

// covers: N1, RFC 3263 4.1, RFC 3263 4.2; knot
#[test]
fn naptr_and_srv_lead_to_the_registrar() {
    let peer = registrar();
    let mut knot = Knot::start(&format!(
        "@ NAPTR 10 10 \"s\" \"SIP+D2T\" \"\" _sip._tcp\n@ NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.voip\n\
         @ A {}\n_sip._udp.voip SRV 10 100 5060 sbc1\nsbc1 A {}",
        loopback::next(),
        ip(&peer)
    ));
    let scene = scene_at(knot.address(), "sip:carrier.example");
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    let shown = scene.wait_state("t1", "REGISTERED");
    assert!(shown.text.contains(&peer.address().to_string()), "{}", shown.text);
    // What was found is part of the evidence, as a person would ask `dig` for it.
    let silent = Peer::start_at(SocketAddr::from((loopback::next(), 5060)), |request| Some(reply(request, 403, "No", "")));
    drop(scene);
    knot.write(&format!(
        "@ NAPTR 10 20 \"s\" \"SIP+D2U\" \"\" _sip._udp.voip\n_sip._udp.voip SRV 10 100 5060 sbc1\nsbc1 A {}",
        ip(&silent)
    ));
    let scene = scene_at(knot.address(), "sip:carrier.example");
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "sip.forbidden.before_challenge");
    assert_eq!(
        resolution(&answer),
        [
            "NAPTR carrier.example: 10 20 SIP+D2U _sip._udp.voip.carrier.example.".to_owned(),
            "SRV _sip._udp.voip.carrier.example: 10 100 sbc1.carrier.example:5060".to_owned(),
            format!("A, AAAA sbc1.carrier.example: {}", ip(&silent)),
        ]
    );
}

// covers: N1, N2, F6, RFC 3263 4.3; knot
#[test]
fn a_dead_server_and_one_without_an_address_are_passed_over_and_the_first_is_returned_to_when_it_heals() {
    let second = registrar();
    let first = SocketAddr::from((loopback::next(), 5060));
    let knot = Knot::start(&format!(
        "_sip._udp SRV 5 0 5060 nowhere\n_sip._udp SRV 10 0 5060 sbc1\n_sip._udp SRV 20 0 5060 sbc2\nsbc1 A {}\nsbc2 A {}",
        first.ip(),
        ip(&second)
    ));
    let scene = Scene::on(asking(knot.address()));
    // OPTIONS every second tells that the first has healed.
    let pinged = json!({"options": {"interval": 1, "failureThreshold": 1, "successThreshold": 1}});
    scene.trunk_at("sip:carrier.example", "carrier.example", &pinged);
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_registration("t1", "at the second", |json| json.to_string().contains(&second.address().to_string()));
    let healed = registrar_at(first);
    wait::until_true("the first answers OPTIONS", secs(20), || healed.seen().len() > 1);
    wait::until_true("a refresh goes to the first", secs(20), || {
        refresh(&scene);
        healed.seen().iter().any(|seen| seen.method() == "REGISTER")
    });
    scene.wait_registration("t1", "back at the first", |json| {
        json["registrationState"] == "REGISTERED" && json.to_string().contains(&first.to_string())
    });
}

// covers: N1; knot
#[test]
fn of_two_address_families_the_one_that_answers_is_used() {
    let v6 = loopback::next_v6();
    let peer = registrar_at(v6);
    let dead: Ipv4Addr = loopback::next();
    let knot = Knot::start(&format!("_sip._udp SRV 1 1 {} dual\ndual A {dead}\ndual AAAA ::1", v6.port()));
    let launch = asking(knot.address()).word("--sip").word("udp:[::1]:0").word("--allow-target").word("::1/128");
    let scene = Scene::on(launch);
    scene.trunk_at("sip:carrier.example", "carrier.example", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    assert!(!peer.registers().is_empty());
}

// covers: N2; knot
#[test]
fn a_zone_that_fails_and_a_name_that_is_not_there_are_told_with_the_record() {
    let knot = Knot::start("_sip._udp.declined SRV 0 0 0 .\n_sip._udp.holes SRV 1 1 5060 nowhere");
    for (host, words) in [
        ("broken.example", &["A, AAAA broken.example: the name servers failed (SERVFAIL)"][..]),
        ("gone.carrier.example", &["NAPTR gone.carrier.example", "SRV _sip._udp.gone.carrier.example", "(NXDOMAIN)"]),
        ("declined.carrier.example", &["SRV _sip._udp.declined.carrier.example: the service is declared not to be there"]),
        ("holes.carrier.example", &["A, AAAA nowhere.carrier.example: the name does not exist (NXDOMAIN)"]),
    ] {
        let scene = scene_at(knot.address(), &format!("sip:{host}"));
        let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.dns.failed");
        explained(&answer, "network", "network");
        let summary = answer.at("/diagnosis/summary").as_str().expect("a summary").to_owned();
        assert!(words.iter().all(|words| summary.contains(words)), "{summary}");
        assert!(!resolution(&answer).is_empty(), "{}", answer.text);
    }
}

// covers: N2; knot
#[test]
fn a_registration_lives_on_at_its_last_good_registrar_while_dns_flips() {
    let peer = registrar();
    let good = format!("_sip._udp SRV 1 1 5060 sbc1\nsbc1 A {}", ip(&peer));
    let mut knot = Knot::start(&good);
    let relay = Relay::start(knot.address(), Manner::Prompt);
    let scene = scene_at(relay.address(), "sip:carrier.example");
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    let warned = |json: &serde_json::Value| json["warnings"].to_string().contains("network.dns.failed");
    let refreshed = |scene: &Scene, what: &str, looks: &dyn Fn(&serde_json::Value) -> bool| {
        let before = peer.registers().len();
        wait::until_true(what, secs(60), || {
            refresh(scene);
            let shown = scene.api.registration("t1");
            peer.registers().len() > before && shown.json["registrationState"] == "REGISTERED" && looks(&shown.json)
        });
    };
    // TTL 0 throughout: what was found is used 5 s, then asked for again.
    knot.write("nobody A 127.0.0.1");
    refreshed(&scene, "a refresh while the name does not exist", &warned);
    knot.write(&good);
    refreshed(&scene, "a refresh after the name is back", &|json| !warned(json));
    relay.be(Manner::Silent);
    refreshed(&scene, "a refresh while no name server answers", &warned);
    relay.be(Manner::Prompt);
    refreshed(&scene, "a refresh after the name servers are back", &|json| !warned(json));
}

// covers: N2; knot
#[test]
fn a_name_server_that_takes_5_s_for_each_answer_delays_and_no_more() {
    let peer = registrar();
    let knot = Knot::start(&format!("_sip._udp SRV 1 1 5060 sbc1\nsbc1 A {}", ip(&peer)));
    let relay = Relay::start(knot.address(), Manner::Slow(secs(5)));
    let scene = scene_at(relay.address(), "sip:carrier.example;transport=udp");
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
}

// covers: N2; knot
#[test]
fn name_servers_that_never_answer_are_given_up() {
    let knot = Knot::start("nobody A 127.0.0.1");
    let relay = Relay::start(knot.address(), Manner::Silent);
    let scene = scene_at(relay.address(), "sip:carrier.example;transport=udp");
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, "network.dns.failed");
    assert!(answer.at("/diagnosis/summary").as_str().is_some_and(|text| text.contains("did not answer")), "{}", answer.text);
}

// covers: N12; knot
#[test]
fn an_srv_record_opens_no_address_and_no_port_that_the_gate_forbids() {
    let knot = Knot::start(&format!(
        "_sip._udp.inner SRV 1 1 5060 private\nprivate A 10.0.0.1\n_sip._udp.meta SRV 1 1 5060 metadata\nmetadata A 169.254.169.254\n\
         _sip._udp.port SRV 1 1 53 open\nopen A {}",
        loopback::next()
    ));
    for (host, code) in [("inner", "network.target.forbidden"), ("meta", "network.target.forbidden"), ("port", "network.port.forbidden")] {
        let scene = scene_at(knot.address(), &format!("sip:{host}.carrier.example"));
        scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).refused(422, code);
    }
}
