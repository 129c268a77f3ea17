use serde_json::json;

use crate::lab::Lab;

#[tokio::test]
async fn the_organization_has_a_policy_and_defaults() {
    let lab = Lab::new().await;
    let path = "/api/v2/organization";
    assert_eq!(lab.get(path).await.is(200).body["version"], 1);
    let changed = lab
        .patch(path, r#"{"name": "Lab", "digestPolicy": {"allowed": ["SHA512-256", "sha256"]}, "defaults": {"expires": 600}}"#)
        .await
        .is(200);
    assert_eq!(changed.body["digestPolicy"], json!({ "allowed": ["SHA-512-256", "SHA-256"] }));
    assert_eq!(changed.body["defaults"], json!({ "expires": 600 }));
    assert_eq!(changed.body["version"], 2);
    lab.patch(path, r#"{"digestPolicy": {"alowed": []}}"#)
        .await
        .refused(400, "invalid.value")
        .about("digestPolicy.alowed")
        .says("\"allowed\"");
    lab.patch(path, r#"{"version": 1}"#).await.refused(409, "version.mismatch");
    assert_eq!(lab.get(path).await.body, changed.body);
    lab.delete(path).await.refused(405, "method.not.allowed");
}

#[tokio::test]
async fn an_edge_is_known_once_it_was_seen() {
    let lab = Lab::new().await;
    lab.post("/api/v2/sites", r#"{"id": "jakarta"}"#).await.is(201);
    let hello = link::Hello {
        edge: "edge_jkt_1".into(),
        sites: link::Sites::One("jakarta".into()),
        version: "0.1.0".into(),
        local: vec!["udp:127.0.0.1:5060".into()],
        advertised: vec!["127.0.0.1:5060".into()],
    };
    let (control_end, edge_end) = link::pair(hello);
    lab.control.attach(control_end);
    let path = "/api/v2/edges/edge_jkt_1";
    let edge = lab.until(path, |answer| answer.status == 200).await;
    assert_eq!(edge.body["site"], json!({ "id": "jakarta" }));
    assert_eq!(edge.body["onlineStatus"], "ONLINE");
    assert!(edge.body["onlineSince"].is_string());
    assert_eq!(edge.body["advertisedAddresses"], json!(["127.0.0.1:5060"]));
    let drained = lab.patch(path, r#"{"drain": true, "name": "Jakarta 1"}"#).await.is(200);
    assert_eq!((&drained.body["drain"], &drained.body["version"]), (&json!(true), &json!(2)));
    lab.patch(path, r#"{"drian": true}"#).await.refused(400, "invalid.value").says("drain");
    assert_eq!(lab.get("/api/v2/edges?site.id=jakarta").await.ids(), ["edge_jkt_1"]);
    assert_eq!(lab.get("/api/v2/edges?site.id=tokyo").await.body["total"], 0);
    lab.delete("/api/v2/sites/jakarta").await.refused(409, "conflict").says("edge_jkt_1");
    lab.delete(path).await.refused(409, "conflict").says("online");
    drop(edge_end);
    lab.until(path, |answer| answer.body["onlineStatus"] == "OFFLINE").await;
    lab.delete(path).await.is(204);
    lab.get(path).await.refused(404, "not.found");
}
