//! Bad input gets a clear error that names the thing and the way out; nothing is half-written.

use serde_json::{Value, json};

use crate::support::api::{Answer, REGISTRATIONS};
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with, merge};

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// A trunk at a Kamailio that must not hear of what is refused here.
fn stage() -> (Kamailio, Scene) {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    (kamailio, scene)
}

/// Posts credentials with one field changed for each row; every row is refused with its code and names its field.
fn each_is_refused(rows: &[(&str, Value, &str)]) {
    let (kamailio, scene) = stage();
    for (field, value, code) in rows {
        let body = credentials_with("t1", "alice", PASSWORD, &json!({*field: value}));
        let answer = scene.api.set_credentials(&body);
        assert_eq!((answer.status, answer.code()), (400, *code), "{field} = {value}: {}", answer.text);
        let answer = answer.refused(400, code);
        let named = answer.at("/details/0/fieldName").as_str().expect("a fieldName");
        assert!(named == format!("credentials.{field}") || named.starts_with(&format!("credentials.{field}.")), "{named}: {}", answer.text);
        form(&answer);
    }
    assert_eq!(kamailio.seen().len(), 0, "the carrier was not asked");
    let shown = scene.api.registration("t1");
    for version in ["activeVersion", "stagedVersion", "lastRejected"] {
        assert!(shown.json["credentials"].get(version).is_none(), "nothing was written: {}", shown.text);
    }
}

fn form(answer: &Answer) {
    assert_eq!(answer.at("/diagnosis/stage"), "form");
    assert_eq!(answer.at("/diagnosis/initiator"), "platform");
    assert!(answer.at("/diagnosis/remedy").as_str().is_some_and(|text| text.len() > 10), "{}", answer.text);
}

#[test]
fn what_copying_from_a_sheet_leaves_is_named() {
    let code = "registration.whitespace";
    each_is_refused(&[
        ("password", json!(format!("{PASSWORD} ")), code),
        ("password", json!(format!(" {PASSWORD}")), code),
        ("password", json!("sec\u{a0}ret"), code),
        ("password", json!("sec\u{200b}ret"), code),
        ("password", json!("\u{feff}secret"), code),
        ("password", json!("\u{201c}secret\u{201d}"), code),
        ("password", json!("secret\n"), code),
        ("username", json!("alice\u{a0}"), code),
        ("username", json!("ali\u{200d}ce"), code),
        ("username", json!("\talice"), code),
        ("realm", json!("kamailio.test "), code),
        ("realm", json!("\u{2018}kamailio.test\u{2019}"), code),
    ]);
}

#[test]
fn a_malformed_field_is_named_with_its_own_code() {
    each_is_refused(&[
        ("username", json!(""), "registration.username.malformed"),
        ("username", json!("al\u{1}ice"), "registration.username.malformed"),
        ("password", json!(""), "registration.password.empty"),
        ("realm", json!("sip:kamailio.test"), "registration.realm.malformed"),
        ("realm", json!("\"kamailio.test\""), "registration.realm.malformed"),
        ("realm", json!("kam\u{7}ailio"), "registration.realm.malformed"),
        ("algorithm", json!("MD6"), "registration.algorithm.unknown"),
    ]);
}

#[test]
fn a_password_that_really_has_a_space_can_be_accepted() {
    let (kamailio, scene) = stage();
    let odd = "two  words\u{a0}";
    kamailio.set_password("alice", odd);
    let mut body = credentials("t1", "alice", odd);
    scene.api.set_credentials(&body).refused(400, "registration.whitespace");
    merge(&mut body, &json!({"accept": ["registration.whitespace"]}));
    scene.api.set_credentials(&body).expect(201);
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn a_missing_password_is_empty_too() {
    let (_kamailio, scene) = stage();
    scene.api.set_credentials(&json!({"trunkId": "t1", "credentials": {"username": "alice"}})).refused(400, "registration.password.empty");
}

#[test]
fn hashes_are_checked_in_form() {
    let (kamailio, scene) = stage();
    let post = |credentials: Value| scene.api.set_credentials(&json!({"trunkId": "t1", "credentials": credentials}));
    let good = kamailio.algorithm().ha1("alice", kamailio.realm(), PASSWORD);
    for bad in ["", "xyz", &good[1..], &format!("{good}0"), &good.replace(&good[..1], "g")] {
        let answer = post(json!({"username": "alice", "realm": kamailio.realm(), "ha1": {"MD5": bad}}));
        form(&answer.refused(400, "registration.ha1.malformed"));
    }
    form(&post(json!({"username": "alice", "ha1": {"MD5": good}})).refused(400, "registration.ha1.realm_required"));
    form(&post(json!({"username": "alice", "realm": "*", "ha1": {"MD5": good}})).refused(400, "registration.ha1.realm_required"));
    assert_eq!(kamailio.seen().len(), 0);
}

#[test]
fn an_unknown_field_is_refused_with_the_nearest_known_one() {
    let (kamailio, scene) = stage();
    for (unknown, nearest) in [("pasword", "password"), ("user_name", "username"), ("Realm", "realm"), ("algoritm", "algorithm")] {
        let body = credentials_with("t1", "alice", PASSWORD, &json!({unknown: "x"}));
        let answer = scene.api.set_credentials(&body).refused(400, "registration.field.unknown");
        assert!(answer.text.contains(unknown) && answer.text.contains(nearest), "{unknown}: {}", answer.text);
    }
    assert_eq!(kamailio.seen().len(), 0);
    let answer = scene.api.post("/api/v2/sites", &json!({"id": "x", "name": "X", "regoin": "y"})).refused(400, "invalid.value");
    assert!(answer.text.contains("regoin"), "{}", answer.text);
    scene.api.get("/api/v2/sites/x").expect(404);
}

#[test]
fn malformed_json_is_refused_with_the_place() {
    let (_kamailio, scene) = stage();
    for body in [
        "",
        "{",
        "{\"trunkId\": \"t1\",}",
        "[]",
        "\"t1\"",
        "null",
        "{\"trunkId\": 7}",
        "\u{feff}{}",
        "{\"trunkId\":\"t1\",\"trunkId\":\"t1\"}",
    ] {
        let answer = scene.api.raw("POST", REGISTRATIONS, &[JSON], body.as_bytes());
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.text);
        assert!(
            answer.json["message"].is_string() && answer.json["code"].is_string() && answer.json["contextId"].is_string(),
            "{}",
            answer.text
        );
    }
    let invalid = scene.api.raw("POST", REGISTRATIONS, &[JSON], b"{\"trunkId\": \"\xff\xfe\"}");
    assert_eq!(invalid.status, 400, "{}", invalid.text);
    let nested = "[".repeat(100_000);
    assert_eq!(scene.api.raw("POST", REGISTRATIONS, &[JSON], nested.as_bytes()).status, 400);
}

