use std::io::Read;

use rcgen::date_time_ymd;
use rustls::version::{TLS12, TLS13};
use ua::{FlowFault, TlsFault, TlsSettings, Transport};

use super::authority::{Authority, Issued, Server, dns, params, uri};
use super::stage::{Stage, accept, expect, listener, message, say};
use crate::tls::TlsIdentity;

const NAME: &str = "sbc.carrier.example";

fn trusting(roots: &str) -> TlsSettings {
    TlsSettings { roots: Some(roots.into()), ..TlsSettings::default() }
}

/// Dials a registrar that shows that certificate, and returns what came of it.
fn shown(issued: &Issued, name: &str, settings: TlsSettings) -> Result<String, TlsFault> {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let server = Server::new(issued, None, &[&TLS12, &TLS13]).accept(&listener);
    let flow = stage.dial(to, Transport::Tls, name, settings);
    let outcome = match stage.told() {
        crate::shard::ToShard::Opened { opening, .. } => Ok(opening.secured.unwrap().into_string()),
        crate::shard::ToShard::Closed { fault: FlowFault::Tls(fault), flow: told } if told == flow => Err(fault),
        other => panic!("{other:?}"),
    };
    stage.connections.close(flow);
    assert!(server.join().unwrap().is_some() || outcome.is_err());
    stage.stop();
    outcome
}

fn untrusted(outcome: Result<String, TlsFault>, words: &str) {
    match outcome {
        Err(TlsFault::Untrusted(why)) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}, not {words}"),
    }
}

#[test]
fn messages_and_keep_alives_travel_under_tls() {
    let authority = Authority::new("a private authority");
    let issued = authority.issue(&[dns(NAME)]);
    for (version, words) in [(&TLS12, "TLS 1.2 TLS_ECDHE_"), (&TLS13, "TLS 1.3 TLS13_")] {
        let (listener, to) = listener("127.0.0.1:0");
        let mut stage = Stage::new();
        let accepting = Server::new(&issued, None, &[version]).accept(&listener);
        let flow = stage.dial(to, Transport::Tls, NAME, trusting(&authority.pem()));
        stage.connections.send(flow, b"before");
        let mut peer = accepting.join().unwrap().unwrap();
        let secured = stage.opened(flow).secured.unwrap();
        assert!(secured.starts_with(words), "{secured}");
        stage.connections.ping(flow);
        expect(&mut peer, b"before\r\n\r\n");
        say(&mut peer, &[b"\r\n", &message("1", 3_000)[..]].concat());
        stage.pong(flow);
        assert_eq!(stage.message(flow), message("1", 3_000));
        stage.connections.close(flow);
        assert_eq!(peer.read(&mut [0; 16]).unwrap(), 0, "closed in order, with close_notify");
        drop(peer);
        stage.stop();
    }
}

// covers: RFC 5922 7.1, RFC 5922 7.3
#[test]
fn the_registrars_name_is_found_where_rfc_5922_has_it() {
    let authority = Authority::new("a private authority");
    let roots = || trusting(&authority.pem());
    for (names, name) in [
        (vec![dns(NAME)], NAME),
        (vec![dns("other.example"), uri("sip:sbc.carrier.example")], NAME),
        (vec![rcgen::SanType::IpAddress("127.0.0.1".parse().unwrap())], "127.0.0.1"),
        (vec![rcgen::SanType::IpAddress("2001:db8::1".parse().unwrap())], "2001:db8::1"),
    ] {
        shown(&authority.issue(&names), name, roots()).unwrap_or_else(|fault| panic!("{names:?}: {fault}"));
    }
    // Without any alternative name the subject's common name counts, under the profile's own roots.
    shown(&authority.sign(params(&[], NAME)), NAME, roots()).unwrap();
    let other = [dns("other.example"), uri("sip:user@sbc.carrier.example"), uri("sips:sbc.carrier.example")];
    let fault = shown(&authority.issue(&other), NAME, roots()).unwrap_err();
    assert_eq!(fault, TlsFault::Name { presented: vec!["other.example".into()], wildcard: false });
}

