//! A promoted version that the carrier refuses goes back to the one that worked.

use serde_json::json;

use crate::scene::{PATH, Scene};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_static_wrong_password_goes_back_by_itself() {
    let scene = Scene::registered().await;
    scene.set_with("wrong", json!({"verify": "static"}), &[]).await.is(200);
    let shown = scene.until("rolled back", |shown| shown["credentials"]["lastRejected"]["version"] == 2).await;
    assert_eq!(shown["credentials"]["activeVersion"], 1);
    scene.until("registered again", |shown| shown["registrationState"] == "REGISTERED").await;
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"]);
    let last = scene.edge.assignments("t1").pop().and_then(|assignment| assignment.active).expect("active");
    assert_eq!((last.version, scene.edge.password("t1", &last).as_str()), (1, "first"));
    let audited = scene.audited().await;
    assert_eq!(audited[audited.len() - 2..], ["reject", "rollback"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proved_version_that_the_registration_refuses_is_422_and_the_old_one_works_on() {
    let scene = Scene::registered().await;
    scene.edge.takes("u1", "second");
    scene.edge.carrier(|carrier| carrier.refuses_binding = true);
    scene.set("second").await.refused(422, "sip.credentials.rejected");
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_wrong_password_stays_there_is_nothing_to_go_back_to() {
    let scene = Scene::new().await;
    scene.set_with("wrong", json!({"verify": "static"}), &[]).await.is(201);
    let shown = scene.until("refused", |shown| shown["registrationState"] == "RETRY_WAIT").await;
    assert_eq!(shown["edges"][0]["diagnosis"]["code"], "sip.credentials.rejected");
    assert_eq!(scene.states().await, ["ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_hand_promote_and_rollback_do_the_same() {
    let scene = Scene::registered().await;
    scene.edge.takes("u1", "second");
    scene.set("second").await.is(200);
    // The carrier would refuse the old password, and the version before be gone back to by itself.
    scene.edge.carrier(|carrier| carrier.mute = true);
    let answer = scene.lab.post(&format!("{PATH}/t1/credentials/2/rollback"), "").await.is(200);
    assert_eq!(answer.body["credentials"]["activeVersion"], 1);
    assert_eq!(scene.states().await, ["ACTIVE", "PREVIOUS"]);
    scene.lab.post(&format!("{PATH}/t1/credentials/2/rollback"), "").await.is(409);
    let answer = scene.lab.post(&format!("{PATH}/t1/credentials/2/promote"), "{}").await.is(200);
    assert_eq!(answer.body["credentials"]["activeVersion"], 2);
    scene.lab.post(&format!("{PATH}/t1/credentials/rollback"), "").await.is(200);
    scene.lab.post(&format!("{PATH}/t1/credentials/9/promote"), "").await.is(404);
}
