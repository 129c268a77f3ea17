//! POSTs for the same trunk at the same time.

use serde_json::json;

use crate::scene::Scene;

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
