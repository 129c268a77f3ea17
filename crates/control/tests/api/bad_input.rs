use axum::http::Method;

use crate::lab::Lab;

#[tokio::test]
async fn malformed_json_is_refused_with_its_place() {
    let lab = Lab::new().await;
    for (body, words) in [
        ("{\"id\": \"a\",\n  \"name\" \"b\"}", "line 2 column 10"),
        ("", "empty"),
        ("[]", "not a JSON object"),
        ("\"x\"", "not a JSON object"),
        ("{\"id\": \"a\"} x", "trailing characters"),
        ("{\"id\": \"a\", \"id\": \"b\"}", "the field \"id\" stands twice"),
        ("{\"contact\": {\"port\": 1, \"port\": 2}}", "the field \"port\" stands twice"),
        ("{\"name\": \"a\\u0000b\"}", "NUL"),
        ("{\"a\\u0000b\": 1}", "NUL"),
        ("{\"name\": \"\\ud800\"}", "line 1"),
        ("{\"name\": 1e999}", "line 1"),
    ] {
        lab.post("/api/v2/sites", body).await.refused(400, "bad.request").says(words);
    }
    let deep = format!("{}{}", "{\"a\":".repeat(200), "}".repeat(200));
    lab.post("/api/v2/sites", &deep).await.refused(400, "bad.request");
    assert_eq!(lab.get("/api/v2/sites").await.body["total"], 0);
}

#[tokio::test]
async fn other_media_types_and_long_bodies_are_refused() {
    let lab = Lab::new().await;
    for media in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        lab.call(Method::POST, "/api/v2/sites", &lab.token, &[("content-type", media)], Some("{}"))
            .await
            .refused(415, "unsupported.media.type");
    }
    for media in ["application/json", "application/json; charset=utf-8", "application/merge-patch+json", "APPLICATION/JSON"] {
        lab.call(Method::POST, "/api/v2/sites", &lab.token, &[("content-type", media)], Some("{}")).await.is(201);
    }
    let long = format!(r#"{{"description": "{}"}}"#, "x".repeat(1024 * 1024));
    lab.post("/api/v2/sites", &long).await.refused(413, "payload.too.large");
}

#[tokio::test]
async fn unknown_paths_methods_and_parameters_are_refused() {
    let lab = Lab::new().await;
    lab.get("/api/v2/nothing").await.refused(404, "not.found").says("/api/v2/nothing");
    lab.get("/").await.refused(404, "not.found");
    let answer = lab.put("/api/v2/sites", "{}").await.refused(405, "method.not.allowed");
    assert!(answer.header("allow").contains("POST"), "{:?}", answer.headers);
    lab.get("/api/v2/sites?pagesize=3").await.refused(400, "invalid.value").about("pagesize").says("pageSize");
    lab.get("/api/v2/sites?name=a&name=b").await.refused(400, "invalid.value").about("name");
    lab.get("/api/v2/sites?name=%ff").await.refused(400, "bad.request");
    lab.get("/api/v2/sites?name=%00").await.refused(400, "bad.request");
    lab.get("/api/v2/sites/%ff").await.refused(400, "bad.request");
    lab.get("/api/v2/sites/a%2Fb").await.refused(404, "not.found");
    lab.get("/api/v2/audits/verify?x=1").await.refused(400, "invalid.value");
}

#[tokio::test]
async fn a_secret_in_the_wrong_place_is_not_repeated() {
    let lab = Lab::furnished().await;
    for body in [
        r#"{"site": "s3cret"}"#,
        r#"{"password": "s3cret"}"#,
        r#"{"inService": "s3cret"}"#,
        r#"{"verifyBy": "s3cret"}"#,
        r#"{"name": "s3cret"#,
    ] {
        let answer = lab.patch("/api/v2/trunks/voice/trunk_jkt_04", body).await.is(400);
        assert!(!answer.text.contains("s3cret"), "{}", answer.text);
    }
}
