//! A thousand trunks in one import.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::api::{Answer, Api, REGISTRATIONS};
use crate::support::kamailio::Kamailio;
use crate::support::scene::Scene;
use crate::support::wait::{self, secs};

const TRUNKS: usize = 1_000;

fn line(user: &str, realm: &str) -> Value {
    json!({
        "trunk": {"id": user, "name": format!("Trunk {user}"), "site": {"id": "jakarta"}, "carrier": {"id": "kam"},
                  "addressOfRecord": format!("sip:{user}@{realm}"), "inService": true},
        "credentials": {"username": user, "password": format!("secret-of-{user}")}
    })
}

fn import(api: &Api, lines: &str) -> Answer {
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, lines.as_bytes())
}

fn results(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn a_thousand_trunks_are_registered_and_listed(kamailio: &Kamailio) {
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({"pacing": {"registersPerSecond": 500, "inFlight": 100}}));
    let users: Vec<String> = (0..TRUNKS).map(|number| format!("u{number:04}")).collect();
    for user in &users {
        kamailio.add_user(user, &format!("secret-of-{user}"));
    }
    let lines: String = users.iter().map(|user| line(user, kamailio.realm()).to_string() + "\n").collect();
    let answer = import(&scene.api, &lines).expect(200);
    let results = results(&answer);
    assert_eq!(results.len(), TRUNKS);
    for (index, (result, user)) in results.iter().zip(&users).enumerate() {
        assert_eq!(result, &json!({"line": index + 1, "trunkId": user, "status": 201}));
    }

    let registered = || scene.api.get(&format!("{REGISTRATIONS}?state=REGISTERED&pageSize=1")).expect(200).json["total"].as_u64();
    wait::until_true("all are registered", secs(120), || registered() == Some(1_000));
    assert_eq!(kamailio.bindings(), 1_000);
    let ours = scene.server.launch().sip().to_string();
    for user in &users {
        let binding = kamailio.lookup(user).unwrap_or_else(|| panic!("{user} is not listed"));
        assert!(binding.contact.contains(&ours), "{}", binding.contact);
    }
    let seen = kamailio.seen();
    assert_eq!(users.iter().map(|user| kamailio.digest_failures(user)).sum::<u64>(), 0);
    assert!(seen.len() <= 2 * TRUNKS + TRUNKS / 50, "two REGISTERs each, not {}", seen.len());
    let call_ids: BTreeSet<&str> = seen.iter().map(|seen| seen.call_id.as_str()).collect();
    assert_eq!(call_ids.len(), TRUNKS, "one Call-ID each");
}

#[test]
fn a_thousand_trunks_are_registered_and_listed_under_md5() {
    a_thousand_trunks_are_registered_and_listed(&Kamailio::md5());
}

#[test]
fn a_thousand_trunks_are_registered_and_listed_under_sha256() {
    a_thousand_trunks_are_registered_and_listed(&Kamailio::sha256());
}

#[test]
fn a_bad_line_is_told_by_its_number_and_harms_no_other() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    let mut unknown_field = line("u2", kamailio.realm());
    unknown_field["credentials"]["pasword"] = json!("x");
    let mut nowhere = line("u4", kamailio.realm());
    nowhere["trunk"]["carrier"]["id"] = json!("nobody");
    let lines = [
        line("u1", kamailio.realm()).to_string(),
        unknown_field.to_string(),
        "{not json".to_owned(),
        nowhere.to_string(),
        line("u5", kamailio.realm()).to_string(),
    ];
    let results = results(&import(&scene.api, &(lines.join("\n") + "\n")).expect(200));
    let statuses: Vec<u64> = results.iter().map(|result| result["status"].as_u64().expect("a status")).collect();
    assert_eq!((statuses.len(), statuses[0], statuses[4]), (5, 201, 201), "{results:#?}");
    assert!(statuses[1..4].iter().all(|status| (400..=404).contains(status)), "{results:#?}");
    assert_eq!(results[1]["error"]["code"], "registration.field.unknown", "{results:#?}");
    assert_eq!(results.iter().map(|result| result["line"].as_u64()).collect::<Vec<_>>(), (1..=5).map(Some).collect::<Vec<_>>());
    for absent in ["u2", "u4"] {
        scene.api.get(&format!("/api/v2/trunks/voice/{absent}")).expect(404);
    }
    scene.api.get("/api/v2/trunks/voice/u1").expect(200);
}

#[test]
fn a_line_over_64_kb_is_refused_and_a_body_over_1_mb_is_not() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    let mut long = line("u1", kamailio.realm());
    long["trunk"]["name"] = json!("n".repeat(70_000));
    let mut lines = long.to_string() + "\n";
    // Far over 1 MB in all: lines of 20 KB that are refused for their field, and one good line at the end.
    for _ in 0..60 {
        lines.push_str(&format!("{{\"padding\": \"{}\"}}\n", "p".repeat(20_000)));
    }
    lines.push_str(&(line("u62", kamailio.realm()).to_string() + "\n"));
    assert!(lines.len() > 1024 * 1024);
    let results = results(&import(&scene.api, &lines).expect(200));
    assert_eq!(results.len(), 62);
    assert_eq!(results[0]["status"], 413, "{}", results[0]);
    assert_eq!(results[61]["status"], 201, "{}", results[61]);
}

#[test]
fn without_ndjson_in_accept_the_import_is_a_job() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    let body = line("u1", kamailio.realm()).to_string() + "\n";
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/json")];
    let answer = scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, body.as_bytes()).expect(202);
    let location = answer.header("Location").expect("a Location").to_owned();
    let path = location.find("/api/").map_or(location.as_str(), |at| &location[at..]);
    wait::until_true("the job is done and the trunk is there", secs(15), || {
        scene.api.get(path).expect(200);
        scene.api.get("/api/v2/trunks/voice/u1").status == 200
    });
}
