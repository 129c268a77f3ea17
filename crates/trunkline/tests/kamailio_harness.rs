//! The tests' own registrar is tested first: if Kamailio or its counts were wrong, every other test would be.

mod support;

use carrier::CertificateKind;
use carrier::certificates::Authority;
use support::capture::{Capture, payloads};
use support::digest::{Algorithm, Client};
use support::kamailio::{Kamailio, Options, Outcome, Streams};
use support::sipp::{Says, Sipp};
use support::udp::{self, Peer, status};
use support::wait::{self, secs};
use support::watch::watched;
use support::wire::{Trust, Wire};

fn registers_and_is_listed(kamailio: &Kamailio) {
    kamailio.add_user("alice", "12345");
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    let answer = client.register_with(kamailio.algorithm(), "12345", 600);
    assert_eq!(status(&answer), 200, "{answer}");
    let binding = kamailio.lookup("alice").expect("a binding");
    assert_eq!((binding.contact, binding.cseq), (client.contact(), 2));
    assert!((598..=600).contains(&binding.expires), "{}", binding.expires);
    assert_eq!((kamailio.registers("alice"), kamailio.digest_failures("alice"), kamailio.bindings()), (2, 0, 1));
}

#[test]
fn a_client_with_the_right_password_is_bound_under_md5() {
    registers_and_is_listed(&Kamailio::md5());
}

#[test]
fn a_client_with_the_right_password_is_bound_under_sha256() {
    let kamailio = Kamailio::sha256();
    registers_and_is_listed(&kamailio);
    let challenge = Client::new(kamailio.address(), kamailio.realm(), "alice").register(600, None);
    assert!(challenge.contains("algorithm=SHA-256"), "{challenge}");
}

#[test]
fn an_md5_digest_is_refused_by_a_sha256_registrar() {
    let kamailio = Kamailio::sha256();
    kamailio.add_user("alice", "secret");
    let answer = Client::new(kamailio.address(), kamailio.realm(), "alice").register_with(Algorithm::Md5, "secret", 600);
    assert_eq!(status(&answer), 401, "{answer}");
    assert_eq!(kamailio.lookup("alice"), None);
}

#[test]
fn a_wrong_digest_is_counted_exactly_once_and_a_missing_one_not_at_all() {
    for kamailio in [Kamailio::md5(), Kamailio::sha256()] {
        kamailio.add_user("alice", "right");
        kamailio.add_user("bob", "right");
        let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
        client.register(600, None);
        assert_eq!(kamailio.digest_failures("alice"), 0);
        assert_eq!(status(&client.register_with(kamailio.algorithm(), "wrong", 600)), 401);
        assert_eq!((kamailio.digest_failures("alice"), kamailio.digest_failures("bob")), (1, 0));
        assert_eq!((kamailio.registers("alice"), kamailio.lookup("alice")), (3, None));
        let outcomes: Vec<Outcome> = kamailio.seen_of("alice").iter().map(|register| register.outcome).collect();
        assert_eq!(outcomes, [Outcome::Unanswered, Outcome::Unanswered, Outcome::WrongDigest]);
    }
}

#[test]
fn a_password_changed_while_running_counts_from_then_on() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", "old");
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "old", 600)), 200);
    kamailio.set_password("alice", "new");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "old", 600)), 401);
    assert_eq!(status(&client.register_with(Algorithm::Md5, "new", 600)), 200);
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

