//! Many trunks in one call.

use std::time::{Duration, Instant};

use axum::http::Method;
use control::Config;
use link::Sites;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab};
use crate::scene::{PATH, Scene, trunk};
use crate::scripted_edge::ScriptedEdge;

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
async fn lines_about_one_trunk_follow_each_other_within_a_batch() {
    let scene = Scene::new().await;
    let alone = |id: &str| json!({"trunk": trunk(id)});
    let only = |id: &str, password: &str| json!({"trunkId": id, "credentials": {"username": id, "password": password}});
    let mut nowhere = line("b1", "z");
    nowhere["trunk"]["site"] = json!({"id": "nowhere"});
    let renamed = json!({"trunk": {"id": "b2", "name": "Renamed"}, "credentials": {"username": "b2", "password": "p"}});
    let lines = [
        line("b1", "x"),
        only("b1", "y"),
        alone("b2"),
        only("b3", "x"),
        nowhere,
        only("b1", "y"),
        renamed,
        line("b3", "x"),
        only("b2", "q"),
        alone("b3"),
    ];
    let done = results(&scene, &lines).await;
    let statuses: Vec<u64> = done.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [201, 200, 201, 404, 400, 200, 201, 201, 200, 200]);
    for (id, version) in [("b1", 2), ("b2", 2), ("b3", 1)] {
        assert_eq!(scene.lab.get(&format!("{PATH}/{id}")).await.is(200).body["credentials"]["activeVersion"], version, "{id}");
    }
    assert_eq!(scene.lab.get("/api/v2/trunks/voice/b2").await.is(200).body["name"], "Renamed");
    assert_eq!(scene.lab.get("/api/v2/trunks/voice?site.id=nowhere").await.is(200).body["total"], 0);
    let audits = scene.lab.get("/api/v2/audits?entityId=b2&pageSize=100").await.is(200).body;
    let mut actions: Vec<&str> = audits["entities"].as_array().unwrap().iter().map(|record| record["action"].as_str().unwrap()).collect();
    if audits["entities"][0]["number"].as_u64() > audits["entities"][1]["number"].as_u64() {
        actions.reverse();
    }
    assert_eq!(actions, ["create", "update", "stage", "promote", "stage", "promote"]);
    scene.lab.get("/api/v2/audits/verify").await.is(200);
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

