//! A version beside the active one, for the night in which the carrier changes the password.

use serde_json::json;

use crate::scene::Scene;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_kept_unasked_assigned_and_promoted_when_the_carrier_takes_it() {
    let scene = Scene::registered().await;
    let answer = scene.set_with("tomorrow", json!({"standby": true}), &[]).await.is(200);
    assert_eq!((&answer.body["credentials"]["activeVersion"], &answer.body["credentials"]["standbyVersion"]), (&json!(1), &json!(2)));
    assert_eq!(scene.edge.verifications().len(), 1);
    scene.edge.until("it is assigned", |_| scene.edge.assignments("t1").iter().any(|assignment| assignment.standby.is_some())).await;
    scene.set_with("tomorrow", json!({"standby": true}), &[]).await.is(200);
    assert_eq!(scene.states().await, ["ACTIVE", "STANDBY"]);

    scene.edge.takes("u1", "tomorrow");
    scene.lab.post(&format!("{}/t1/actions/refresh", crate::scene::PATH), "{}").await.is(202);
    scene.until("promoted", |shown| shown["credentials"]["activeVersion"] == 2).await;
    assert_eq!(scene.states().await, ["PREVIOUS", "ACTIVE"]);
}