#[test]
fn a_nonce_is_good_again_only_with_a_higher_count_and_not_beyond_its_expiry() {
    let kamailio = Kamailio::start(Options { nonce_expire: 2, ..Options::default() });
    kamailio.add_user("alice", "secret");
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    let challenge = client.register(600, None);
    let answers = [1, 2, 2].map(|count| {
        let authorization = client.authorization(Algorithm::Md5, "secret", &challenge, count);
        status(&client.register(600, Some(&authorization)))
    });
    assert_eq!(answers, [200, 200, 401]);
    let stale = wait::until("the nonce expires", secs(10), || {
        let count = u32::try_from(kamailio.registers("alice")).expect("few");
        let authorization = client.authorization(Algorithm::Md5, "secret", &challenge, count);
        Some(client.register(600, Some(&authorization))).filter(|answer| status(answer) == 401)
    });
    assert!(stale.contains("stale=true"), "{stale}");
    assert_eq!(kamailio.seen_of("alice").last().expect("seen").outcome, Outcome::StaleNonce);
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn a_query_without_contact_is_answered_and_an_unknown_user_gets_404() {
    let kamailio = Kamailio::md5();
    let answer = Client::new(kamailio.address(), kamailio.realm(), "nobody").register(600, None);
    assert_eq!(status(&answer), 404, "{answer}");
    assert_eq!(kamailio.seen()[0].outcome, Outcome::UnknownUser);
}

#[test]
fn a_binding_ends_by_its_owner_by_its_expiry_and_by_force() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", "secret");
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 600)), 200);
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 0)), 200);
    assert_eq!(kamailio.lookup("alice"), None);
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 600)), 200);
    kamailio.forget("alice");
    assert_eq!(kamailio.lookup("alice"), None);
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 1)), 200);
    wait::until_true("it lapses", secs(10), || kamailio.lookup("alice").is_none());
}

#[test]
fn a_person_sees_the_same_with_kamcmd() {
    let kamailio = Kamailio::md5();
    registers_and_is_listed(&kamailio);
    let shown = kamailio.kamcmd(&["ul.lookup", "location", "alice"]);
    assert!(shown.contains(&kamailio.lookup("alice").expect("a binding").contact), "{shown}");
}

#[test]
fn sipp_answers_options_and_refuses_register_before_or_after_a_digest() {
    let before = Sipp::refusing(403, "Forbidden (no such trunk)");
    assert_eq!(status(&Client::new(before.address(), "sipp.test", "pinger").options()), 200);
    let answer = Client::new(before.address(), "sipp.test", "alice").register(600, None);
    assert!(answer.starts_with("SIP/2.0 403 Forbidden (no such trunk)"), "{answer}");
    let after = Sipp::refusing_after_challenge(403, "Forbidden");
    let answer = Client::new(after.address(), "sipp.test", "alice").register_with(Algorithm::Md5, "any", 600);
    assert_eq!(status(&answer), 403, "{answer}");
    wait::until_true("its trace holds both", secs(5), || after.received("REGISTER").len() == 2);
}

#[test]
fn a_scripted_peer_counts_requests_and_not_retransmissions() {
    let peer = Peer::registrar(|request| Some(udp::challenge(request, "peer.test", "MD5", "n1")));
    let mut client = Client::new(peer.address(), "peer.test", "alice");
    assert_eq!(status(&client.register(600, None)), 401);
    assert_eq!(peer.registers().len(), 1);
    assert_eq!(peer.registers()[0].cseq(), 1);
    assert_eq!(peer.seen().len(), 1);
}

#[test]
fn a_capture_holds_what_went_over_the_wire() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", "secret");
    let folder = tempfile::tempdir().expect("folder");
    let capture = Capture::start(folder.path(), &format!("udp and host {}", kamailio.address().ip()));
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 600)), 200);
    let streams = payloads(&capture.finish());
    let texts: Vec<String> = streams.iter().map(|stream| String::from_utf8_lossy(stream).into_owned()).collect();
    assert!(texts.iter().any(|text| text.matches("REGISTER sip:kamailio.test SIP/2.0").count() == 2), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("SIP/2.0 401") && text.contains("SIP/2.0 200")), "{texts:?}");
}