async fn keyed(scene: &Scene, lines: &[Value], key: &str) -> Vec<Value> {
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson"), ("idempotency-key", key)];
    let answer = scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some(&text)).await.is(200);
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_key_a_file_sent_again_goes_on_where_it_ended() {
    let scene = Scene::new().await;
    let mut nowhere = line("b2", "x");
    nowhere["trunk"]["carrier"]["id"] = json!("nobody");
    let first = keyed(&scene, &[line("b1", "x"), nowhere.clone()], "night").await;
    assert_eq!((&first[0]["status"], &first[1]["status"]), (&json!(201), &json!(400)));
    // What was undone since is not done again: the line has its result.
    scene.lab.delete("/api/v2/trunks/voice/b1").await.is(204);
    let second = keyed(&scene, &[line("b1", "x"), nowhere.clone(), line("b3", "x")], "night").await;
    assert_eq!(second[..2], first[..], "the results are the first ones");
    assert_eq!(second[2]["status"], 201);
    scene.lab.get("/api/v2/trunks/voice/b1").await.is(404);
    let other = keyed(&scene, &[line("b4", "x"), nowhere], "night").await;
    assert_eq!((&other[0]["status"], &other[0]["error"]["details"][0]["fieldName"]), (&json!(400), &json!("Idempotency-Key")));
    scene.lab.get("/api/v2/trunks/voice/b4").await.is(404);
    assert_eq!(keyed(&scene, &[line("b1", "x")], "another").await[0]["status"], 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_job_of_a_key_counts_each_line_once() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        keyed(&scene, &[line("b1", "x"), json!({})], "k").await;
    }
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    let text = format!("{}\n{{}}\n", line("b1", "x"));
    let answer = scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some(&text)).await.is(202);
    let job = scene.lab.until(answer.header("location"), |job| job.body["state"] == "COMPLETED").await;
    assert_eq!(job.body["progress"], json!({"lines": 2, "succeeded": 1, "failed": 1}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_what_would_come_of_it_and_writes_nothing() {
    let scene = Scene::new().await;
    let mut live = line("b3", "x");
    live["verify"] = json!("live");
    let text =
        format!("{}\n{}\n{live}\n{{}}\n", line("b1", "x"), json!({"trunkId": "b9", "credentials": {"username": "u", "password": "p"}}));
    let before = scene.lab.get("/api/v2/audits?pageSize=1").await.is(200).body["total"].clone();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    let path = format!("{PATH}/bulk?dryRun=true");
    let answer = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(&text)).await.is(200);
    let statuses: Vec<u64> =
        answer.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["status"].as_u64().expect("a status")).collect();
    assert_eq!(statuses, [201, 404, 201, 400], "{}", answer.text);
    scene.lab.get("/api/v2/trunks/voice/b1").await.is(404);
    assert_eq!(scene.lab.get("/api/v2/audits?pageSize=1").await.is(200).body["total"], before);
    assert!(scene.edge.verifications().is_empty(), "no carrier was asked");
    let job = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers[..1], Some(&text)).await.is(202);
    let job = scene.lab.until(job.header("location"), |job| job.body["state"] == "COMPLETED").await;
    assert_eq!((&job.body["dryRun"], &job.body["progress"]["succeeded"]), (&json!(true), &json!(2)));
    scene.lab.get("/api/v2/trunks/voice/b1").await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_is_imported_again_without_secrets() {
    let scene = Scene::registered().await;
    let mut fancy = line("b1", "very-secret");
    fancy["trunk"]["expires"] = json!(600);
    fancy["trunk"]["inService"] = json!(false);
    fancy["trunk"]["digestPolicy"] = json!({"allowed": ["MD5"]});
    fancy["credentials"]["realm"] = json!("lab.example");
    assert_eq!(results(&scene, &[fancy]).await[0]["status"], 201);
    let export = scene.lab.get(&format!("{PATH}/bulk")).await.is(200);
    assert!(!export.text.contains("very-secret") && !export.text.contains("first"), "{}", export.text);
    let lines: Vec<Value> = export.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.iter().map(|line| line["trunk"]["id"].as_str().unwrap()).collect::<Vec<_>>(), ["b1", "t1"]);
    assert_eq!(lines[0]["credentials"], json!({"username": "b1", "passwordSet": true, "realm": "lab.example"}));
    assert_eq!((&lines[0]["trunk"]["expires"], &lines[0]["trunk"]["inService"]), (&json!(600), &json!(false)));

    // Here nothing changes by it.
    let again = results(&scene, &lines).await;
    assert!(again.iter().all(|result| result["status"] == 200), "{again:?}");
    assert_eq!(scene.lab.get("/api/v2/trunks/voice/b1").await.is(200).body["version"], 1);
    assert_eq!(scene.registration().await["credentials"]["activeVersion"], 1);

    // Elsewhere the trunks are as they were here, and wait for their secrets.
    let other = Scene::new().await;
    other.lab.delete("/api/v2/trunks/voice/t1").await.is(204);
    assert!(results(&other, &lines).await.iter().all(|result| result["status"] == 201));
    let exported = other.lab.get(&format!("{PATH}/bulk?site.id=s1&carrier.id=c1")).await.is(200);
    let trunks: Vec<Value> = exported.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["trunk"].clone()).collect();
    assert_eq!(trunks, lines.iter().map(|line| line["trunk"].clone()).collect::<Vec<_>>());
    assert_eq!(other.registration().await["credentials"], json!({"passwordSet": false}));
    assert_eq!(other.lab.get(&format!("{PATH}/bulk?carrier.id=c9")).await.is(200).text, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_carriers_sheet_is_imported_and_what_copying_left_is_refused() {
    let scene = Scene::new().await;
    let sheet =
        "Rufnummer;SIP-User;Kennwort\n62215001;u5001;p-1\n62215002;u5002;p-2\u{a0}\n62215003;\u{201c}u5003\u{201d};p-3\n62215004;u5004\n";
    let query = "column.id=Rufnummer&column.username=SIP-User&column.password=Kennwort&value.carrier=c1&value.site=s1\
                 &value.addressOfRecord=sip:%2B{Rufnummer}@lab.example";
    let headers = [("content-type", "text/csv; charset=utf-8"), ("accept", "application/x-ndjson")];
    let path = format!("{PATH}/bulk?{query}");
    let answer = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(sheet)).await.is(200);
    let done: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<(u64, u64, &str)> = done
        .iter()
        .map(|result| {
            let code = result["error"]["code"].as_str().unwrap_or_default();
            (result["line"].as_u64().unwrap(), result["status"].as_u64().unwrap(), code)
        })
        .collect();
    assert_eq!(
        told,
        [(2, 201, ""), (3, 400, "registration.whitespace"), (4, 400, "registration.whitespace"), (5, 400, "bad.request")],
        "{}",
        answer.text
    );
    assert!(!answer.text.contains("p-2"), "no secret in an answer");
    let trunk = scene.lab.get("/api/v2/trunks/voice/62215001").await.is(200).body;
    assert_eq!(trunk["addressOfRecord"], "sip:+62215001@lab.example");
    let path = format!("{PATH}/bulk?column.id=Nummer");
    let answer = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(sheet)).await.is(200);
    assert!(answer.text.contains("column.id") && answer.text.contains("Rufnummer"), "{}", answer.text);
    let path = format!("{PATH}/bulk?column.pasword=Kennwort");
    scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(sheet)).await.refused(400, "invalid.value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_the_carriers_pacing_cannot_bear_are_refused_and_the_others_imported() {
    let scene = Scene::new().await;
    // 10 s between two refreshes, two REGISTERs each: 0.95 of 1/s bear four.
    let small =
        r#"{"id": "small", "registrars": ["sip:192.0.2.1"], "expires": 15, "nonceReuse": "never", "pacing": {"registersPerSecond": 1}}"#;
    scene.lab.post("/api/v2/carriers", small).await.is(201);
    let lines: Vec<Value> = (1..=6)
        .map(|number| {
            let mut line = line(&format!("b{number}"), "x");
            line["trunk"]["carrier"]["id"] = json!("small");
            if number == 2 {
                // Refused after it was counted: what is undone asks nothing.
                line["trunk"]["digestPolicy"] = json!({"allowed": ["SHA-256"]});
                line["credentials"]["algorithm"] = json!("MD5");
            }
            line
        })
        .collect();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    let tried = scene.lab.call(Method::POST, &format!("{PATH}/bulk?dryRun=true"), &scene.lab.token, &headers, Some(&text)).await.is(200);
    let statuses = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["status"].clone()).collect()
    };
    assert_eq!(statuses(&tried.text), [201, 422, 201, 201, 201, 400]);
    let done = results(&scene, &lines).await;
    let told: Vec<Value> = done.iter().map(|result| result["status"].clone()).collect();
    assert_eq!(told, [201, 422, 201, 201, 201, 400]);
    assert_eq!(done[5]["error"]["code"], "pacing.infeasible");
    assert_eq!(scene.lab.get("/api/v2/carriers/small").await.is(200).body["load"]["trunks"], 4);
    // The same lines again change nothing, and are not judged anew.
    let again = results(&scene, &lines[2..5]).await;
    assert!(again.iter().all(|result| result["status"] == 200), "{again:?}");
}

