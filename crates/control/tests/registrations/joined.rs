//! POSTs for the same trunk at the same time.

use axum::http::Method;
use serde_json::json;

use crate::scene::{PATH, Scene, trunk};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_secret_is_verified_once_for_all() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let asked = async {
        scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
        scene.edge.speaks().await;
    };
    let (a, b, c, ()) = tokio::join!(scene.set("first"), scene.set("first"), scene.set("first"), asked);
    for answer in [a, b, c] {
        assert!(matches!(answer.status.as_u16(), 200 | 201), "{}", answer.text);
        assert_eq!(answer.body["credentials"]["activeVersion"], 1);
    }
    assert_eq!(scene.edge.verifications().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn different_secrets_go_one_after_the_other() {
    let scene = Scene::registered().await;
    let (a, b) = tokio::join!(scene.set("wrong-1"), scene.set("wrong-2"));
    for answer in [a, b] {
        answer.refused(422, "sip.credentials.rejected");
    }
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED", "REJECTED"]);
}

// limit: verification
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_does_not_wait_long_enough_for_its_turn_gets_409() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.set_with("second", json!({}), &[("prefer", "wait=0")]).await.refused(409, "conflict");
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    scene.edge.speaks().await;
    scene.until("registered", |shown| shown["registrationState"] == "REGISTERED").await;
}

/// So many verifications may be under way at a carrier.
const AT_A_CARRIER: usize = 100;

// limit: verifications
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carrier_is_asked_about_so_many_at_a_time_and_the_next_are_told_to_come_again() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let set = async |id: &str| {
        let body = json!({"trunkId": id, "credentials": {"username": id, "password": "p"}}).to_string();
        scene.lab.call(Method::POST, PATH, &scene.lab.token, &[("prefer", "wait=0")], Some(&body)).await
    };
    for n in 0..AT_A_CARRIER {
        scene.lab.post("/api/v2/trunks/voice", &trunk(&format!("b{n}")).to_string()).await.is(201);
        set(&format!("b{n}")).await.is(202);
    }
    // Whoever waits for nothing is answered before it is tried.
    scene.edge.until("all are asked", |_| scene.edge.verifications().len() == AT_A_CARRIER).await;
    let refused = scene.set("first").await.refused(429, "too.many.requests");
    assert_eq!(refused.header("retry-after"), "5");
    assert!(scene.states().await.is_empty(), "nothing is staged");
    scene.lab.post(&format!("{PATH}/t1/verify"), r#"{"challengeOnly": true}"#).await.refused(429, "too.many.requests");
    // Another carrier has places of its own.
    scene.lab.post("/api/v2/carriers", r#"{"id": "c2", "registrars": ["sip:192.0.2.2"]}"#).await.is(201);
    let mut elsewhere = trunk("t2");
    elsewhere["carrier"]["id"] = json!("c2");
    scene.lab.post("/api/v2/trunks/voice", &elsewhere.to_string()).await.is(201);
    set("t2").await.is(202);
    scene.edge.speaks().await;
    scene.edge.carrier(|carrier| carrier.silent = false);
    scene.lab.until(&format!("{PATH}/b99/credentials"), |shown| shown.body["entities"][0]["state"] == "REJECTED").await;
    scene.set("first").await.is(201);
}
