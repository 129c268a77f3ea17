//! A new data key while trunks are registered: every secret goes over to it, and a start goes on where a kill has stopped it.

use axum::http::Method;
use control::{Config, Control};
use serde_json::{Value, json};

use crate::lab::Lab;
use crate::scene::{PATH, Scene, trunk};

const ROTATE: &str = "/api/v2/sealing/data-keys/rotate";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_secret_goes_over_to_the_new_key_and_still_opens() {
    let scene = Scene::registered().await;
    let lines: String = (0..250)
        .map(|n| format!("{}\n", json!({"trunk": trunk(&format!("b{n}")), "credentials": {"username": format!("b{n}"), "password": "p"}})))
        .collect();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some(&lines)).await.is(200);
    let shown = scene.lab.post(ROTATE, "{}").await.is(202);
    assert_eq!(shown.body["dataKeys"].as_array().map(Vec::len), Some(2));
    // While it goes on, secrets are set and used.
    scene.edge.takes("u1", "second");
    scene.set("second").await.is(200);
    let done = scene.lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    assert_eq!((&done.body["dataKeys"][0]["id"], done.body["dataKeys"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    assert!(done.body["dataKeys"][0]["secrets"].as_i64() >= Some(251), "{}", done.text);
    scene.lab.post(&format!("{PATH}/t1/verify"), "{}").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_cut_off_goes_on_at_the_next_start() {
    let scene = Scene::registered().await;
    // As a kill leaves it: the new key is there, the secret has not gone over to it yet.
    scene.lab.tamper("CREATE TRIGGER still BEFORE UPDATE OF key_id ON credentials BEGIN SELECT RAISE(ABORT, 'killed'); END").await;
    scene.lab.post(ROTATE, "{}").await.is(202);
    let shown = scene.lab.get("/api/v2/sealing").await.is(200);
    assert_eq!((&shown.body["rotation"]["state"], &shown.body["rotation"]["remaining"]), (&json!("RUNNING"), &json!(1)));
    scene.lab.tamper("DROP TRIGGER still").await;
    let Scene { lab, edge } = scene;
    drop(edge);
    let Lab { control, router, dir, token } = lab;
    drop(router);
    control.shutdown().await;
    drop(control);
    let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts");
    let lab = Lab { router: control.router(), control, token, dir };
    let done = lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    let keys: Vec<&Value> = done.body["dataKeys"].as_array().expect("keys").iter().collect();
    assert_eq!((keys.len(), &keys[0]["id"], &keys[0]["secrets"]), (1, &json!(2), &json!(1)));
}