#[test]
fn a_watch_sees_a_binding_that_is_away_for_a_moment() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", "secret");
    let mut client = Client::new(kamailio.address(), kamailio.realm(), "alice");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 600)), 200);
    let watch = watched(&kamailio, "alice", || {
        assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 0)), 200);
        wait::holds_for("away", std::time::Duration::from_millis(400), || kamailio.lookup("alice").is_none());
        assert_eq!(status(&client.register_with(Algorithm::Md5, "secret", 600)), 200);
    });
    assert!(watch.missing() >= 1 && watch.missing() < watch.looks.len(), "{} of {}", watch.missing(), watch.looks.len());
}

#[test]
fn over_every_transport_a_client_is_answered_and_bound() {
    let authority = Authority::new("kamailio").expect("an authority");
    let identity = authority.server(CertificateKind::Good, &["kamailio.test"]).expect("a certificate");
    let kamailio = Kamailio::on_streams(identity);
    kamailio.add_user("alice", "secret");
    let root = authority.root();
    let trust = Trust { root: &root, name: "kamailio.test", identity: None };
    let wires = [
        Wire::udp(kamailio.address()),
        Wire::tcp(kamailio.address()),
        Wire::tls(kamailio.secured(), &trust).expect("TLS"),
        Wire::ws(kamailio.address()),
        Wire::wss(kamailio.secured(), &trust).expect("TLS"),
    ];
    for wire in wires {
        let (transport, port) = (wire.transport(), wire.local().port());
        let mut client = Client::over(wire, kamailio.realm(), "alice");
        let answer = client.options();
        assert_eq!(status(&answer), 200, "{transport}: {answer}");
        let answer = client.register_with(Algorithm::Md5, "secret", 600);
        assert_eq!(status(&answer), 200, "{transport}: {answer}");
        let seen = kamailio.seen_of("alice");
        let last = seen.last().expect("seen");
        assert_eq!((last.transport.as_str(), last.port, last.outcome), (transport.to_ascii_lowercase().as_str(), port, Outcome::Proved));
    }
    assert_eq!(kamailio.bindings_of("alice").len(), 5);
}

#[test]
fn tls_is_refused_on_either_side_for_its_reason() {
    let authority = Authority::new("kamailio").expect("an authority");
    let root = authority.root();
    let client = authority.client(&["edge.test"]).expect("a certificate");
    let trust = |identity| Trust { root: &root, name: "kamailio.test", identity };
    let expired = authority.server(CertificateKind::Expired, &["kamailio.test"]).expect("a certificate");
    let kamailio = Kamailio::on_streams(expired);
    let error = Wire::tls(kamailio.secured(), &trust(None)).err().expect("expired");
    assert!(error.to_string().contains("expired"), "{error}");
    let identity = authority.server(CertificateKind::Good, &["kamailio.test"]).expect("a certificate");
    let streams = Streams { identity, client_root: Some(authority.root()) };
    let kamailio = Kamailio::start(Options { streams: Some(streams), ..Options::default() });
    kamailio.add_user("alice", "secret");
    let wire = Wire::tls(kamailio.secured(), &trust(Some(&client))).expect("TLS");
    let answer = Client::over(wire, kamailio.realm(), "alice").register_with(Algorithm::Md5, "secret", 600);
    assert_eq!(status(&answer), 200, "{answer}");
    // TLS 1.3: whoever has no certificate hears of it after the handshake.
    let answered = Wire::tls(kamailio.secured(), &trust(None)).is_ok_and(|mut wire| wire.is_open());
    assert!(!answered);
}

#[test]
fn sipp_plays_a_script_over_tcp() {
    let challenge = ["WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"one\", qop=\"auth\", algorithm=MD5"];
    let carrier = Sipp::saying_on("tcp", &[Says(401, "Unauthorized", &challenge), Says(200, "OK", &["Expires: 600"])]);
    assert!(carrier.uri().ends_with(";transport=tcp"));
    let mut client = Client::over(Wire::tcp(carrier.address()), "sipp.test", "alice");
    assert_eq!(status(&client.register_with(Algorithm::Md5, "any", 600)), 200);
    wait::until_true("its trace holds both", secs(5), || carrier.received("REGISTER").len() == 2);
}
