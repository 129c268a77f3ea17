//! Accepted: the carrier is asked first, then the version is promoted, assigned and registered.

use serde_json::json;

use crate::scene::{PATH, Scene};
use crate::scripted_edge::REALM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_credentials_are_proved_pinned_and_registered() {
    let scene = Scene::new().await;
    let answer = scene.set("first").await.is(201);
    let body = &answer.body;
    assert_eq!(answer.header("location"), format!("{PATH}/t1"));
    assert_eq!((&body["credentials"]["realm"], &body["credentials"]["algorithm"]), (&json!(REALM), &json!("MD5")));
    assert_eq!((&body["credentials"]["activeVersion"], &body["credentials"]["passwordSet"]), (&json!(1), &json!(true)));
    assert_eq!((&body["registrationState"], &body["bound"]), (&json!("REGISTERED"), &json!(true)));
    assert_eq!(body["edges"][0]["edge"]["id"], "e1");
    assert_eq!(body["warnings"][0]["code"], "sip.algorithm.weak");
    assert!(!answer.text.contains("first"), "{}", answer.text);

    let asked = scene.edge.verifications();
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].trunk.as_deref(), asked[0].by_person), (Some("t1"), true));
    let assigned = scene.edge.assignments("t1");
    let active = assigned[0].active.as_ref().expect("an active version");
    assert_eq!((active.version, active.realm.as_deref(), active.algorithm.as_deref(), active.pinned), (1, Some(REALM), Some("MD5"), true));
    assert_eq!(scene.edge.password("t1", active), "first");
    assert_eq!(scene.audited().await, ["stage", "promote"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_keeps_the_old_version_as_previous_and_retires_the_one_before() {
    let scene = Scene::registered().await;
    for password in ["second", "third"] {
        scene.edge.takes("u1", password);
        let answer = scene.set(password).await.is(200);
        assert_eq!(answer.body["registrationState"], "REGISTERED");
    }
    assert_eq!(scene.states().await, ["RETIRED", "PREVIOUS", "ACTIVE"]);
    let last = scene.edge.assignments("t1").pop().expect("an assignment");
    let (active, previous) = (last.active.expect("active"), last.previous.expect("previous"));
    assert_eq!((scene.edge.password("t1", &active), scene.edge.password("t1", &previous)), ("third".into(), "second".into()));
    let generations: Vec<_> = scene.edge.assignments("t1").iter().map(|assignment| assignment.generation).collect();
    assert!(generations.is_sorted_by(|a, b| a < b), "{generations:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_out_of_service_is_verified_and_promoted_but_not_assigned() {
    let scene = Scene::new().await;
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": false}"#).await.is(200);
    let answer = scene.set("first").await.is(201);
    assert_eq!((&answer.body["registrationState"], &answer.body["credentials"]["activeVersion"]), (&json!("DISABLED"), &json!(1)));
    assert_eq!(scene.edge.verifications().len(), 1);
    assert!(scene.edge.assignments("t1").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_credentials_are_promoted_unasked_and_pinned_when_the_carrier_accepts_them() {
    let scene = Scene::new().await;
    scene.set_with("first", json!({"verify": "static"}), &[]).await.is(201);
    assert!(scene.edge.verifications().is_empty());
    let shown = scene.until("pinned", |shown| shown["credentials"]["realm"] == REALM).await;
    assert_eq!(shown["credentials"]["algorithm"], "MD5");
    scene
        .edge
        .until("the edge hears what is pinned", |_| {
            let last = scene.edge.assignments("t1").pop().and_then(|assignment| assignment.active);
            last.is_some_and(|active| active.pinned && active.realm.as_deref() == Some(REALM))
        })
        .await;
}
