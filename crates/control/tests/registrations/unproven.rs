//! A 2xx without a challenge proves nothing.

use serde_json::json;

use crate::scene::{PATH, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_refused_unless_body_or_profile_accept_it() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.open = true);
    scene.set("first").await.refused(422, "sip.credentials.unproven");
    let answer = scene.set_with("first", json!({"acceptUnproven": true}), &[]).await.is(201);
    assert_eq!((&answer.body["registrationState"], &answer.body["edges"][0]["authenticated"]), (&json!("REGISTERED"), &json!(false)));
    assert!(answer.body["warnings"].to_string().contains("registration.unauthenticated"), "{}", answer.text);
    assert_eq!(scene.states().await, ["ACTIVE"], "asked again as the same version");
    let version = scene.lab.get(&format!("{PATH}/t1/credentials/1")).await.is(200).body;
    assert_eq!(version["authenticated"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_profile_may_accept_it() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.open = true);
    scene.lab.patch("/api/v2/carriers/c1", r#"{"acceptUnproven": true}"#).await.is(200);
    scene.set("first").await.is(201);
    scene.lab.post(&format!("{PATH}/t1/verify"), "{}").await.refused(422, "sip.credentials.unproven");
}