#[test]
fn a_nul_is_refused() {
    let (_kamailio, scene) = stage();
    let answer = scene.api.set_credentials(&credentials("t1", "alice", "sec\0ret"));
    assert_eq!(answer.status, 400, "{}", answer.text);
    let answer = scene.api.post("/api/v2/sites", &json!({"id": "x", "name": "a\0b"}));
    assert_eq!(answer.status, 400, "{}", answer.text);
    scene.api.get("/api/v2/sites/x").expect(404);
}

#[test]
fn a_body_over_1_mb_is_413_and_another_media_type_415() {
    let (_kamailio, scene) = stage();
    let large = credentials("t1", "alice", &"x".repeat(1024 * 1024)).to_string();
    assert_eq!(scene.api.raw("POST", REGISTRATIONS, &[JSON], large.as_bytes()).status, 413);
    let answer = scene.api.raw("POST", REGISTRATIONS, &[("Content-Type", "text/plain")], b"{}");
    assert_eq!(answer.status, 415, "{}", answer.text);
}

#[test]
fn an_unknown_trunk_is_404_and_named() {
    let (_kamailio, scene) = stage();
    let answer = scene.api.set_credentials(&credentials("trunk_nowhere", "alice", PASSWORD)).expect(404);
    assert!(answer.json["message"].as_str().is_some_and(|text| text.contains("trunk_nowhere")), "{}", answer.text);
    for path in ["trunk_nowhere", "trunk_nowhere/credentials", "trunk_nowhere/attempts", "t1/credentials/9"] {
        scene.api.get(&format!("{REGISTRATIONS}/{path}")).expect(404);
    }
    scene.api.post(&format!("{REGISTRATIONS}/trunk_nowhere/verify"), &json!({"challengeOnly": true})).expect(404);
    scene.api.get("/api/v2/nothing").expect(404);
}

#[test]
fn a_registrar_or_an_address_of_record_that_is_none_is_refused() {
    let (_kamailio, scene) = stage();
    for registrar in ["", "http://carrier.test", "sip:", "sip:a b", "sip:carrier.test:99999", "carrier.test\r\nVia: x"] {
        let answer = scene.api.post("/api/v2/carriers", &json!({"id": "c9", "name": "C9", "registrars": [registrar]}));
        assert_eq!((answer.status, answer.code()), (400, "registration.registrar.malformed"), "{registrar:?}: {}", answer.text);
    }
    for aor in ["", "alice", "tel:+62", "sip:al\r\nice@x", "sip:@x"] {
        let body = json!({"id": "t9", "name": "T9", "site": {"id": "jakarta"}, "carrier": {"id": "kam"}, "addressOfRecord": aor});
        let answer = scene.api.post("/api/v2/trunks/voice", &body);
        assert_eq!(answer.status, 400, "{aor:?}: {}", answer.text);
    }
    scene.api.get("/api/v2/carriers/c9").expect(404);
    scene.api.get("/api/v2/trunks/voice/t9").expect(404);
}

#[test]
fn an_id_that_is_none_is_refused() {
    let (_kamailio, scene) = stage();
    for id in ["", ".hidden", "a..b", "a/b", "a b", "registrations", "bulk", "me", "verify", "metrics", &"x".repeat(65)] {
        let body = json!({"id": id, "name": "T", "site": {"id": "jakarta"}, "carrier": {"id": "kam"}, "addressOfRecord": "sip:a@b.test"});
        let answer = scene.api.post("/api/v2/trunks/voice", &body);
        assert_eq!(answer.status, 400, "{id:?}: {}", answer.text);
    }
}

#[test]
fn a_trunk_of_an_unknown_carrier_is_not_half_written() {
    let (_kamailio, scene) = stage();
    let body = json!({"id": "t9", "name": "T9", "site": {"id": "jakarta"}, "carrier": {"id": "nobody"}, "addressOfRecord": "sip:a@b.test"});
    let answer = scene.api.post("/api/v2/trunks/voice", &body);
    assert!(matches!(answer.status, 400 | 404), "{}", answer.text);
    assert!(answer.text.contains("nobody"), "{}", answer.text);
    scene.api.get("/api/v2/trunks/voice/t9").expect(404);
}
