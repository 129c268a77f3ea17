//! A carrier that takes longer than the caller waits.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use crate::scene::{PATH, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_202_with_a_place_to_look_and_promoted_by_itself() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let answer = scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    let location = answer.header("location").to_owned();
    assert_eq!(location, format!("{PATH}/t1/credentials/1"));
    assert_eq!(scene.lab.get(&location).await.is(200).body["state"], "VERIFYING");
    assert_eq!(scene.registration().await["credentials"]["stagedVersion"], 1);
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    scene.edge.speaks().await;
    scene.until("registered", |shown| shown["registrationState"] == "REGISTERED").await;
    assert_eq!(scene.lab.get(&location).await.is(200).body["state"], "ACTIVE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_refusal_shows_in_the_version() {
    let scene = Scene::registered().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let answer = scene.set_with("wrong", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.edge.until("it is asked", |_| scene.edge.verifications().len() == 2).await;
    scene.edge.speaks().await;
    scene.until("rejected", |shown| shown["credentials"]["lastRejected"]["version"] == 2).await;
    let version = scene.lab.get(answer.header("location")).await.is(200).body;
    assert_eq!((&version["state"], &version["diagnosis"]["code"]), (&json!("REJECTED"), &json!("sip.credentials.rejected")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_goes_away_leaves_an_indeterminate_outcome() {
    let mut scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    // Another edge of the same id takes its place; the one before is gone with what it knew.
    scene.edge = crate::scripted_edge::ScriptedEdge::attach(&scene.lab.control, "e1", link::Sites::Unserved);
    scene.until("decided", |shown| shown["credentials"]["lastRejected"]["code"] == "verification.indeterminate").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_that_is_mute_after_promotion_does_not_hold_the_caller_for_ever() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.mute = true);
    let began = Instant::now();
    let answer = scene.set_with("first", json!({}), &[("prefer", "wait=1")]).await.is(201);
    assert_eq!((&answer.body["credentials"]["activeVersion"], &answer.body["registrationState"]), (&json!(1), &json!("PENDING")));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_is_heard_out_though_the_caller_waits_no_longer() {
    let scene = Scene::registered().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let bodies = [
        (format!("{PATH}/t1/verify"), json!({}), "t1"),
        (
            format!("{PATH}/verify"),
            json!({"registrars": ["sip:192.0.2.66"], "addressOfRecord": "sip:u1@lab.example", "credentials": {"username": "u1", "password": "first"}}),
            "verify",
        ),
    ];
    let mut locations = Vec::new();
    for (path, body, place) in &bodies {
        let before = scene.edge.verifications().len();
        let answer = scene.lab.call(Method::POST, path, &scene.lab.token, &[("prefer", "wait=0")], Some(&body.to_string())).await.is(202);
        let id = answer.body["attemptId"].as_str().expect("an id").to_owned();
        assert_eq!(answer.header("location"), format!("{PATH}/{place}/attempts/{id}"));
        locations.push(answer.header("location").to_owned());
        scene.edge.until("it is asked", |_| scene.edge.verifications().len() == before + 1).await;
        let asked = scene.edge.verifications().pop().expect("asked");
        assert_eq!((asked.id, asked.patience_ms), (id, 38_000), "the carrier has its time, however short the caller's is");
    }
    scene.edge.speaks().await;
    for location in locations {
        assert_eq!(scene.until_there(&location).await.body["accepted"], true, "{location}");
    }
}
