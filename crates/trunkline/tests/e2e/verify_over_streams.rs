//! `trunkline verify` over TCP, TLS and WebSockets, at registrars that DNS alone knows, and what it says of certificates.

use carrier::Transport;
use serde_json::json;

use crate::support::knot::Knot;
use crate::support::scene::PASSWORD;
use crate::support::streams::Streams;
use crate::support::udp::{Peer, challenged_once};
use crate::support::verifier::Verifier;

/// A registrar whose certificate is for its address.
fn lab() -> Streams {
    Streams::start(&[], &["127.0.0.1"])
}

#[test]
fn credentials_are_proved_over_every_transport_by_flag_and_by_uri() {
    let lab = lab();
    let root = lab.root_file();
    for transport in [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss] {
        let (name, address) = (transport.name(), lab.address(transport));
        let by_flag = (format!("sip:{address}"), vec!["--transport", name]);
        let by_uri = match transport {
            Transport::Udp | Transport::Tcp | Transport::Ws => (format!("sip:{address};transport={name}"), vec![]),
            Transport::Tls => (format!("sips:{address}"), vec![]),
            Transport::Wss => (format!("sips:{address};transport=ws"), vec![]),
        };
        for (uri, more) in [by_flag, by_uri] {
            let words = [&[&uri, "--user", "alice", "--tls-roots", &root][..], &more].concat();
            let (said, shown) = Verifier::of(&words).password(PASSWORD).json();
            said.ended(0);
            assert_eq!((&shown["verdict"], &shown["attempt"]["transport"]), (&json!("PROVED"), &json!(name)), "{uri}: {shown:#}");
            let secured = shown["attempt"]["secured"].as_str();
            assert_eq!(secured.is_some_and(|text| text.starts_with("TLS 1.3 TLS13_")), transport.is_secured(), "{uri}: {shown:#}");
        }
    }
}

