use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};

use crate::lab::Lab;

#[tokio::test]
async fn every_answer_has_its_correlation_id_and_rate_limit() {
    let lab = Lab::new().await;
    for path in ["/api/v2/sites", "/api/v2/nothing", "/health/live"] {
        let answer = lab.call(Method::GET, path, &lab.token, &[("ININ-Correlation-Id", "abc-123")], None).await;
        assert_eq!(answer.header("inin-correlation-id"), "abc-123");
        for name in ["count", "allowed", "reset"] {
            assert!(answer.header(&format!("inin-ratelimit-{name}")).parse::<u32>().is_ok(), "{path} {name}");
        }
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for bad in ["a b", "\"", &"x".repeat(200)] {
        let answer = lab.call(Method::GET, "/health/live", "", &[("ININ-Correlation-Id", bad)], None).await;
        assert_eq!(answer.header("inin-correlation-id").len(), 36);
    }
    let first: u32 = lab.get("/health/live").await.header("inin-ratelimit-count").parse().expect("a number");
    let second: u32 = lab.get("/health/live").await.header("inin-ratelimit-count").parse().expect("a number");
    assert_eq!(second, first + 1);
}

#[tokio::test]
async fn health_needs_no_token() {
    let lab = Lab::new().await;
    for path in ["/health/live", "/health/ready"] {
        let answer = lab.call(Method::GET, path, "", &[], None).await.is(200);
        assert_eq!(answer.body["status"], "UP");
    }
    lab.control.shutdown().await;
    lab.call(Method::GET, "/health/ready", "", &[], None).await.refused(503, "not.ready");
    lab.call(Method::GET, "/health/live", "", &[], None).await.is(200);
}

#[tokio::test]
async fn a_change_is_audited_under_the_correlation_id_and_the_address() {
    let lab = Lab::new().await;
    let request = Request::post("/api/v2/sites")
        .header("authorization", format!("Bearer {}", lab.token))
        .header("content-type", "application/json")
        .header("inin-correlation-id", "run-7")
        // Believed behind a proxy only.
        .header("x-forwarded-for", "192.0.2.1")
        .extension(ConnectInfo(SocketAddr::from(([198, 51, 100, 7], 4000))));
    lab.send(request.body(Body::from(r#"{"id": "a"}"#)).expect("a request")).await.is(201);
    let audits = lab.get("/api/v2/audits?entityId=a").await;
    assert_eq!(audits.body["entities"][0]["correlationId"], "run-7");
    assert_eq!(audits.body["entities"][0]["remoteAddress"], "198.51.100.7");
}

#[tokio::test]
async fn a_database_locked_by_another_program_is_told_as_that() {
    let lab = Lab::new().await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(lab.dir.path().join("trunkline.db"));
    let mut other = sqlx::ConnectOptions::connect(&options).await.expect("it opens");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("it locks");
    let busy = lab.post("/api/v2/sites", r#"{"id": "a"}"#).await.refused(503, "database.busy").says("locked");
    assert_eq!(busy.header("retry-after"), "1");
    // Reading goes on.
    lab.get("/api/v2/sites").await.is(200);
    sqlx::query("ROLLBACK").execute(&mut other).await.expect("it unlocks");
    lab.post("/api/v2/sites", r#"{"id": "a"}"#).await.is(201);
}

#[tokio::test]
async fn a_change_runs_to_its_end_though_the_caller_goes_away() {
    let lab = Lab::new().await;
    let token = lab.token.clone();
    let mut request = Box::pin(lab.call(Method::POST, "/api/v2/sites", &token, &[], Some(r#"{"id": "a"}"#)));
    tokio::select! {
        biased;
        _ = &mut request => panic!("answered at once"),
        () = tokio::task::yield_now() => {}
    }
    drop(request);
    lab.until("/api/v2/sites/a", |answer| answer.status == 200).await;
    assert_eq!(lab.get("/api/v2/audits?entityId=a").await.body["total"], 1);
}
