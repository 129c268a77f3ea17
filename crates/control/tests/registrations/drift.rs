//! What a carrier does otherwise than before.

use link::{Attempt, FromEdge};
use serde_json::json;

use crate::sample::{drift, refresh};
use crate::scene::{PATH, Scene};

fn now() -> i64 {
    std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_micros() as i64
}

/// A registered trunk whose carrier has changed its offer and its expiry.
async fn drifted() -> Scene {
    let scene = Scene::registered().await;
    let at = now();
    let changes = vec![drift("offered", "MD5", "SHA-256, MD5"), drift("expires", "600", "120")];
    let seen = Attempt { started_at: at, ended_at: at, changes, ..refresh("seen") };
    scene.edge.reports.send(FromEdge::Attempt(Box::new(seen))).await.expect("the control plane listens");
    scene.until("it is marked", |shown| shown.get("drift").is_some()).await;
    scene
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_marked_with_what_when_and_a_warning() {
    let scene = drifted().await;
    let shown = scene.registration().await;
    let marks = shown["drift"].as_array().expect("marks");
    assert_eq!(marks.len(), 2);
    assert_eq!((&marks[1]["what"], &marks[1]["before"], &marks[1]["after"]), (&json!("offered"), &json!("MD5"), &json!("SHA-256, MD5")));
    assert!(marks.iter().all(|mark| mark["at"].is_string()));
    let warnings = shown["warnings"].to_string();
    assert!(warnings.contains("sip.challenge.changed") && warnings.contains("sip.interval.changed"), "{warnings}");
    let attempt = scene.lab.get(&format!("{PATH}/t1/attempts/seen")).await.is(200).body;
    assert_eq!(attempt["changes"][1], json!({"what": "expires", "before": "600", "after": "120"}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_goes_when_credentials_are_set_again() {
    let scene = drifted().await;
    scene.edge.takes("u1", "second");
    let shown = scene.set("second").await.is(200).body;
    assert!(shown.get("drift").is_none(), "{shown:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mark_goes_when_somebody_acknowledges_it() {
    let scene = drifted().await;
    let path = format!("{PATH}/t1/actions/acknowledge-drift");
    let viewer = scene.lab.token_with_role("trunk-viewer").await;
    scene.lab.call(axum::http::Method::POST, &path, &viewer, &[], None).await.refused(403, "missing.permissions");
    let shown = scene.lab.post(&path, "").await.is(202).body;
    assert!(shown.get("drift").is_none() && !shown["warnings"].to_string().contains("changed"), "{shown:#}");
    let audits = scene.lab.get("/api/v2/audits?action=acknowledgeDrift").await.is(200).body;
    assert_eq!(audits["entities"][0]["before"].as_array().map(Vec::len), Some(2));
    scene.lab.post(&path, "").await.is(202);
}