// covers: RFC 5922 7.2
#[test]
fn a_wildcard_counts_only_if_the_profile_says_so() {
    let authority = Authority::new("a private authority");
    let issued = authority.issue(&[dns("*.carrier.example")]);
    let strict = trusting(&authority.pem());
    let lax = TlsSettings { wildcard: true, ..strict.clone() };
    let fault = shown(&issued, NAME, strict).unwrap_err();
    assert_eq!(fault, TlsFault::Name { presented: vec!["*.carrier.example".into()], wildcard: true });
    shown(&issued, NAME, lax.clone()).unwrap();
    let fault = shown(&issued, "deep.sbc.carrier.example", lax).unwrap_err();
    assert_eq!(fault, TlsFault::Name { presented: vec!["*.carrier.example".into()], wildcard: false });
}

#[test]
fn a_certificate_out_of_its_time_is_refused_with_the_time() {
    let authority = Authority::new("a private authority");
    let mut old = params(&[dns(NAME)], NAME);
    (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 2, 3));
    let mut young = params(&[dns(NAME)], NAME);
    (young.not_before, young.not_after) = (date_time_ymd(2090, 4, 5), date_time_ymd(2091, 1, 1));
    for (params, words) in [(old, "has expired at 2021-02-03T00:00:00Z"), (young, "is valid from 2090-04-05T00:00:00Z")] {
        match shown(&authority.sign(params), NAME, trusting(&authority.pem())) {
            Err(TlsFault::Expired(why)) => assert_eq!(why, format!("the certificate of \"CN={NAME}\" {words}")),
            other => panic!("{other:?}"),
        }
    }
    let mut expired = params(&[dns(NAME)], NAME);
    (expired.not_before, expired.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 2, 3));
    let key = rcgen::KeyPair::generate().unwrap();
    let pinned = Issued { certificate: expired.self_signed(&key).unwrap(), key };
    let fault = shown(&pinned, NAME, trusting(&pinned.certificate.pem())).unwrap_err();
    assert!(matches!(fault, TlsFault::Expired(_)), "the profile's naming it makes it no younger: {fault}");
}

#[test]
fn only_those_whom_the_profile_trusts_may_vouch() {
    let (authority, other) = (Authority::new("a private authority"), Authority::new("another authority"));
    let issued = authority.issue(&[dns(NAME)]);
    untrusted(
        shown(&issued, NAME, trusting(&other.pem())),
        "issued by \"CN=a private authority\"; no chain leads from there to the profile's tls.roots",
    );
    untrusted(shown(&issued, NAME, TlsSettings::default()), "to the public roots");
    shown(&issued, NAME, trusting(&[other.pem(), authority.pem()].concat())).unwrap();
    for as_authority in [false, true] {
        let itself = Issued::by_itself(&[dns(NAME)], as_authority);
        untrusted(shown(&itself, NAME, TlsSettings::default()), "is signed by itself, and is not among the public roots");
        untrusted(shown(&itself, NAME, trusting(&authority.pem())), "is signed by itself");
        shown(&itself, NAME, trusting(&itself.certificate.pem())).unwrap();
        let fault = shown(&itself, "other.example", trusting(&itself.certificate.pem())).unwrap_err();
        assert!(matches!(fault, TlsFault::Name { .. }), "its name counts all the same: {fault}");
    }
}

#[test]
fn an_authority_is_no_registrar_and_a_clients_certificate_no_servers() {
    let authority = Authority::new("a private authority");
    let mut between = params(&[dns(NAME)], "an authority between");
    between.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    untrusted(shown(&authority.sign(between), NAME, trusting(&authority.pem())), "an authority's, not a server's");
    let mut client = params(&[dns(NAME)], NAME);
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    untrusted(shown(&authority.sign(client), NAME, trusting(&authority.pem())), "not meant for servers");
}

