//! What carriers offer: other algorithms, several challenges, none of the parameters one expects. The digests are recomputed here.

use serde_json::json;

use crate::support::digest::{Algorithm, is_right, parameter};
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::udp::{self, Peer, has_digest, header};

/// A registrar that offers these challenges and grants to whoever answers one of these algorithms rightly.
fn offering(challenges: &'static str, accepts: &'static [Algorithm]) -> Peer {
    Peer::registrar(move |request| {
        if accepts.iter().any(|algorithm| is_right(request, *algorithm, PASSWORD)) {
            return Some(udp::granted(request, 600));
        }
        let headers: String = challenges.lines().map(|line| format!("WWW-Authenticate: Digest {}\r\n", line.trim())).collect();
        Some(udp::reply(request, 401, "Unauthorized", &headers))
    })
}

/// Sets credentials at such a registrar and gives the algorithm that is shown and the header that was sent.
#[track_caller]
fn accepted(challenges: &'static str, accepts: &'static [Algorithm]) -> (String, String) {
    let peer = offering(challenges, accepts);
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    let registers = peer.registers();
    let sent = registers.iter().find(|seen| has_digest(&seen.text)).expect("a digest");
    let sent = header(&sent.text, "Authorization").expect("a header").to_owned();
    (answer.at("/credentials/algorithm").as_str().expect("an algorithm").to_owned(), sent)
}

// covers: C2
#[test]
fn sha_512_256_is_answered() {
    let (shown, _) = accepted(r#"realm="peer.test", nonce="n1", qop="auth", algorithm=SHA-512-256"#, &[Algorithm::Sha512t256]);
    assert_eq!(shown, "SHA-512-256");
}

// covers: C3, RFC 7616 3.7
#[test]
fn the_strongest_of_several_challenges_is_answered_wherever_it_stands() {
    let offer = r#"realm="peer.test", nonce="n1", qop="auth", algorithm=MD2
        realm="peer.test", nonce="n2", qop="auth", algorithm=MD5
        realm="peer.test", nonce="n3", qop="auth", algorithm=SHA-256"#;
    let (shown, sent) = accepted(offer, &[Algorithm::Sha256]);
    assert_eq!((shown.as_str(), parameter(&sent, "nonce")), ("SHA-256", Some("n3")));
}

// covers: C4
#[test]
fn a_challenge_without_an_algorithm_means_md5() {
    let (shown, _) = accepted(r#"realm="peer.test", nonce="n1", qop="auth""#, &[Algorithm::Md5]);
    assert_eq!(shown, "MD5");
}

// covers: C6, RFC 3261 22.4
#[test]
fn a_challenge_without_qop_is_answered_without_nc_and_cnonce() {
    let (_, sent) = accepted(r#"realm="peer.test", nonce="n1", algorithm=MD5"#, &[Algorithm::Md5]);
    for absent in ["qop", "nc", "cnonce"] {
        assert_eq!(parameter(&sent, absent), None, "{sent}");
    }
}

// covers: C7
#[test]
fn the_opaque_comes_back_and_auth_is_taken_of_auth_and_auth_int() {
    let (_, sent) = accepted(r#"realm="peer.test", nonce="n1", opaque="o/1==", qop="auth,auth-int", algorithm=MD5"#, &[Algorithm::Md5]);
    // The opaque holds '=': `parameter` splits at the first.
    assert!(sent.contains(r#"opaque="o/1==""#), "{sent}");
    assert_eq!(parameter(&sent, "qop"), Some("auth"));
    assert_eq!(parameter(&sent, "uri"), Some("sip:peer.test"));
}

// covers: C10
#[test]
fn of_two_realms_the_named_one_is_answered() {
    let offer = r#"realm="other.test", nonce="n1", qop="auth", algorithm=SHA-256
        realm="peer.test", nonce="n2", qop="auth", algorithm=MD5"#;
    let peer = offering(offer, &[Algorithm::Md5]);
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    let mut body = credentials("t1", "alice", PASSWORD);
    body["credentials"]["realm"] = json!("peer.test");
    scene.api.set_credentials(&body).expect(201);
    assert!(
        !peer
            .registers()
            .iter()
            .any(|seen| parameter(header(&seen.text, "Authorization").unwrap_or_default(), "realm") == Some("other.test"))
    );
}

// covers: C11
#[test]
fn a_stale_nonce_is_answered_with_the_new_one_and_is_no_failure() {
    let mut count = 0;
    let peer = Peer::registrar(move |request| {
        if !has_digest(request) {
            return Some(udp::challenge(request, "peer.test", "MD5", "old"));
        }
        count += 1;
        if count == 1 {
            let stale = "WWW-Authenticate: Digest realm=\"peer.test\", nonce=\"new\", stale=TRUE, qop=\"auth\", algorithm=MD5\r\n";
            return Some(udp::reply(request, 401, "Unauthorized", stale));
        }
        Some(udp::granted(request, 600))
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
}

// covers: F4
#[test]
fn an_interval_too_brief_is_adopted() {
    let peer = Peer::registrar(|request| {
        if !has_digest(request) {
            return Some(udp::challenge(request, "peer.test", "MD5", "n1"));
        }
        let asked: u32 = header(request, "Expires").and_then(|text| text.parse().ok()).unwrap_or(0);
        let binds = header(request, "Contact").is_some();
        Some(match binds && asked < 1_800 {
            true => udp::reply(request, 423, "Interval Too Brief", "Min-Expires: 1800\r\n"),
            false => udp::granted(request, 1_800),
        })
    });
    let scene = Scene::new();
    scene.trunk_at(&peer.uri(), "peer.test", &json!({"expires": 600}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
}

// covers: F8, F9, F13, F14
#[test]
fn what_else_is_refused_has_its_own_code() {
    let rows: &[(&'static str, u16, &'static str, &str)] = &[
        ("401 without a challenge", 401, "", "sip.challenge.missing"),
        ("a challenge without a nonce", 401, "WWW-Authenticate: Digest realm=\"peer.test\"\r\n", "sip.challenge.malformed"),
        (
            "a proxy's challenge",
            407,
            "Proxy-Authenticate: Digest realm=\"proxy.test\", nonce=\"n\", qop=\"auth\"\r\n",
            "sip.proxy.credentials_required",
        ),
        ("a redirection", 302, "Contact: <sip:elsewhere.test>\r\n", "sip.redirected"),
        ("an extension", 421, "Require: outbound\r\n", "sip.extension.required"),
        ("a refusal everywhere", 603, "", "carrier.declined"),
    ];
    let scene = Scene::new();
    for (index, (what, code, headers, expected)) in rows.iter().enumerate() {
        let (code, headers) = (*code, *headers);
        let peer = Peer::registrar(move |request| Some(udp::reply(request, code, "Because", headers)));
        let (carrier, trunk) = (format!("c{index}"), format!("t{index}"));
        scene.carrier(&carrier, &peer.uri(), &json!({}));
        scene.trunk(&trunk, &carrier, "alice", "peer.test", &json!({}));
        let body = match code {
            407 => json!({"trunkId": trunk, "credentials": {"username": "alice", "password": PASSWORD, "realm": "peer.test"}}),
            _ => credentials(&trunk, "alice", PASSWORD),
        };
        let answer = scene.api.set_credentials(&body);
        assert_eq!((answer.status, answer.code()), (422, *expected), "{what}: {}", answer.text);
        assert!(!peer.registers().iter().any(|seen| has_digest(&seen.text)), "{what}: no digest");
    }
}
