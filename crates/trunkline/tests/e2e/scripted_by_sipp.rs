//! Carriers as SIPp scripts: what Kamailio does not do by itself, said by a program that is not ours either.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::api::REGISTRATIONS;
use crate::support::digest::{self, Algorithm};
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::sipp::{Says, Sipp};
use crate::support::wait::{self, secs};

/// One answer's challenge with a nonce.
const N1: &str = "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"one\", qop=\"auth\", algorithm=MD5";
const N2: &str = "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"two\", qop=\"auth\", algorithm=MD5";

/// Registers a trunk at a script: no query and no OPTIONS, so that the script sees nothing but the registration.
fn registered(script: &[Says<'_>]) -> (Scene, Sipp, Value) {
    let carrier = Sipp::saying(script);
    let scene = Scene::new();
    scene.trunk_at(&carrier.uri(), "sipp.test", &json!({"options": {"interval": 0}}));
    let mut body = credentials("t1", "alice", PASSWORD);
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(201);
    let shown = scene.wait_registration("t1", "bound", |json| json["bound"] == true);
    (scene, carrier, shown.json)
}

/// Waits until SIPp has logged so many REGISTERs.
fn registers(carrier: &Sipp, count: usize) -> Vec<String> {
    wait::until("SIPp has logged them", secs(30), || Some(carrier.received("REGISTER")).filter(|requests| requests.len() >= count))
}

fn line<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn cseq(message: &str) -> u32 {
    let number = line(message, "CSeq").and_then(|value| value.split(' ').next()).expect("a CSeq");
    number.parse().expect("a number")
}

// covers: C3, RFC 7616 3.7, RFC 8760 2.4; SIPp
#[test]
fn of_three_challenges_the_strongest_is_answered_once() {
    let offers = [
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"a\", qop=\"auth\", algorithm=MD2",
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"b\", qop=\"auth\", algorithm=MD5",
        "WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"c\", qop=\"auth\", algorithm=SHA-256",
    ];
    let (_scene, carrier, shown) = registered(&[Says(401, "Unauthorized", &offers), Says(200, "OK", &["Expires: 600"])]);
    assert_eq!(shown["edges"][0]["negotiated"]["offered"].as_array().map(Vec::len), Some(3), "{shown:#}");
    let seen = registers(&carrier, 2);
    let answer = line(&seen[1], "Authorization").expect("an answer");
    assert!(answer.contains("nonce=\"c\"") && answer.contains("algorithm=SHA-256"), "{answer}");
    assert_eq!(seen[1].matches("Authorization:").count(), 1);
}

fn parameter<'m>(message: &'m str, name: &str) -> Option<&'m str> {
    digest::parameter(line(message, "Authorization")?, name)
}

// covers: C1, B8; SIPp
#[test]
fn a_refresh_answers_the_nonce_unasked_with_the_next_count_and_the_next_cseq() {
    let (_scene, carrier, _shown) =
        registered(&[Says(401, "Unauthorized", &[N1]), Says(200, "OK", &["Expires: 20"]), Says(200, "OK", &["Expires: 600"])]);
    let seen = registers(&carrier, 3);
    assert_eq!(seen[1..3].iter().map(|message| parameter(message, "nc")).collect::<Vec<_>>(), [Some("00000001"), Some("00000002")]);
    assert_eq!(parameter(&seen[1], "cnonce"), parameter(&seen[2], "cnonce"), "kept as long as its nonce");
    assert!(seen[1..3].iter().all(|message| digest::is_right(message, Algorithm::Md5, PASSWORD)));
    assert!(seen.windows(2).all(|two| line(&two[0], "Call-ID") == line(&two[1], "Call-ID") && cseq(&two[0]) < cseq(&two[1])));
}

