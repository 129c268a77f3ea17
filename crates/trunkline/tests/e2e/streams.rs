//! Trunks over TLS, as an operator sets them up: a private root, a client certificate, a wildcard.

use carrier::Transport;
use serde_json::json;

use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::server::Launch;
use crate::support::streams::Streams;

// covers: N8; lab
#[test]
fn a_trunk_registers_over_tls_with_a_private_root_and_a_client_certificate() {
    let lab = Streams::start(&["N8-client"], &["127.0.0.1"]);
    let scene = Scene::on(Launch::default().word("--tls-identity").word(&format!("customer={}", lab.client())));
    let registrar = format!("sips:{}", lab.address(Transport::Tls));
    scene.trunk_at(&registrar, "carrier.example", &json!({"tls": {"roots": lab.root()}}));
    let set = || scene.api.set_credentials(&credentials("t1", "alice", PASSWORD));
    let refused = set().refused(422, "tls.client_certificate.required");
    assert!(refused.text.contains("the profile names none"), "{}", refused.text);
    let profile = |tls: serde_json::Value| scene.api.patch("/api/v2/carriers/lab", &json!({"tls": tls})).expect(200);
    profile(json!({"clientCertificate": "somebody"}));
    let refused = set().refused(422, "tls.handshake.failed");
    assert!(refused.text.contains("this edge holds customer"), "{}", refused.text);
    profile(json!({"clientCertificate": "customer"}));
    set().expect(201);
    scene.wait_state("t1", "REGISTERED");
    assert!(lab.carrier().totals().registers > 0);
    // Whom it trusts changes where a secret is sent: it rests until it is verified there.
    profile(json!({"roots": null}));
    let refused = set().refused(422, "tls.certificate.untrusted");
    assert!(refused.text.contains("the public roots"), "{}", refused.text);
}
