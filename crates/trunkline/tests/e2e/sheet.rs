//! A carrier's provisioning sheet, the way back out, and an edit that was a mistake.

use serde_json::{Value, json};

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

#[test]
fn a_carriers_sheet_is_imported_registered_and_exported_without_its_secrets() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    for user in ["6221500001", "6221500002"] {
        kamailio.add_user(user, PASSWORD);
    }
    // As it comes: a mark of UTF-8 in front, semicolons, quotes, a column that nobody needs, and a blank that copying left.
    let sheet = format!(
        "\u{feff}Rufnummer;SIP-User;Kennwort;Bemerkung\r\n6221500001;6221500001;{PASSWORD};\"Lobby; 2nd floor\"\r\n6221500002;6221500002;{PASSWORD};\r\n6221500003;6221500003;{PASSWORD}\u{a0};\r\n"
    );
    let realm = kamailio.realm();
    let query = format!(
        "column.id=Rufnummer&column.username=SIP-User&column.password=Kennwort&value.carrier=kam&value.site=jakarta&value.inService=true&value.addressOfRecord=sip:%7BRufnummer%7D@{realm}"
    );
    let headers = [("Content-Type", "text/csv"), ("Accept", "application/x-ndjson")];
    let import = |more: &str| scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk?{query}{more}"), &headers, sheet.as_bytes()).expect(200);
    let rehearsed = lines(&import("&dryRun=true").text);
    assert_eq!(scene.api.get("/api/v2/trunks/voice").expect(200).at("/total"), 0, "a rehearsal writes nothing");
    let results = lines(&import("").text);
    for results in [&rehearsed, &results] {
        let statuses: Vec<_> = results.iter().map(|result| (result["line"].as_u64(), result["status"].as_u64())).collect();
        assert_eq!(statuses, [(Some(2), Some(201)), (Some(3), Some(201)), (Some(4), Some(400))], "{results:?}");
        assert_eq!(results[2]["error"]["code"], "registration.whitespace");
    }
    for user in ["6221500001", "6221500002"] {
        scene.wait_state(user, "REGISTERED");
    }

    let exported = scene.api.raw("GET", &format!("{REGISTRATIONS}/bulk"), &[("Accept", "application/x-ndjson")], b"").expect(200).text;
    assert!(!exported.contains(PASSWORD), "{exported}");
    let out = lines(&exported);
    assert_eq!(out.len(), 2);
    assert_eq!((&out[0]["trunk"]["id"], &out[0]["credentials"]["passwordSet"]), (&json!("6221500001"), &json!(true)), "{exported}");
    // What went out comes in again, and changes nothing.
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    let again = scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, exported.as_bytes()).expect(200);
    assert!(lines(&again.text).iter().all(|result| result["status"] == 200), "{}", again.text);
    assert_eq!(scene.api.registration("6221500001").at("/credentials/activeVersion"), 1);
}

#[test]
fn an_edit_is_taken_back_from_its_audit_record() {
    let scene = Scene::new();
    scene.trunk_at("sip:127.0.0.1:9", "lab", &json!({"options": {"interval": 0}}));
    scene.api.patch("/api/v2/trunks/voice/t1", &json!({"expires": 120, "description": "a mistake"})).expect(200);
    scene.api.patch("/api/v2/trunks/voice/t1", &json!({"name": "another name since"})).expect(200);
    let audits = scene.api.get("/api/v2/audits?entityId=t1&entityType=trunk&action=update&sortBy=number&sortOrder=asc").expect(200);
    let number = audits.at("/entities/0/number");
    scene.api.post(&format!("/api/v2/audits/{number}/undo"), &json!({})).expect(200);
    let trunk = scene.api.get("/api/v2/trunks/voice/t1").expect(200).json;
    assert!(trunk.get("expires").is_none() && trunk.get("description").is_none(), "{trunk}");
    assert_eq!(trunk["name"], "another name since", "what was changed since stays");
    let undone = scene.api.get("/api/v2/audits?entityId=t1&action=undo").expect(200);
    assert_eq!(undone.at("/total"), 1);
    // Once taken back it cannot be taken back again: its fields are no longer what it made of them.
    let again = scene.api.post(&format!("/api/v2/audits/{number}/undo"), &json!({}));
    assert_eq!(again.status, 409, "{}", again.text);
}

#[test]
fn a_standby_password_is_tried_once_when_the_carrier_changes_it_by_night() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let mut body = credentials("alice", "alice", "night-Secret-9");
    body["standby"] = json!(true);
    scene.api.set_credentials(&body).expect(200);
    assert_eq!(scene.api.registration("alice").at("/credentials/activeVersion"), 1);
    kamailio.set_password("alice", "night-Secret-9");
    scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({}));
    scene.wait_registration("alice", "registered by the standby", |json| {
        json["credentials"]["activeVersion"] == 2 && json["registrationState"] == "REGISTERED"
    });
    // Once over the remembered nonce, and once over the new one: without `stale` it might have been the nonce (C12, C13).
    assert!(kamailio.digest_failures("alice") <= 2, "the old one is not tried again");
    let versions = scene.api.get(&format!("{REGISTRATIONS}/alice/credentials")).expect(200);
    assert!(versions.text.contains("\"ACTIVE\""), "{}", versions.text);
}
