//! Many trunks in one call.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::{Value, json};

use crate::lab::Answer;
use crate::scene::{PATH, Scene, trunk};

fn line(id: &str, password: &str) -> Value {
    json!({"trunk": trunk(id), "credentials": {"username": id, "password": password}})
}

async fn import(scene: &Scene, lines: &str, accept: &str) -> Answer {
    let headers = [("content-type", "application/x-ndjson"), ("accept", accept)];
    scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some(lines)).await
}

async fn results(scene: &Scene, lines: &[Value]) -> Vec<Value> {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let answer = import(scene, &lines, "application/x-ndjson").await.is(200);
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_lines_are_imported_and_registered_in_seconds() {
    let scene = Scene::new().await;
    let ids: Vec<String> = (0..1_000).map(|number| format!("b{number:04}")).collect();
    for id in &ids {
        scene.edge.takes(id, &format!("secret-of-{id}"));
    }
    let began = Instant::now();
    let lines: Vec<Value> = ids.iter().map(|id| line(id, &format!("secret-of-{id}"))).collect();
    let done = results(&scene, &lines).await;
    for (index, (result, id)) in done.iter().zip(&ids).enumerate() {
        assert_eq!(result, &json!({"line": index + 1, "trunkId": id, "status": 201}));
    }
    assert_eq!(done.len(), 1_000);
    let give_up = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = scene.lab.get(&format!("{PATH}?state=REGISTERED&pageSize=1")).await.is(200);
        if answer.body["total"] == 1_000 {
            break;
        }
        assert!(Instant::now() < give_up, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(scene.edge.verifications().is_empty(), "static");
    scene.lab.get("/api/v2/audits/verify").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_line_harms_no_other_and_leaves_nothing_half_applied() {
    let scene = Scene::new().await;
    let mut unknown = line("b2", "x");
    unknown["credentials"]["pasword"] = json!("x");
    let mut nowhere = line("b4", "x");
    nowhere["trunk"]["carrier"]["id"] = json!("nobody");
    let mut forbidden = line("b5", "x");
    forbidden["trunk"]["digestPolicy"] = json!({"allowed": ["SHA-256"]});
    forbidden["credentials"]["algorithm"] = json!("MD5");
    let text = format!("{}\n{unknown}\n{{not json\n\n{nowhere}\n{forbidden}\n{}", line("b1", "x"), line("b6", "x"));
    let answer = import(&scene, &text, "application/x-ndjson").await.is(200);
    let done: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<(u64, u64)> = done.iter().map(|result| (result["line"].as_u64().unwrap(), result["status"].as_u64().unwrap())).collect();
    assert_eq!(told, [(1, 201), (2, 400), (3, 400), (5, 400), (6, 422), (7, 201)], "{}", answer.text);
    assert_eq!(done[1]["error"]["code"], "registration.field.unknown");
    assert_eq!(done[4]["error"]["code"], "sip.algorithm.not_allowed");
    for absent in ["b2", "b4", "b5"] {
        scene.lab.get(&format!("/api/v2/trunks/voice/{absent}")).await.is(404);
    }
    for there in ["b1", "b6"] {
        scene.lab.get(&format!("/api/v2/trunks/voice/{there}")).await.is(200);
    }
    scene.lab.get("/api/v2/audits/verify").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn importing_twice_is_harmless_and_a_changed_line_updates() {
    let scene = Scene::new().await;
    assert_eq!(results(&scene, &[line("b1", "x")]).await[0]["status"], 201);
    let before = scene.lab.get("/api/v2/trunks/voice/b1").await.is(200).body["version"].clone();
    assert_eq!(results(&scene, &[line("b1", "x")]).await[0]["status"], 200);
    assert_eq!(scene.lab.get("/api/v2/trunks/voice/b1").await.is(200).body["version"], before, "what is so already is not written");
    let rotation = json!({"trunkId": "b1", "credentials": {"username": "b1", "password": "y"}});
    let renamed = json!({"trunk": {"id": "b1", "name": "Renamed"}});
    let unknown = json!({"trunkId": "b9", "credentials": {"username": "b1", "password": "y"}});
    let done = results(&scene, &[rotation, renamed, unknown]).await;
    assert_eq!(done.iter().map(|result| result["status"].as_u64().unwrap()).collect::<Vec<_>>(), [200, 200, 404]);
    let trunk = scene.lab.get("/api/v2/trunks/voice/b1").await.is(200).body;
    assert_eq!((&trunk["name"], &trunk["addressOfRecord"]), (&json!("Renamed"), &json!("sip:b1@lab.example")));
    assert_eq!(scene.lab.get(&format!("{PATH}/b1")).await.is(200).body["credentials"]["activeVersion"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_line_is_proved_before_anything_of_it_is_written() {
    let scene = Scene::new().await;
    scene.edge.takes("b1", "right");
    let live = |id: &str, password: &str| {
        let mut line = line(id, password);
        line["verify"] = json!("live");
        line
    };
    let done = results(&scene, &[live("b1", "right"), live("b2", "wrong")]).await;
    assert_eq!((&done[0]["status"], &done[1]["status"]), (&json!(201), &json!(422)), "{done:?}");
    assert_eq!(done[1]["error"]["code"], "sip.credentials.rejected");
    scene.lab.get("/api/v2/trunks/voice/b2").await.is(404);
    let shown = scene.lab.get(&format!("{PATH}/b1")).await.is(200).body;
    assert_eq!(shown["credentials"]["realm"], "lab.example");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_ndjson_in_accept_it_is_a_job_with_state_and_results() {
    let scene = Scene::new().await;
    let text = format!("{}\n{{}}\n", line("b1", "x"));
    let answer = import(&scene, &text, "application/json").await.is(202);
    let location = answer.header("location").to_owned();
    let give_up = Instant::now() + Duration::from_secs(10);
    let job = loop {
        let job = scene.lab.get(&location).await.is(200).body;
        if job["state"] == "COMPLETED" {
            break job;
        }
        assert!(Instant::now() < give_up, "{job}");
        tokio::task::yield_now().await;
    };
    assert_eq!(job["progress"], json!({"lines": 2, "succeeded": 1, "failed": 1}));
    assert_eq!((&job["results"][0]["status"], &job["results"][1]["status"]), (&json!(201), &json!(400)));
    scene.lab.get(&format!("{PATH}/bulk/nothing")).await.is(404);
    import(&scene, "", "application/json").await.is(202);
    let headers = [("content-type", "application/json")];
    scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some("{}")).await.is(415);
}