#[test]
fn roots_that_cannot_be_read_are_told() {
    for (pem, words) in [
        ("", "tls.roots holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n", "cannot be read as PEM"),
        ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n", "cannot be used, because of certificate 1"),
    ] {
        match shown_to_nobody(trusting(pem)) {
            TlsFault::Handshake(why) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

/// Dials with settings that end it before there is a handshake.
fn shown_to_nobody(settings: TlsSettings) -> TlsFault {
    let (_listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.dial(to, Transport::Tls, NAME, settings);
    let fault = match stage.closed(flow) {
        FlowFault::Tls(fault) => fault,
        other => panic!("{other:?}"),
    };
    stage.stop();
    fault
}

/// Dials a registrar that demands a client certificate; takes the fault, whenever it comes, or that a message came back.
fn demanded(
    version: &'static rustls::SupportedProtocolVersion,
    demands: &Authority,
    held: &[TlsIdentity],
    names: Option<&str>,
) -> Option<FlowFault> {
    let authority = Authority::new("a private authority");
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::holding(held);
    let accepting = Server::new(&authority.issue(&[dns(NAME)]), Some(demands), &[version]).accept(&listener);
    let settings = TlsSettings { client_certificate: names.map(Into::into), ..trusting(&authority.pem()) };
    let flow = stage.dial(to, Transport::Tls, NAME, settings);
    stage.connections.send(flow, b"REGISTER");
    let peer = accepting.join().unwrap();
    let fault = loop {
        match stage.told() {
            crate::shard::ToShard::Opened { .. } if peer.is_some() => break None,
            crate::shard::ToShard::Opened { .. } => {}
            crate::shard::ToShard::Closed { fault, .. } => break Some(fault),
            other => panic!("{other:?}"),
        }
    };
    if let Some(mut peer) = peer {
        expect(&mut peer, b"REGISTER");
    }
    stage.stop();
    fault
}

#[test]
fn a_client_certificate_is_shown_where_the_profile_names_one() {
    let directory = tempfile::tempdir().unwrap();
    let (clients, others) = (Authority::new("the carrier's customers"), Authority::new("another carrier's customers"));
    let held = [clients.issue(&[]).identity("customer", directory.path()), others.issue(&[]).identity("stranger", directory.path())];
    for version in [&TLS12, &TLS13] {
        assert_eq!(demanded(version, &clients, &held, Some("customer")), None);
        for (names, words) in [(None, "asks for a client certificate"), (Some("stranger"), "does not take the client certificate")] {
            match demanded(version, &clients, &held, names) {
                Some(FlowFault::Tls(TlsFault::ClientCertificate(why))) => assert!(why.contains(words), "{version:?}: {why}"),
                other => panic!("{version:?}, {names:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_client_certificate_that_the_edge_has_not_is_told_with_those_that_it_has() {
    let (_listener, to) = listener("127.0.0.1:0");
    let directory = tempfile::tempdir().unwrap();
    let held = Authority::new("clients").issue(&[]).identity("customer", directory.path());
    let mut stage = Stage::holding(&[held]);
    let flow = stage.dial(to, Transport::Tls, NAME, TlsSettings { client_certificate: Some("mine".into()), ..TlsSettings::default() });
    match stage.closed(flow) {
        FlowFault::Tls(TlsFault::Handshake(why)) => assert!(why.contains("\"mine\"; this edge holds customer"), "{why}"),
        other => panic!("{other:?}"),
    }
    stage.stop();
}

#[test]
fn what_speaks_no_tls_is_told() {
    for (answer, words) in [(&b"SIP/2.0 400 Bad Request\r\n\r\n"[..], "speaks no TLS"), (b"", "closed")] {
        let (listener, to) = listener("127.0.0.1:0");
        let mut stage = Stage::new();
        let flow = stage.dial(to, Transport::Tls, NAME, TlsSettings::default());
        let mut peer = accept(&listener);
        // The whole of its greeting, lest the close resets.
        let mut head = [0; 5];
        peer.read_exact(&mut head).unwrap();
        peer.read_exact(&mut vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))]).unwrap();
        say(&mut peer, answer);
        drop(peer);
        match stage.closed(flow) {
            FlowFault::Tls(TlsFault::Handshake(why)) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
        stage.stop();
    }
}

#[test]
fn who_takes_the_connection_and_says_nothing_is_given_up() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let secure = stage.dial(to, Transport::Tls, NAME, TlsSettings::default());
    let plain = stage.dial(to, Transport::Ws, NAME, TlsSettings::default());
    let _peers = [accept(&listener), accept(&listener)];
    for _ in 0..2 {
        match stage.told() {
            crate::shard::ToShard::Closed { flow, fault: FlowFault::Tls(TlsFault::Handshake(why)) } if flow == secure => {
                assert_eq!(why, "it does not answer the TLS handshake");
            }
            crate::shard::ToShard::Closed { flow, fault: FlowFault::WebSocket(why) } if flow == plain => {
                assert_eq!(why, "it does not answer the request for a WebSocket");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stage.tally.sum().connections_failed, 2);
    stage.stop();
}
