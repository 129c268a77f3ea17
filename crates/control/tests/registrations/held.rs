//! A trunk whose failed digests are spent.

use serde_json::json;

use crate::scene::{PATH, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_left_alone_until_a_new_secret_is_proved() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.holds = true);
    scene.set_with("stale", json!({"verify": "static"}), &[]).await.is(201);
    scene.until("held", |shown| shown["registrationState"] == "AUTH_HELD").await;
    let asked = scene.edge.verifications().len();
    scene.lab.post(&format!("{PATH}/t1/actions/refresh"), "").await.refused(409, "registration.held");
    scene.lab.post(&format!("{PATH}/t1/verify"), "{}").await.refused(409, "registration.held");
    scene.set("stale").await.is(200);
    assert_eq!(scene.edge.verifications().len(), asked, "nothing was sent");

    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    let answer = scene.set("wrong").await.refused(409, "registration.held");
    assert!(answer.body["diagnosis"]["remedy"].as_str().unwrap().contains("/t1/actions/release-hold"), "{}", answer.text);
    let answer = scene.set("first").await.is(200);
    assert_eq!(answer.body["registrationState"], "REGISTERED", "a new secret releases the hold");
    scene.lab.post(&format!("{PATH}/t1/verify"), "{}").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_new_and_old_are_refused_it_says_so() {
    let scene = Scene::registered().await;
    scene.edge.takes("u1", "what nobody here knows");
    scene.edge.carrier(|carrier| carrier.holds = true);
    scene.set_with("second", json!({"verify": "static"}), &[]).await.is(200);
    let told = |shown: &serde_json::Value| shown["edges"][0]["diagnosis"]["code"] == "sip.credentials.both_rejected";
    let shown = scene.until("both are refused", told).await;
    assert_eq!(shown["registrationState"], "AUTH_HELD");
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"], "no ping-pong");
}
