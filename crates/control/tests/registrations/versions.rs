//! Removal, actions, and what a version's page tells.

use std::time::{Duration, Instant};

use link::{ToEdge, Withdrawal};
use serde_json::json;

use crate::scene::{PATH, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_registration_is_withdrawn_and_can_be_set_again() {
    let scene = Scene::registered().await;
    scene.lab.delete(&format!("{PATH}/t1")).await.is(204);
    let gone = |orders: &[ToEdge]| {
        orders.iter().any(|order| matches!(order, ToEdge::Withdraw { trunk, how: Withdrawal::Unregister } if trunk == "t1"))
    };
    scene.edge.until("it is un-registered", gone).await;
    let shown = scene.until("pending", |shown| shown["registrationState"] == "PENDING").await;
    assert_eq!((&shown["credentials"]["passwordSet"], &shown["bound"]), (&json!(false), &json!(false)));
    let version = scene.lab.get(&format!("{PATH}/t1/credentials/1")).await.is(200).body;
    assert_eq!((&version["state"], &version["passwordSet"]), (&json!("RETIRED"), &json!(false)));
    scene.lab.post(&format!("{PATH}/t1/credentials/1/promote"), "").await.is(409);
    scene.lab.delete(&format!("{PATH}/t1")).await.is(204);
    scene.lab.delete(&format!("{PATH}/t9")).await.is(404);
    scene.set("first").await.is(201);
    scene.until("registered", |shown| shown["registrationState"] == "REGISTERED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_during_a_verification_wins() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    scene.lab.delete(&format!("{PATH}/t1")).await.is(204);
    scene.edge.speaks().await;
    // Until the verification has ended, the same credentials join it, and learn that they were removed.
    let give_up = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = scene.set("first").await;
        if answer.status.as_u16() == 201 {
            break;
        }
        answer.refused(409, "conflict");
        assert!(Instant::now() < give_up);
    }
    assert_eq!(scene.states().await, ["RETIRED", "ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actions_are_ordered_once_and_unknown_ones_refused() {
    let scene = Scene::registered().await;
    for action in ["refresh", "release-hold", "unregister"] {
        scene.lab.post(&format!("{PATH}/t1/actions/{action}"), "{}").await.is(202);
    }
    let acts = |orders: &[ToEdge]| orders.iter().filter(|order| matches!(order, ToEdge::Act { .. })).count();
    scene.edge.until("all are ordered", |orders| acts(orders) == 3).await;
    scene.lab.post(&format!("{PATH}/t1/actions/dance"), "").await.is(404);
    scene.lab.post(&format!("{PATH}/t9/actions/refresh"), "").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_entitys_version_rises_and_guards_a_removal() {
    let scene = Scene::registered().await;
    let stale = scene.lab.get(&format!("{PATH}/t1")).await.is(200);
    scene.set("wrong").await.is(422);
    let tag = stale.header("etag").to_owned();
    let call = |tag: String| {
        let lab = &scene.lab;
        async move { lab.call(axum::http::Method::DELETE, &format!("{PATH}/t1"), &lab.token, &[("if-match", &tag)], None).await }
    };
    call(tag).await.is(409).says("does not match the current version");
    let fresh = scene.lab.get(&format!("{PATH}/t1")).await.is(200);
    call(fresh.header("etag").to_owned()).await.is(204);
}
