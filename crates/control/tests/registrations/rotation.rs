//! New credentials for many trunks: a canary, one in a hundred, the rest; stopped, paused, and taken up after a stop.

use std::io;

use axum::body::Body;
use axum::http::{Method, Request, header};
use control::Config;
use futures_util::stream;
use link::Sites;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab};
use crate::scene::{PATH, Scene, trunk};
use crate::scripted_edge::ScriptedEdge;

fn id(number: usize) -> String {
    format!("r{number:03}")
}

/// So many trunks, registered with `old`; the carrier takes `new` from those that `right` says.
async fn fleet(count: usize, right: impl Fn(usize) -> bool) -> Scene {
    let scene = Scene::new().await;
    let mut lines = String::new();
    for number in 0..count {
        let id = id(number);
        let line = json!({"trunk": trunk(&id), "credentials": {"username": id, "password": "old"}});
        lines.push_str(&format!("{line}\n"));
        scene.edge.takes(&id, if right(number) { "new" } else { "other" });
    }
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    scene.edge.carrier(|carrier| carrier.mute = true);
    let path = format!("{PATH}/bulk");
    let answer = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(&lines)).await.is(200);
    assert_eq!(answer.text.matches("\"status\":201").count(), count, "{}", answer.text);
    scene
}

fn lines(count: usize) -> String {
    (0..count)
        .map(|number| json!({"trunkId": id(number), "credentials": {"username": id(number), "password": "new"}}).to_string() + "\n")
        .collect()
}

async fn rotate(scene: &Scene, query: &str, lines: &str, key: &str) -> Answer {
    let path = format!("{PATH}/bulk?rotate=true&perSecond=1000{query}");
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", key)];
    scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(lines)).await
}

