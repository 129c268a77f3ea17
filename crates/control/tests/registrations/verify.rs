//! The verify calls change nothing.

use axum::http::Method;
use serde_json::json;

use crate::scene::{PATH, Scene};
use crate::scripted_edge::REALM;

fn path() -> String {
    format!("{PATH}/t1/verify")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_is_learnt_without_any_secret() {
    let scene = Scene::new().await;
    let answer = scene.lab.post(&path(), r#"{"challengeOnly": true}"#).await.is(200);
    assert_eq!((&answer.body["verdict"], &answer.body["challenges"][0]["realm"]), (&json!("LEARNED"), &json!(REALM)));
    assert!(answer.body["attemptId"].is_string());
    assert!(scene.edge.verifications()[0].credential.is_none());
    assert!(scene.states().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_and_active_credentials_are_proved_and_stored_nowhere() {
    let scene = Scene::registered().await;
    scene.edge.takes("u1", "second");
    let answer = scene.lab.post(&path(), r#"{"credentials": {"username": "u1", "password": "second"}}"#).await.is(200);
    assert_eq!((&answer.body["verdict"], &answer.body["negotiated"]["algorithm"]), (&json!("PROVED"), &json!("MD5")));
    scene.lab.post(&path(), "{}").await.refused(422, "sip.credentials.rejected");
    assert_eq!(scene.states().await, ["ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunks_verification_takes_no_other_target() {
    let scene = Scene::registered().await;
    scene.lab.post(&path(), r#"{"registrars": ["sip:192.0.2.66"]}"#).await.refused(400, "registration.field.unknown");
    scene.lab.post(&format!("{PATH}/t9/verify"), r#"{"challengeOnly": true}"#).await.is(404);
    assert_eq!(scene.edge.verifications().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_of_no_trunk_are_tried_at_a_target_of_the_body() {
    let scene = Scene::new().await;
    let body = json!({"registrars": ["sip:192.0.2.66"], "addressOfRecord": "sip:u1@lab.example", "credentials": {"username": "u1", "password": "first"}});
    let answer = scene.lab.post(&format!("{PATH}/verify"), &body.to_string()).await.is(200);
    assert_eq!(answer.body["verdict"], "PROVED");
    let asked = scene.edge.verifications();
    assert_eq!((asked[0].trunk.as_deref(), asked[0].carrier.registrars.as_slice()), (None, &["sip:192.0.2.66".to_owned()][..]));
    let mut nowhere = body.clone();
    nowhere["site"] = json!({"id": "s9"});
    scene.lab.post(&format!("{PATH}/verify"), &nowhere.to_string()).await.refused(400, "invalid.value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_rests_where_its_target_changed_until_it_is_proved_there() {
    let scene = Scene::registered().await;
    scene.lab.patch("/api/v2/carriers/c1", r#"{"registrars": ["sip:192.0.2.2"]}"#).await.is(200);
    scene.edge.until("the secret rests", |_| scene.edge.assignments("t1").last().is_some_and(|last| last.active.is_none())).await;
    assert!(scene.registration().await["warnings"].to_string().contains("registration.resting"));
    scene.lab.post(&path(), "{}").await.is(200);
    scene.edge.until("it is used again", |_| scene.edge.assignments("t1").last().is_some_and(|last| last.active.is_some())).await;
    assert!(!scene.registration().await["warnings"].to_string().contains("registration.resting"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_without_a_trunk_reads_the_attempt_and_so_does_who_has_the_carrier() {
    let scene = Scene::new().await;
    let lab = &scene.lab;
    lab.post("/api/v2/carriers", r#"{"id": "c2", "registrars": ["sip:192.0.2.2"]}"#).await.is(201);
    let scoped = async |role: &str, scope: serde_json::Value| lab.token_with_grants(&json!([{ "roleId": role, "scope": scope }])).await;
    let carrier = |id: &str| json!({ "carrier": { "id": id } });
    let asker = scoped("trunk-administrator", carrier("c1")).await;
    let colleague = scoped("trunk-viewer", carrier("c1")).await;
    let other = scoped("trunk-administrator", carrier("c2")).await;
    // A grant of the carrier is enough where the carrier is named.
    let body = json!({ "carrier": { "id": "c1" }, "addressOfRecord": "sip:u1@lab.example", "credentials": { "username": "u1", "password": "first" } });
    let asked = lab.call(Method::POST, &format!("{PATH}/verify"), &asker, &[], Some(&body.to_string())).await.is(200);
    let free = json!({ "registrars": ["sip:192.0.2.66"], "addressOfRecord": "sip:u1@lab.example", "credentials": { "username": "u1", "password": "first" } });
    let refused = lab.call(Method::POST, &format!("{PATH}/verify"), &asker, &[], Some(&free.to_string())).await;
    refused.refused(403, "missing.permissions").says("telephony:trunkRegistration:verify, telephony:trunkCredential:edit");
    let id = asked.body["attemptId"].as_str().expect("an attempt").to_owned();
    let list = format!("{PATH}/verify/attempts");
    let one = format!("{list}/{id}");
    lab.until(&list, |listed| listed.ids().contains(&id.as_str())).await;
    let get = async |token: &str, path: &str| lab.call(Method::GET, path, token, &[], None).await;
    for (token, listed, read, traced) in
        [(&asker, 1, 200, 200), (&colleague, 1, 200, 403), (&other, 0, 404, 404), (&lab.token, 1, 200, 200)]
    {
        assert_eq!(get(token, &list).await.is(200).ids().len(), listed);
        get(token, &one).await.is(read);
        get(token, &format!("{one}/ladder")).await.is(traced);
    }
}
