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