async fn until(lab: &Lab, path: &str, state: &str) -> Value {
    lab.until(path, |answer| answer.body["state"] == state).await.body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_are_verified_and_promoted_the_canary_first() {
    let scene = fleet(120, |_| true).await;
    let begun = rotate(&scene, "", &lines(120), "k").await.is(202);
    let path = begun.header("location").to_owned();
    let done = until(&scene.lab, &path, "COMPLETED").await;
    assert_eq!(
        (&done["progress"]["promoted"], &done["progress"]["lines"], &done["progress"]["waiting"]),
        (&json!(120), &json!(120), &json!(0))
    );
    assert_eq!(done["results"][0], json!({"line": 1, "trunkId": "r000", "status": 200}));
    let asked: Vec<String> = scene.edge.verifications().into_iter().filter_map(|order| order.trunk).collect();
    assert_eq!((asked.len(), asked[0].as_str()), (120, "r000"));
    let mut second: Vec<&str> = asked[1..3].iter().map(String::as_str).collect();
    second.sort_unstable();
    assert_eq!(second, ["r001", "r002"], "one in a hundred before the rest");
    let shown = scene.lab.get(&format!("{PATH}/r119")).await.is(200).body;
    assert_eq!(shown["credentials"]["activeVersion"], 2);
    let again = rotate(&scene, "", &lines(120), "k").await.is(202);
    assert_eq!(again.body["id"], done["id"], "the same key is the same rotation");
    let unchanged = rotate(&scene, "", &lines(120), "k2").await.is(202);
    let unchanged = until(&scene.lab, unchanged.header("location"), "COMPLETED").await;
    assert_eq!(unchanged["progress"]["unchanged"], 120);
    assert_eq!(scene.edge.verifications().len(), 120);
    scene.lab.get("/api/v2/audits/verify").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_canary_stops_it_and_nothing_else_is_asked() {
    let scene = fleet(30, |_| false).await;
    let begun = rotate(&scene, "", &lines(30), "k").await.is(202);
    let path = begun.header("location").to_owned();
    let stopped = until(&scene.lab, &path, "STOPPED").await;
    assert_eq!((&stopped["progress"]["rejected"], &stopped["progress"]["waiting"]), (&json!(1), &json!(29)));
    assert_eq!(stopped["results"][0]["error"]["code"], "sip.credentials.rejected");
    assert_eq!(scene.edge.verifications().len(), 1);
    let report = scene.lab.get(&format!("{path}/report")).await.is(200).text;
    assert!(report.contains("STOPPED") && report.contains("sip.credentials.rejected (1):\n  r000"), "{report}");
    // Whoever has looked at it goes on, with a canary again; here that one is refused too.
    scene.lab.post(&format!("{path}/resume"), "{}").await.is(202);
    let stopped = scene.lab.until(&path, |answer| answer.body["progress"]["rejected"] == 2 && answer.body["state"] == "STOPPED").await.body;
    assert_eq!(stopped["progress"]["waiting"], 28);
    scene.lab.post(&format!("{path}/cancel"), "{}").await.is(202);
    let cancelled = until(&scene.lab, &path, "CANCELLED").await;
    assert_eq!(cancelled["progress"]["superseded"], 28);
    let versions = scene.lab.get(&format!("{PATH}/r029/credentials")).await.is(200).body;
    assert_eq!((&versions["entities"][0]["state"], &versions["entities"][1]["state"]), (&json!("ACTIVE"), &json!("RETIRED")));
    scene.lab.post(&format!("{path}/resume"), "{}").await.refused(409, "conflict");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_failures_stop_it_and_what_was_active_stays_active() {
    // Every fourth is wrong: three running never are.
    let scene = fleet(100, |number| number % 4 != 3).await;
    let begun = rotate(&scene, "&maxFailureShare=0.1", &lines(100), "k").await.is(202);
    let stopped = until(&scene.lab, begun.header("location"), "STOPPED").await;
    let rejected = stopped["progress"]["rejected"].as_u64().unwrap();
    assert!(rejected >= 2 && stopped["progress"]["waiting"].as_u64().unwrap() >= 50, "{stopped}");
    assert!(stopped["message"].as_str().unwrap().contains("maxFailureShare"), "{stopped}");
    let shown = scene.lab.get(&format!("{PATH}/r003")).await.is(200).body;
    assert_eq!((&shown["credentials"]["activeVersion"], &shown["credentials"]["lastRejected"]["version"]), (&json!(1), &json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_paused_and_taken_up_after_a_stop_without_a_second_digest() {
    let scene = fleet(60, |_| true).await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let begun = rotate(&scene, "", &lines(60), "k").await.is(202);
    let path = begun.header("location").to_owned();
    scene.edge.until("the canary is asked", |_| scene.edge.verifications().len() == 1).await;
    scene.lab.post(&format!("{path}/pause"), "{}").await.is(202);
    scene.lab.post(&format!("{path}/pause"), "{}").await.refused(409, "conflict");
    scene.edge.speaks().await;
    scene.lab.until(&path, |answer| answer.body["progress"]["promoted"] == 1).await;
    assert_eq!(scene.lab.get(&path).await.body["state"], "PAUSED");
    assert_eq!(scene.edge.verifications().len(), 1);

    let Scene { lab, edge } = scene;
    lab.control.shutdown().await;
    drop(edge);
    let Lab { dir, control, router, token } = lab;
    drop((control, router));
    let mut lab = Lab::on(Config::in_directory(dir.path()), dir).await;
    lab.token = token;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    for number in 0..60 {
        edge.takes(&id(number), "new");
    }
    lab.post(&format!("{path}/resume"), "{}").await.is(202);
    let done = until(&lab, &path, "COMPLETED").await;
    assert_eq!(done["progress"]["promoted"], 60);
    let mut asked: Vec<String> = edge.verifications().into_iter().filter_map(|order| order.trunk).collect();
    asked.sort();
    assert_eq!(asked, (1..60).map(id).collect::<Vec<_>>(), "none a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_lines_and_bad_parameters_are_told_before_anything_is_asked() {
    let scene = fleet(2, |_| true).await;
    let text = format!(
        "{}{{\"trunkId\": \"r001\", \"credentials\": {{\"username\": \"r001\", \"password\": \"again\"}}}}\n{}\n",
        lines(2),
        json!({"trunk": {"id": "r009"}})
    );
    let begun = rotate(&scene, "", &text, "k").await.is(202);
    let done = until(&scene.lab, begun.header("location"), "COMPLETED").await;
    assert_eq!((&done["progress"]["promoted"], &done["progress"]["refused"]), (&json!(2), &json!(2)));
    let statuses: Vec<u64> = done["results"].as_array().unwrap().iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 200, 409, 400]);
    for query in ["&maxFailureShare=2", "&maxFailureShare=x", "&dryRun=true", "&colour=red"] {
        rotate(&scene, query, &lines(1), "k2").await.refused(400, "invalid.value");
    }
    scene.lab.post(&format!("{PATH}/bulk/nothing/pause"), "{}").await.refused(404, "not.found");
    scene.lab.post(&format!("{}/dance", begun.header("location")), "{}").await.refused(404, "not.found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_for_one_pace_and_the_same_lines() {
    let scene = fleet(3, |_| true).await;
    let begun = rotate(&scene, "", &lines(3), "k").await.is(202);
    until(&scene.lab, begun.header("location"), "COMPLETED").await;
    rotate(&scene, "&maxFailureShare=0.5", &lines(3), "k").await.refused(400, "invalid.value");
    rotate(&scene, "", &lines(2), "k").await.refused(400, "invalid.value");
    let other = lines(3).replace("\"new\"", "\"newer\"");
    rotate(&scene, "", &other, "k").await.refused(400, "invalid.value");
    assert_eq!(rotate(&scene, "", &lines(3), "k").await.is(202).body["id"], begun.body["id"]);
    assert_eq!(scene.edge.verifications().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_off_while_its_lines_were_read_begins_anew_under_its_key() {
    let scene = fleet(3, |_| true).await;
    let path = format!("{PATH}/bulk?rotate=true&perSecond=1000");
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    let mut request = Request::post(&path).header(header::AUTHORIZATION, format!("Bearer {}", scene.lab.token));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let cut = stream::iter([Ok(lines(2)), Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    scene.lab.send(request.body(Body::from_stream(cut)).expect("a request")).await.is(400);
    scene.lab.until("/api/v2/audits?pageSize=500", |answer| answer.text.contains("\"cancel\"")).await;
    assert_eq!(scene.edge.verifications().len(), 0);
    let begun = rotate(&scene, "", &lines(3), "k").await.is(202);
    let done = until(&scene.lab, begun.header("location"), "COMPLETED").await;
    assert_eq!(done["progress"]["promoted"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_one_is_cancelled_at_once_and_its_rest_retired_even_over_a_restart() {
    // Three transactions' worth.
    let scene = fleet(700, |_| true).await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let begun = rotate(&scene, "", &lines(700), "k").await.is(202);
    let path = begun.header("location").to_owned();
    scene.edge.until("the canary is asked", |_| scene.edge.verifications().len() == 1).await;
    let cancelled = scene.lab.post(&format!("{path}/cancel"), "{}").await.is(202);
    assert_eq!(cancelled.body["state"], "CANCELLED");
    scene.lab.post(&format!("{path}/cancel"), "{}").await.refused(409, "conflict");
    let Scene { lab, edge } = scene;
    lab.control.shutdown().await;
    drop(edge);
    let Lab { dir, control, router, token } = lab;
    drop((control, router));
    let mut lab = Lab::on(Config::in_directory(dir.path()), dir).await;
    lab.token = token;
    lab.until(&path, |answer| answer.body["progress"]["waiting"] == 0).await;
    let versions = lab.get(&format!("{PATH}/r699/credentials")).await.is(200).body;
    assert_eq!(versions["entities"][1]["state"], "RETIRED", "{versions:#}");
}
