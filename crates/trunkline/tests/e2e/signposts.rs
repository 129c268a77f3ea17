//! What an answer points at is there.

use serde_json::json;

use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials_with};

#[test]
fn the_page_that_a_diagnosis_names_is_served_without_a_token() {
    let kamailio = Kamailio::md5();
    kamailio.add_user("alice", PASSWORD);
    let scene = Scene::new();
    scene.trunk_at(&kamailio.uri(), kamailio.realm(), &json!({}));
    let answer = scene.api.set_credentials(&credentials_with("t1", "alice", PASSWORD, &json!({"realm": "other.test"}))).expect(422);
    let page = answer.at("/diagnosis/docs").as_str().expect("a page").to_owned();
    let page = scene.server.anonymous().raw("GET", &page, &[("Accept", "text/markdown")], b"").expect(200);
    assert!(page.text.contains("sip.realm.mismatch"), "{}", page.text);
}

#[test]
fn the_catalogue_lists_every_code_with_its_stage_and_remedy() {
    let scene = Scene::new();
    let mut codes = Vec::new();
    let page = scene.api.get("/api/v2/diagnoses?pageSize=500").expect(200);
    for entry in page.at("/entities").as_array().expect("entities") {
        for field in ["stage", "meaning", "remedy"] {
            assert!(entry[field].is_string(), "{field}: {entry}");
        }
        codes.push(entry["code"].as_str().or(entry["id"].as_str()).expect("a code").to_owned());
    }
    for code in ["registration.whitespace", "sip.credentials.rejected", "network.register.ignored", "carrier.unavailable"] {
        assert!(codes.iter().any(|known| known == code), "{code}: {codes:?}");
        scene.api.get(&format!("/api/v2/diagnoses/{code}")).expect(200);
    }
}

#[test]
fn a_created_entity_is_where_its_self_uri_says() {
    let scene = Scene::new();
    let carrier = scene.carrier("lab", "sip:registrar.test;transport=udp", &json!({}));
    let uri = carrier.at("/selfUri").as_str().expect("a selfUri");
    let path = uri.find("/api/").map_or(uri, |at| &uri[at..]);
    assert_eq!(scene.api.get(path).expect(200).at("/id"), "lab");
    assert_eq!((carrier.at("/version"), carrier.at("/registrars")), (&json!(1), &json!(["sip:registrar.test;transport=udp"])));
}
