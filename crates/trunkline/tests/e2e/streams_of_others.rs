//! Registrars over TCP, TLS and WebSockets that are not ours: Kamailio and SIPp.

use carrier::CertificateKind;
use carrier::certificates::Authority;
use serde_json::{Value, json};

use crate::support::kamailio::{Kamailio, Options, Outcome, Streams};
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::server::Launch;
use crate::support::sipp::{Says, Sipp};
use crate::support::wait::{self, secs};

/// Over which transport a Kamailio is reached, and where.
fn registrar(kamailio: &Kamailio, transport: &str) -> String {
    let address = if matches!(transport, "tls" | "wss") { kamailio.secured() } else { kamailio.address() };
    format!("sip:{address};transport={transport}")
}

/// A trunk and its credentials at a Kamailio over a transport, bound.
fn registered(scene: &Scene, kamailio: &Kamailio, transport: &str, more: &Value) {
    scene.carrier(transport, &registrar(kamailio, transport), more);
    scene.trunk(transport, transport, transport, kamailio.realm(), &json!({}));
    kamailio.add_user(transport, PASSWORD);
    scene.api.set_credentials(&credentials(transport, transport, PASSWORD)).expect(201);
    scene.wait_state(transport, "REGISTERED");
    wait::until(&format!("Kamailio lists {transport}"), secs(10), || kamailio.lookup(transport));
}

// covers: C1, N8, RFC 7118 4.1, RFC 7118 5, RFC 3261 18.3; Kamailio
#[test]
fn a_trunk_registers_at_kamailio_over_every_kind_of_connection_and_renews_on_it() {
    let authority = Authority::new("kamailio").expect("an authority");
    let scene = Scene::new();
    let kamailio = Kamailio::start_named(|address| {
        let identity = authority.server(CertificateKind::Good, &[address]).expect("a certificate");
        Options { streams: Some(Streams { identity, client_root: None }), ..Options::default() }
    });
    let tls = json!({"tls": {"roots": authority.root()}});
    for transport in ["tcp", "tls", "ws", "wss"] {
        let more = if matches!(transport, "tls" | "wss") { tls.clone() } else { json!({}) };
        registered(&scene, &kamailio, transport, &more);
        let before = kamailio.registers(transport);
        scene.api.post(&format!("/api/v2/trunks/voice/registrations/{transport}/actions/refresh"), &json!({})).expect(202);
        wait::until_true("it is renewed", secs(20), || kamailio.registers(transport) > before);
        let seen = kamailio.seen_of(transport);
        assert!(seen.iter().all(|register| register.transport == transport), "{seen:#?}");
        let bound: Vec<u16> = seen.iter().filter(|register| register.binds()).map(|register| register.port).collect();
        assert!(bound.windows(2).all(|pair| pair[0] == pair[1]), "on one connection: {bound:?}");
        assert!(seen.iter().all(|register| register.outcome != Outcome::WrongDigest));
    }
}

// covers: N8; Kamailio
#[test]
fn kamailio_demands_a_client_certificate_and_gets_the_one_that_the_profile_names() {
    let authority = Authority::new("kamailio").expect("an authority");
    let folder = tempfile::tempdir().expect("folder");
    let (chain, key) = authority.client(&["edge.test"]).expect("a certificate").write(folder.path(), "client").expect("written");
    let launch = Launch::default().word("--tls-identity").word(&format!("edge={},{}", chain.display(), key.display()));
    let scene = Scene::on(launch);
    let kamailio = Kamailio::start_named(|address| {
        let identity = authority.server(CertificateKind::Good, &[address]).expect("a certificate");
        Options { streams: Some(Streams { identity, client_root: Some(authority.root()) }), ..Options::default() }
    });
    registered(&scene, &kamailio, "tls", &json!({"tls": {"roots": authority.root(), "clientCertificate": "edge"}}));
    scene.carrier("without", &registrar(&kamailio, "tls"), &json!({"tls": {"roots": authority.root()}}));
    scene.trunk("without", "without", "without", kamailio.realm(), &json!({}));
    kamailio.add_user("without", PASSWORD);
    scene.api.set_credentials(&credentials("without", "without", PASSWORD)).refused(422, "tls.client_certificate.required");
    assert_eq!(kamailio.registers("without"), 0);
}

// covers: C1, RFC 3261 18.3; SIPp
#[test]
fn a_trunk_registers_at_a_script_over_tcp() {
    let challenge = ["WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"one\", qop=\"auth\", algorithm=MD5"];
    let carrier = Sipp::saying_on("tcp", &[Says(401, "Unauthorized", &challenge), Says(200, "OK", &["Expires: 600"])]);
    let scene = Scene::new();
    scene.trunk_at(&carrier.uri(), "sipp.test", &json!({"options": {"interval": 0}}));
    let mut body = credentials("t1", "alice", PASSWORD);
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(201);
    scene.wait_registration("t1", "bound", |json| json["bound"] == true);
    let seen = wait::until("SIPp has logged both", secs(20), || Some(carrier.received("REGISTER")).filter(|seen| seen.len() == 2));
    assert!(seen.iter().all(|request| request.contains("Via: SIP/2.0/TCP ")), "{seen:#?}");
}