#[test]
fn a_person_is_shown_what_the_connection_is() {
    let lab = lab();
    let (root, address) = (lab.root_file(), lab.address(Transport::Tls));
    let uri = format!("sips:{address}");
    let said = Verifier::of(&[&uri, "--user", "alice", "--tls-roots", &root]).password(PASSWORD).run().ended(0);
    for word in ["✓ connect    TLS 1.3 TLS13_", "✓ REGISTER", "✓ digest", "PROVED"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    assert!(said.out.matches("TLS13_").count() >= 2, "the ladder says it too: {}", said.out);
    let uri = format!("sip:{}", lab.address(Transport::Tcp));
    let said = Verifier::of(&[&uri, "--user", "alice", "--transport", "tcp", "--no-ladder"]).password(PASSWORD).run().ended(0);
    assert!(said.out.contains("✓ connect    TCP, in the clear") && said.out.contains("over TCP from 127.0.0.1\n"), "{}", said.out);
}

// covers: N8, RFC 5922 7.2; lab, knot
#[test]
fn every_fault_of_a_certificate_has_its_code_and_the_flag_that_helps() {
    let knot = Knot::start("sbc A 127.0.0.1");
    let dns = knot.address().to_string();
    for (row, code, more, hint) in [
        ("N8-expired", "tls.certificate.expired", &[][..], None),
        ("N8-early", "tls.certificate.expired", &[], None),
        ("N8-name", "tls.name.mismatch", &[], None),
        ("N8-wildcard", "tls.name.mismatch", &[], Some("--tls-wildcard")),
        ("N8-wildcard", "", &["--tls-wildcard"], None),
        ("N8-self", "tls.certificate.untrusted", &[], Some("--tls-roots")),
        ("N8-other", "tls.certificate.untrusted", &[], Some("--tls-roots")),
        ("N8-chain", "tls.certificate.untrusted", &[], Some("--tls-roots")),
        ("N8-common-name", "", &[], None),
        ("N8-client", "tls.client_certificate.required", &[], Some("--tls-identity")),
    ] {
        let lab = Streams::start(&[row], &["sbc.carrier.example"]);
        let (root, uri) = (lab.root_file(), format!("sips:sbc.carrier.example:{}", lab.address(Transport::Tls).port()));
        let words = [&[&uri, "--user", "alice", "--dns", &dns, "--tls-roots", &root][..], more].concat();
        let (said, shown) = Verifier::of(&words).password(PASSWORD).json();
        if code.is_empty() {
            said.ended(0);
            continue;
        }
        said.ended(12);
        assert_eq!((&shown["code"], &shown["stage"]), (&json!(code), &json!("network")), "{row}: {shown:#}");
        let told = shown["hint"].as_str();
        assert!(hint.is_none_or(|hint| told.is_some_and(|told| told.starts_with(hint))), "{row}: {told:?}");
        assert_ne!(shown["evidence"]["credentialSent"], true, "{row}: {shown:#}");
        let asked = lab.carrier().totals();
        assert_eq!((asked.registers, asked.options), (0, 0), "{row}");
    }
    let lab = Streams::start(&["N8-client"], &["sbc.carrier.example"]);
    let (root, client, uri) = (lab.root_file(), lab.client(), format!("sips:sbc.carrier.example:{}", lab.address(Transport::Tls).port()));
    let words = [&uri, "--user", "alice", "--dns", &dns, "--tls-roots", &root, "--tls-identity", &client];
    Verifier::of(&words).password(PASSWORD).run().ended(0);
}

#[test]
fn a_port_without_a_listener_and_one_that_speaks_otherwise_are_told() {
    let lab = lab();
    let root = lab.root_file();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
    let refused = silent.local_addr().expect("an address");
    drop(silent);
    for (address, transport, code) in [
        (refused, "tcp", "network.refused"),
        (lab.address(Transport::Tcp), "tls", "tls.handshake.failed"),
        (lab.address(Transport::Tcp), "ws", "network.websocket.refused"),
    ] {
        let uri = format!("sip:{address}");
        let words = [&uri, "--user", "alice", "--challenge-only", "--transport", transport, "--tls-roots", &root];
        let (said, shown) = Verifier::of(&words).json();
        said.ended(12);
        assert_eq!(shown["code"], code, "{transport}: {shown:#}");
    }
}

// covers: N1; knot
#[test]
fn a_registrar_that_has_srv_records_alone_is_found_and_asked_from_the_right_address() {
    let peer = Peer::registrar(challenged_once("carrier.example"));
    let lab = Streams::start(&[], &["only.carrier.example"]);
    let knot = Knot::start(&format!(
        "_sip._udp.only SRV 0 0 {} sbc\nsbc A {}\n_sips._tcp.only SRV 0 0 {} tls\ntls A 127.0.0.1",
        peer.address().port(),
        peer.address().ip(),
        lab.address(Transport::Tls).port()
    ));
    let (dns, root) = (knot.address().to_string(), lab.root_file());
    for (uri, more) in [("sip:only.carrier.example", &["--transport", "udp"][..]), ("sips:only.carrier.example", &["--tls-roots", &root])] {
        let words = [&[uri, "--user", "alice", "--dns", &dns][..], more].concat();
        let (said, shown) = Verifier::of(&words).password(PASSWORD).json();
        said.ended(0);
        let from = shown["evidence"]["sourceAddress"].as_str().expect("an address");
        assert!(from.starts_with("127.0.0.1:"), "not the default route's: {from}");
    }
}

#[test]
fn files_and_flags_that_cannot_be_right_are_told_before_anything_is_sent() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let empty = file.path().display().to_string();
    let both = format!("{empty},{empty}");
    for (words, code, says) in [
        (&["--tls-roots", "/nowhere/roots.pem"][..], 1, "/nowhere/roots.pem"),
        (&["--tls-roots", &empty], 1, "holds no certificate"),
        (&["--tls-identity", &both], 1, "holds no certificate"),
        (&["--tls-identity", &empty], 2, "CERT.pem,KEY.pem"),
        (&["--transport", "tcp"], 2, "demands TLS"),
        (&["--transport", "sctp"], 2, "sctp"),
    ] {
        let said = Verifier::of(&[&["sips:127.0.0.1", "--user", "u", "--challenge-only"][..], words].concat()).run().ended(code);
        assert!(said.err.contains(says) && said.out.is_empty(), "{words:?}: {}", said.err);
    }
}
