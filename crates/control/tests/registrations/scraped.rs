//! /metrics: well-formed in the eyes of promtool, and what the API says.

use std::io::Write;
use std::process::{Command, Stdio};

use axum::http::Method;
use serde_json::json;

use crate::scene::{PATH, Scene};

/// Fails where Prometheus's own tool finds a fault.
fn judged(text: &str) {
    let mut tool = Command::new("promtool");
    tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tool.spawn().expect("promtool: cargo xtask setup installs it");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
}

/// The value of a series, labels in the order of their names.
fn value(text: &str, series: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_scraped_is_what_the_api_says() {
    let scene = Scene::registered().await;
    scene.lab.post("/api/v2/trunks/voice", &json!({"id": "t2", "site": {"id": "s1"}, "carrier": {"id": "c1"}, "addressOfRecord": "sip:t2@lab.example", "inService": false}).to_string()).await.is(201);
    scene
        .lab
        .post(&format!("{PATH}/t1/verify"), r#"{"credentials": {"username": "u1", "password": "wrong"}}"#)
        .await
        .refused(422, "sip.credentials.rejected");
    let text = scene.lab.get("/metrics").await.is(200).text;
    judged(&text);
    let summary = scene.lab.get(&format!("{PATH}/summary")).await.is(200).body;
    for (state, trunks) in summary["states"].as_object().expect("states") {
        let series = format!("trunkline_trunks{{carrier=\"c1\",site=\"s1\",state=\"{state}\"}}");
        assert_eq!(value(&text, &series), trunks.as_f64(), "{series}\n{text}");
    }
    assert_eq!(summary["states"].as_object().expect("states").len(), 2, "{summary}");
    let refused = r#"trunkline_attempts_total{code="sip.credentials.rejected",kind="verification"}"#;
    assert_eq!(value(&text, refused), Some(1.0), "{text}");
    let minutes = scene.lab.get(&format!("{PATH}/metrics")).await.is(200).body;
    let accepted: f64 = text
        .lines()
        .filter(|line| line.starts_with("trunkline_registers_total{") && line.contains("accepted"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum();
    assert_eq!(Some(accepted), minutes["accepted"].as_f64(), "{text}");
    let asked = r#"trunkline_http_requests_total{code="422",method="POST",route="/api/v2/trunks/voice/registrations/{trunk}/verify"}"#;
    assert_eq!(value(&text, asked), Some(1.0), "{text}");
    for series in ["process_resident_memory_bytes", "process_cpu_seconds_total", "trunkline_database_bytes"] {
        assert!(value(&text, series).is_some(), "{series}\n{text}");
    }
    assert!(!text.contains("t1") && !text.contains("t2"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_somebody_makes_up_has_no_series_and_a_scope_is_not_enough() {
    let scene = Scene::new().await;
    for path in ["/made/up", "/api/v2/carriers/made-up"] {
        scene.lab.get(path).await.is(404);
    }
    let text = scene.lab.get("/metrics").await.is(200).text;
    assert!(!text.contains("made"), "{text}");
    let here = json!([{ "roleId": "trunk-viewer", "scope": { "site": { "id": "s1" } } }]);
    let token = scene.lab.token_with_grants(&here).await;
    scene.lab.call(Method::GET, "/metrics", &token, &[], None).await.refused(403, "missing.permissions");
    scene.lab.call(Method::GET, "/metrics", "", &[], None).await.refused(401, "authentication.required");
}