fn live(id: &str, password: &str) -> Value {
    json!({"trunkId": id, "credentials": {"username": id, "password": password}, "verify": "live"})
}

fn statuses(done: &[Value]) -> Vec<u64> {
    done.iter().map(|result| result["status"].as_u64().expect("a status")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_line_about_a_trunk_that_is_there_goes_by_the_rules_of_the_single_call() {
    let scene = Scene::new().await;
    results(&scene, &[line("b1", "first")]).await;
    let asked = |scene: &Scene| scene.edge.verifications().len();
    assert_eq!(statuses(&results(&scene, &[live("b1", "wrong")]).await), [422]);
    let versions = scene.lab.get(&format!("{PATH}/b1/credentials")).await.is(200).body;
    let of = |number: usize, field: &str| versions["entities"][number][field].clone();
    assert_eq!((of(0, "state"), of(1, "state")), (json!("ACTIVE"), json!("REJECTED")));
    assert_eq!(versions["entities"][1]["diagnosis"]["code"], "sip.credentials.rejected");
    assert_eq!(statuses(&results(&scene, &[live("b1", "wrong")]).await), [422], "the verdict answers for itself");
    // So it does for a trunk that is not there, or would be another.
    assert_eq!(asked(&scene), 1);
    for _ in 0..2 {
        let mut new = line("b2", "wrong");
        new["verify"] = json!("live");
        let mut changed = line("b1", "worse");
        changed["trunk"]["name"] = json!("Renamed");
        changed["verify"] = json!("live");
        assert_eq!(statuses(&results(&scene, &[new, changed]).await), [422, 422]);
        assert_eq!(asked(&scene), 3);
    }
    scene.lab.get("/api/v2/trunks/voice/b2").await.is(404);
    assert_eq!(scene.lab.get("/api/v2/trunks/voice/b1").await.is(200).body["name"], "Trunk b1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_live_lines_about_a_trunk_are_asked_one_after_the_other() {
    let scene = Scene::new().await;
    results(&scene, &[line("b1", "first")]).await;
    scene.edge.takes("b1", "third");
    scene.edge.carrier(|carrier| carrier.silent = true);
    let lines = [live("b1", "second"), live("b1", "third")];
    let (done, ()) = tokio::join!(results(&scene, &lines), async {
        scene.edge.until("the first is asked", |_| !scene.edge.verifications().is_empty()).await;
        // Whatever else would be asked at once has its turn.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(scene.edge.verifications().len(), 1);
        scene.edge.speaks().await;
    });
    assert_eq!(statuses(&done), [422, 200]);
    let shown = scene.lab.get(&format!("{PATH}/b1")).await.is(200).body;
    assert_eq!(shown["credentials"]["activeVersion"], 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_line_that_was_asked_about_when_the_server_stopped_is_not_asked_again() {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    let mut new = line("b1", "right");
    new["verify"] = json!("live");
    let text = format!("{new}\n");
    let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", "k")];
    let path = format!("{PATH}/bulk");
    let begun = scene.lab.call(Method::POST, &path, &scene.lab.token, &headers, Some(&text)).await.is(202);
    let location = begun.header("location").to_owned();
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    let Scene { lab, edge } = scene;
    let Lab { dir, control, router, token } = lab;
    control.shutdown().await;
    drop((edge, control, router));
    let mut lab = Lab::on(Config::in_directory(dir.path()), dir).await;
    lab.token = token;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("b1", "right");
    lab.call(Method::POST, &path, &lab.token, &headers, Some(&text)).await.is(202);
    let job = lab.until(&location, |answer| answer.body["state"] == "COMPLETED").await.body;
    assert_eq!(job["results"][0]["error"]["code"], "verification.indeterminate", "{job:#}");
    assert_eq!(job["progress"], json!({"lines": 1, "succeeded": 0, "failed": 1}));
    assert!(edge.verifications().is_empty());
}
