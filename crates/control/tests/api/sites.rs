use axum::http::Method;

use crate::lab::Lab;

#[tokio::test]
async fn a_site_is_made_read_changed_and_deleted() {
    let lab = Lab::new().await;
    let body = r#"{"id": "jakarta", "name": "Jakarta", "region": "ap-southeast-3", "timeZone": "asia/jakarta", "contact": {"host": "sbc.example", "port": 5060}}"#;
    let made = lab.post("/api/v2/sites", body).await.is(201);
    assert_eq!(made.header("location"), "/api/v2/sites/jakarta");
    assert_eq!(made.header("etag"), "\"1\"");
    assert_eq!(made.body["timeZone"], "Asia/Jakarta");
    assert_eq!(made.body["version"], 1);
    assert!(made.body["dateCreated"].as_str().is_some_and(|date| date.ends_with('Z')));

    assert_eq!(lab.get("/api/v2/sites/jakarta").await.is(200).body, made.body);
    let changed =
        lab.patch("/api/v2/sites/jakarta", r#"{"name": "Jakarta South", "region": null, "contact": {"port": null}}"#).await.is(200);
    assert_eq!(changed.body["version"], 2);
    assert_eq!(changed.body["name"], "Jakarta South");
    assert_eq!(changed.body.get("region"), None);
    assert_eq!(changed.body["contact"], serde_json::json!({ "host": "sbc.example" }));

    // What was read may be sent back whole.
    let replaced = lab.put("/api/v2/sites/jakarta", &changed.text).await.is(200);
    assert_eq!(replaced.body["version"], 3);
    lab.delete("/api/v2/sites/jakarta").await.is(204);
    lab.get("/api/v2/sites/jakarta").await.refused(404, "not.found").says("jakarta");
}

#[tokio::test]
async fn an_id_is_drawn_where_none_is_given_and_taken_once() {
    let lab = Lab::new().await;
    let made = lab.post("/api/v2/sites", "{}").await.is(201);
    let id = made.body["id"].as_str().expect("an id");
    assert_eq!(made.body["name"], id);
    lab.post("/api/v2/sites", &format!(r#"{{"id": "{id}"}}"#)).await.refused(409, "conflict").about("id");
    for bad in ["a..b", "bulk", "a/b", "_a", ""] {
        lab.post("/api/v2/sites", &format!(r#"{{"id": "{bad}"}}"#)).await.refused(400, "invalid.value").about("id");
    }
}

#[tokio::test]
async fn a_stale_version_changes_nothing() {
    let lab = Lab::new().await;
    lab.post("/api/v2/sites", r#"{"id": "a"}"#).await.is(201);
    let path = "/api/v2/sites/a";
    lab.put(path, r#"{"name": "b"}"#).await.refused(400, "invalid.value").about("version");
    lab.put(path, r#"{"name": "b", "version": 7}"#).await.refused(409, "version.mismatch").says("does not match the current version");
    lab.patch(path, r#"{"name": "b", "version": 7}"#).await.refused(409, "version.mismatch");
    for (method, body) in [(Method::PUT, Some("{}")), (Method::PATCH, Some("{}")), (Method::DELETE, None)] {
        lab.call(method.clone(), path, &lab.token, &[("if-match", "\"9\"")], body).await.refused(409, "version.mismatch");
    }
    for unquoted in ["nine", "1", "\"1\" \"2\""] {
        let refused = lab.call(Method::PATCH, path, &lab.token, &[("if-match", unquoted)], Some("{}")).await.refused(400, "bad.request");
        assert!(refused.body["message"].as_str().is_some_and(|message| message.contains("quotes")), "{}", refused.text);
    }
    for other in ["W/\"1\"", "\"8\", \"9\""] {
        let refused = lab.call(Method::DELETE, path, &lab.token, &[("if-match", other)], None).await.refused(409, "version.mismatch");
        refused.says("does not match the current version");
    }
    lab.call(Method::PUT, path, &lab.token, &[("if-match", "*")], Some("{}")).await.refused(400, "invalid.value").about("version");
    assert_eq!(lab.get(path).await.body["name"], "a");
    lab.call(Method::PUT, path, &lab.token, &[("if-match", "\"1\"")], Some(r#"{"name": "b"}"#)).await.is(200);
    lab.call(Method::DELETE, path, &lab.token, &[("if-match", "\"2\"")], None).await.is(204);
}

#[tokio::test]
async fn bad_fields_are_named() {
    let lab = Lab::new().await;
    for (body, field, words) in [
        (r#"{"timezone": "Asia/Jakarta"}"#, "timezone", "timeZone"),
        (r#"{"timeZone": "Jakarta"}"#, "timeZone", "IANA"),
        (r#"{"timeZone": 7}"#, "timeZone", "not a number"),
        (r#"{"contact": {"prt": 5}}"#, "contact.prt", "port"),
        (r#"{"contact": {"port": 0}}"#, "contact.port", "1 to 65535"),
        (r#"{"contact": {"port": 65536}}"#, "contact.port", "whole number"),
        (r#"{"contact": {"host": "a b"}}"#, "contact.host", "host name"),
        (r#"{"contact": "x"}"#, "contact", "not a string"),
        (r#"{"name": ""}"#, "name", "1 to 128"),
        (r#"{"name": "a\u0007"}"#, "name", "control"),
        (r#"{"version": "x"}"#, "version", "whole number"),
    ] {
        lab.post("/api/v2/sites", body).await.refused(400, "invalid.value").about(field).says(words);
    }
    assert_eq!(lab.get("/api/v2/sites").await.body["total"], 0);
}

#[tokio::test]
async fn a_site_in_use_stays() {
    let lab = Lab::furnished().await;
    lab.delete("/api/v2/sites/jakarta").await.refused(409, "conflict").says("trunk_jkt_04");
    lab.delete("/api/v2/trunks/voice/trunk_jkt_04").await.is(204);
    lab.delete("/api/v2/sites/jakarta").await.is(204);
}
