use axum::http::Method;
use serde_json::json;

use crate::lab::Lab;

#[tokio::test]
async fn every_change_is_recorded_with_before_and_after() {
    let lab = Lab::furnished().await;
    lab.patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"inService": false}"#).await.is(200);
    lab.patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"inService": "no"}"#).await.is(400);
    lab.delete("/api/v2/trunks/voice/trunk_jkt_04").await.is(204);
    let audits = lab.get("/api/v2/audits?entityId=trunk_jkt_04").await.is(200);
    let records = audits.body["entities"].as_array().expect("records");
    let actions: Vec<_> = records.iter().map(|record| record["action"].as_str().expect("an action")).collect();
    assert_eq!(actions, ["create", "update", "delete"]);
    assert_eq!(records[1]["before"]["inService"], true);
    assert_eq!(records[1]["after"]["inService"], false);
    assert_eq!(records[1]["client"], json!({ "id": "admin" }));
    assert_eq!(records[1]["entityType"], "trunk");
    assert!(records[1]["correlationId"].is_string());
    assert!(records[1]["revision"].as_i64() > records[0]["revision"].as_i64());

    let filtered = lab.get("/api/v2/audits?action=update&sortOrder=descending").await.is(200);
    assert_eq!(filtered.body["total"], 1);
    assert_eq!(lab.get("/api/v2/audits?to=2020-01-01T00:00:00Z").await.body["total"], 0);
    assert_eq!(lab.get("/api/v2/audits?from=2020-01-01T00:00:00%2B07:00&entityType=site").await.body["total"], 1);
    lab.get("/api/v2/audits?from=yesterday").await.refused(400, "invalid.value").about("from");
}

#[tokio::test]
async fn an_altered_or_removed_record_is_found() {
    let lab = Lab::furnished().await;
    let whole = lab.get("/api/v2/audits/verify").await.is(200);
    assert_eq!(whole.body["intact"], true);
    let records = whole.body["records"].as_i64().expect("a number");
    for (harm, repair, number) in [
        ("UPDATE audits SET client = 'nobody' WHERE number = 3", "UPDATE audits SET client = 'admin' WHERE number = 3", 3),
        ("UPDATE audits SET after = NULL WHERE number = 4", "", 4),
        ("DELETE FROM audits WHERE number = 2", "", 2),
    ] {
        lab.tamper(harm).await;
        let broken = lab.get("/api/v2/audits/verify").await.is(200);
        assert_eq!(broken.body["intact"], false, "{harm}");
        assert_eq!(broken.body["firstBreak"]["number"], number, "{harm}");
        if !repair.is_empty() {
            lab.tamper(repair).await;
            assert_eq!(lab.get("/api/v2/audits/verify").await.body["intact"], true);
        }
    }
    let other = Lab::furnished().await;
    other.tamper(&format!("DELETE FROM audits WHERE number = {records}")).await;
    let broken = other.get("/api/v2/audits/verify").await;
    assert_eq!(broken.body["firstBreak"]["number"], records);
}

fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[tokio::test]
async fn records_are_found_by_who_from_where_and_by_which_request() {
    let lab = Lab::new().await;
    let headers = [("ININ-Correlation-Id", "change-4711")];
    lab.call(Method::POST, "/api/v2/sites", &lab.token, &headers, Some(r#"{"id": "s"}"#)).await.is(201);
    for (filter, total) in
        [("correlationId=change-4711", 1), ("correlationId=none", 0), ("clientId=admin&entityType=site", 1), ("remoteAddress=192.0.2.1", 0)]
    {
        assert_eq!(lab.get(&format!("/api/v2/audits?{filter}")).await.is(200).body["total"], total, "{filter}");
    }
}

#[tokio::test]
async fn the_chain_is_held_against_a_head_that_was_carried_away() {
    let lab = Lab::furnished().await;
    let head = lab.get("/api/v2/audits/head").await.is(200);
    lab.post("/api/v2/sites", r#"{"id": "later"}"#).await.is(201);
    let held = lab.get(&format!("/api/v2/audits/verify?head={}", escaped(&head.text))).await.is(200);
    assert_eq!((&held.body["intact"], &held.body["head"]["compared"]), (&json!(true), &json!(true)));
    let mut forged = head.body.clone();
    forged["hash"] = json!("00");
    let held = lab.get(&format!("/api/v2/audits/verify?head={}", escaped(&forged.to_string()))).await.is(200);
    assert_eq!(held.body["intact"], false);
    lab.get("/api/v2/audits/verify?head=nonsense").await.refused(400, "invalid.value").about("head");
}

#[tokio::test]
async fn the_exported_chain_holds_on_any_machine_with_the_heads_that_were_signed_meanwhile() {
    let lab = Lab::furnished().await;
    let heads = lab.dir.path().join("audit-heads.ndjson");
    // The first head is signed at the start.
    for _ in 0..500 {
        if std::fs::read_to_string(&heads).is_ok_and(|text| text.ends_with('\n')) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let heads = std::fs::read_to_string(&heads).expect("a head");
    let key = lab.get("/api/v2/audits/head").await.is(200).body["publicKey"].as_str().expect("a key").to_owned();
    let export = lab.get("/api/v2/audits/export").await.is(200);
    assert_eq!(export.header("content-type"), "application/x-ndjson");
    let report = control::verify_export(export.text.as_bytes(), Some(heads.as_bytes()), Some(&key)).expect("an export");
    assert_eq!(report.broken, None);
    assert!(report.records > 3 && report.heads >= 1, "{report:?}");
    let viewer = lab.token_with_role("trunk-viewer").await;
    for path in ["/api/v2/audits/export", "/api/v2/audits/head", "/api/v2/audits/verify"] {
        lab.call(Method::GET, path, &viewer, &[], None).await.refused(403, "missing.permissions").about("audits:audit:view");
    }
    lab.tamper("UPDATE revision SET audit_hash = '00'").await;
    lab.get("/api/v2/audits/export").await.refused(409, "conflict");
    lab.get("/api/v2/audits/head").await.refused(409, "conflict");
}
