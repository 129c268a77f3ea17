//! Asking twice does no more than asking once.

use serde_json::json;

use crate::scene::Scene;
use crate::scripted_edge::REALM;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_active_secret_again_is_200_and_sends_nothing() {
    let scene = Scene::registered().await;
    scene.set("first").await.is(200);
    scene.set_with("first", json!({"credentials": {"realm": REALM, "algorithm": "MD5"}}), &[]).await.is(200);
    assert_eq!(scene.edge.verifications().len(), 1);
    assert_eq!(scene.states().await, ["ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_digest_answers_for_itself_until_something_changed() {
    let scene = Scene::registered().await;
    for _ in 0..3 {
        scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    }
    assert_eq!(scene.edge.verifications().len(), 2);
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"name": "Renamed"}"#).await.is(200);
    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    assert_eq!(scene.edge.verifications().len(), 3);
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"], "asked again as the same version");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_without_a_digest_is_asked_again_as_the_same_version() {
    let scene = Scene::new().await;
    let other = json!({"credentials": {"realm": "other"}});
    scene.set_with("first", other.clone(), &[]).await.refused(422, "sip.realm.mismatch");
    scene.edge.carrier(|carrier| carrier.realm = "other".into());
    let answer = scene.set_with("first", other, &[]).await.is(201);
    assert_eq!(answer.body["credentials"]["activeVersion"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idempotency_key_replays_the_answer_and_is_for_one_request() {
    let scene = Scene::new().await;
    let key = [("idempotency-key", "order-66")];
    let first = scene.set_with("first", json!({}), &key).await.is(201);
    let again = scene.set_with("first", json!({}), &key).await.is(201);
    assert_eq!((first.text, "true"), (again.text.clone(), again.header("idempotency-replayed")));
    scene.set_with("second", json!({}), &key).await.refused(400, "invalid.value");
    let refused = scene.set_with("wrong", json!({}), &[("idempotency-key", "other")]).await.refused(422, "sip.credentials.rejected");
    let again = scene.set_with("wrong", json!({}), &[("idempotency-key", "other")]).await.is(422);
    assert_eq!(refused.text, again.text);
    assert_eq!(scene.edge.verifications().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stricter_policy_refuses_the_active_secret_again_and_sends_nothing() {
    let scene = Scene::registered().await;
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    scene.set("first").await.refused(422, "sip.algorithm.not_allowed");
    assert_eq!(scene.edge.verifications().len(), 1);
    let shown = scene.registration().await;
    assert!(shown["warnings"].to_string().contains("sip.algorithm.disallowed_active"), "{shown}");
    assert_eq!(shown["bound"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conflict_of_the_moment_is_not_kept_under_a_key() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    let key = [("idempotency-key", "k1"), ("prefer", "wait=0")];
    scene.set_with("second", json!({}), &key).await.is(409);
    scene.edge.speaks().await;
    scene.until("the first is over", |shown| shown["credentials"]["activeVersion"] == 1).await;
    scene.edge.takes("u1", "second");
    let answer = scene.set_with("second", json!({}), &[("idempotency-key", "k1")]).await.is(200);
    assert_eq!(answer.body["credentials"]["activeVersion"], 2, "{}", answer.text);
}