/// What OpenSSL makes of a text.
fn openssl(hash: &str, text: &str) -> String {
    let mut openssl = Command::new("openssl");
    let mut child = openssl.args(["dgst", hash, "-r"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("openssl");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("openssl reads");
    let out = child.wait_with_output().expect("openssl ends");
    String::from_utf8(out.stdout).expect("text").split(' ').next().expect("a digest").to_owned()
}

// covers: C2, RFC 7616 3.4.1, RFC 8760 2.1; SIPp
#[test]
fn sha_256_and_sha_512_256_are_answered_as_openssl_computes_them() {
    for (name, hash) in [("SHA-256", "-sha256"), ("SHA-512-256", "-sha512-256")] {
        let offer = format!("WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"one\", qop=\"auth\", algorithm={name}");
        let (_scene, carrier, shown) = registered(&[Says(401, "Unauthorized", &[&offer]), Says(200, "OK", &["Expires: 600"])]);
        assert_eq!(shown["edges"][0]["negotiated"]["algorithm"], name);
        let seen = registers(&carrier, 2);
        let of = |what: &str| parameter(&seen[1], what).unwrap_or_else(|| panic!("no {what}: {}", seen[1]));
        assert_eq!(of("algorithm"), name);
        let ha1 = openssl(hash, &format!("alice:sipp.test:{PASSWORD}"));
        let ha2 = openssl(hash, &format!("REGISTER:{}", of("uri")));
        let response = openssl(hash, &format!("{ha1}:one:{}:{}:auth:{ha2}", of("nc"), of("cnonce")));
        assert_eq!(of("response"), response, "{name}");
    }
}

// covers: C11; SIPp
#[test]
fn a_stale_nonce_is_answered_with_the_new_one() {
    let stale = format!("{N2}, stale=true");
    let (scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(200, "OK", &["Expires: 20"]),
        Says(401, "Unauthorized", &[&stale]),
        Says(200, "OK", &["Expires: 600"]),
    ]);
    let seen = registers(&carrier, 4);
    assert_eq!((parameter(&seen[3], "nonce"), parameter(&seen[3], "nc")), (Some("two"), Some("00000001")));
    let shown = scene.wait_registration("t1", "refreshed", |json| json["registrationState"] == "REGISTERED");
    assert!(shown.at("/edges/0").get("diagnosis").is_none(), "no false alarm: {}", shown.text);
}

// covers: F3; SIPp
#[test]
fn a_user_that_sipp_does_not_know_is_told_as_such() {
    let carrier = Sipp::refusing(404, "Not Found");
    let scene = Scene::new();
    scene.trunk_at(&carrier.uri(), "sipp.test", &json!({}));
    let refused = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(422);
    assert_eq!((refused.at("/code"), refused.at("/diagnosis/credentialSent")), (&json!("sip.user.unknown"), &json!(false)));
}

// covers: B1, B4; SIPp
#[test]
fn what_the_contact_is_granted_counts_less_or_more() {
    let more = ["Contact: <sip:other@192.0.2.77>;expires=33, [$uri];expires=7200", "Expires: 44"];
    let (scene, carrier, _shown) =
        registered(&[Says(401, "Unauthorized", &[N1]), Says(200, "OK", &["Contact: [$uri];expires=20"]), Says(200, "OK", &more)]);
    // 600 s were asked for; a binding of 20 s is renewed before they are over.
    assert_eq!(registers(&carrier, 3).len(), 3);
    let shown = scene.wait_registration("t1", "granted more", |json| {
        let left = json["edges"][0]["expiresAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        left.is_some_and(|at| at.duration_since(jiff::Timestamp::now()).as_secs() > 7_000)
    });
    assert_eq!(shown.at("/registrationState"), "REGISTERED");
}

// covers: B7, RFC 3261 10.2.2; SIPp
#[test]
fn a_challenged_un_register_is_answered() {
    let (scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(200, "OK", &["Expires: 600"]),
        Says(401, "Unauthorized", &[N2]),
        Says(200, "OK", &[]),
    ]);
    scene.api.delete(&format!("{REGISTRATIONS}/t1")).expect(204);
    let seen = registers(&carrier, 4);
    assert!(seen[2..4].iter().all(|message| line(message, "Contact").is_some_and(|contact| contact.ends_with(";expires=0"))), "{seen:?}");
    assert_eq!(parameter(&seen[3], "nonce"), Some("two"));
    wait::until_true("the API says so", secs(15), || scene.api.registration("t1").json["bound"] == false);
}

// covers: C6, RFC 3261 22.4, RFC 7616 3.4.1; SIPp
#[test]
fn a_challenge_without_qop_is_answered_as_rfc_2069_did() {
    let offer = ["WWW-Authenticate: Digest realm=\"sipp.test\", nonce=\"a\""];
    let (_scene, carrier, _shown) = registered(&[Says(401, "Unauthorized", &offer), Says(200, "OK", &["Expires: 600"])]);
    let seen = registers(&carrier, 2);
    let answer = line(&seen[1], "Authorization").expect("an answer");
    assert!(!answer.contains("nc=") && !answer.contains("cnonce=") && !answer.contains("qop="), "{answer}");
}

// covers: C12, B3a, B4; SIPp
#[test]
fn a_refused_nonce_without_stale_is_no_failure() {
    let granted = ["Expires: 20"];
    let (scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(200, "OK", &granted),
        Says(401, "Unauthorized", &[N2]),
        Says(200, "OK", &granted),
    ]);
    let seen = registers(&carrier, 4);
    assert!(line(&seen[2], "Authorization").is_some_and(|answer| answer.contains("nonce=\"one\"")), "unasked, with the remembered nonce");
    assert!(line(&seen[3], "Authorization").is_some_and(|answer| answer.contains("nonce=\"two\"")));
    let shown = scene.wait_registration("t1", "refreshed", |json| json["registrationState"] == "REGISTERED");
    assert!(shown.at("/edges/0").get("diagnosis").is_none(), "no false alarm: {}", shown.text);
}

// covers: F4, RFC 3261 10.2.8; SIPp
#[test]
fn a_longer_minimum_is_adopted_in_the_same_exchange() {
    let (_scene, carrier, _shown) = registered(&[
        Says(401, "Unauthorized", &[N1]),
        Says(423, "Interval Too Brief", &["Min-Expires: 1800"]),
        Says(200, "OK", &["Expires: 1800"]),
    ]);
    let seen = registers(&carrier, 3);
    assert_eq!([&seen[1], &seen[2]].map(|message| line(message, "Expires")), [Some("600"), Some("1800")]);
}

// covers: F15; SIPp
#[test]
fn a_cseq_that_is_called_too_low_is_raised_under_the_same_call_id() {
    let (_scene, carrier, _shown) =
        registered(&[Says(400, "Invalid CSeq", &[]), Says(401, "Unauthorized", &[N1]), Says(200, "OK", &["Expires: 600"])]);
    let seen = registers(&carrier, 3);
    assert_eq!(cseq(&seen[1]), cseq(&seen[0]) + 100_001);
    assert_eq!(line(&seen[1], "Call-ID"), line(&seen[0], "Call-ID"));
}
