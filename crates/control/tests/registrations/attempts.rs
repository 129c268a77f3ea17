//! Attempts: kept, bounded, listed, shown to whoever may see them.

use std::fs;

use control::{Config, Control};
use diagnosis::Code;
use link::{Attempt, AttemptKind, FromEdge, Sites};
use serde_json::{Value, json};

use crate::lab::{CLIENT, Lab, SECRET};
use crate::sample::{START, attempt, refresh, refused};
use crate::scene::{PATH, Scene};
use crate::scripted_edge::ScriptedEdge;

async fn report(scene: &Scene, attempts: impl IntoIterator<Item = Attempt>) {
    for attempt in attempts {
        scene.edge.reports.send(FromEdge::Attempt(Box::new(attempt))).await.expect("the control plane listens");
    }
}

/// The ids of a listing, once so many are there.
async fn ids(scene: &Scene, query: &str, count: usize) -> Vec<String> {
    let path = format!("{PATH}/t1/attempts{query}");
    let listed = scene.lab.until(&path, |answer| answer.body["total"] == count).await;
    listed.ids().into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_come_first_and_filters_tell_them_apart() {
    let scene = Scene::new().await;
    let at = |n: i64, attempt: Attempt| Attempt { started_at: START + n * 1_000_000, ended_at: START + n * 1_000_000 + 41_000, ..attempt };
    let all = [
        at(0, Attempt { kind: AttemptKind::FirstRegistration, ..attempt("a", Some("t1")) }),
        at(1, Attempt { kind: AttemptKind::Refresh, ..refused("b", Code::Timeout) }),
        at(2, refused("c", Code::CredentialsRejected)),
    ];
    report(&scene, all).await;
    assert_eq!(ids(&scene, "", 3).await, ["c", "b", "a"]);
    for (query, expected) in [
        ("?sortOrder=ascending", &["a", "b", "c"][..]),
        ("?kind=refresh", &["b"]),
        ("?code=sip.credentials.rejected", &["c"]),
        ("?accepted=true", &["a"]),
        ("?accepted=false", &["c", "b"]),
        ("?from=2026-11-24T05:08:20Z", &["c", "b"]),
        ("?to=2026-11-24T05:08:20Z", &["a"]),
    ] {
        assert_eq!(ids(&scene, query, expected.len()).await, expected, "{query}");
    }
    let first = scene.lab.get(&format!("{PATH}/t1/attempts?pageSize=2")).await.is(200).body;
    let next = first["nextUri"].as_str().expect("another page");
    assert_eq!(scene.lab.get(next).await.is(200).ids(), ["a"]);
    let walk = scene.lab.get(&format!("{PATH}/t1/attempts?pageSize=2&cursor=")).await.is(200).body;
    assert_eq!(scene.lab.get(walk["nextUri"].as_str().expect("more")).await.is(200).ids(), ["a"]);
    scene.lab.get(&format!("{PATH}/t1/attempts?kind=call")).await.refused(400, "invalid.value");
    scene.lab.get(&format!("{PATH}/t9/attempts")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_is_shown_with_its_messages_and_timings() {
    let scene = Scene::new().await;
    report(&scene, [refused("a", Code::CredentialsRejected)]).await;
    let shown = scene.lab.until(&format!("{PATH}/t1/attempts/a"), |answer| answer.status == 200).await.body;
    assert_eq!((&shown["kind"], &shown["accepted"]), (&json!("verification"), &json!(false)));
    assert_eq!((&shown["edge"]["id"], &shown["carrier"]["id"], &shown["trunk"]["id"]), (&json!("e1"), &json!("c1"), &json!("t1")));
    assert_eq!((&shown["startedAt"], &shown["durationMs"]), (&json!("2026-11-24T05:08:19.000Z"), &json!(41)));
    assert_eq!((&shown["publicAddress"], &shown["targets"]), (&json!("198.51.100.7:5060"), &json!(["192.0.2.1:5070"])));
    assert_eq!(shown["diagnosis"]["docs"], "/docs/diagnoses/sip.credentials.rejected");
    let messages = shown["messages"].as_array().expect("messages");
    assert_eq!((&messages[0]["direction"], &messages[1]["direction"]), (&json!("sent"), &json!("received")));
    assert_eq!(messages[1]["startLine"], "SIP/2.0 401 Unauthorized");
    assert!(messages[1]["text"].as_str().unwrap().contains("nonce=\"<32 chars>\""));
    let exchange = &shown["timings"]["exchanges"][0];
    assert_eq!((&exchange["method"], &exchange["cSeq"], &exchange["roundTripMs"]), (&json!("REGISTER"), &json!(1), &json!(41)));
    let listed = scene.lab.get(&format!("{PATH}/t1/attempts")).await.is(200).body;
    assert_eq!((listed["entities"][0].get("messages"), &listed["entities"][0]["messageCount"]), (None, &json!(2)));
    scene.lab.get(&format!("{PATH}/t1/attempts/b")).await.is(404);
    scene.lab.get(&format!("{PATH}/verify/attempts/a")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_see_traces_sees_how_it_ended_and_no_message() {
    let scene = Scene::new().await;
    report(&scene, [refused("a", Code::CredentialsRejected)]).await;
    ids(&scene, "", 1).await;
    let viewer = scene.lab.token_with_role("trunk-viewer").await;
    let get = |path: &str| {
        let (path, lab, viewer) = (format!("{PATH}/t1/attempts{path}"), &scene.lab, viewer.clone());
        async move { lab.call(axum::http::Method::GET, &path, &viewer, &[], None).await }
    };
    assert_eq!(get("").await.is(200).ids(), ["a"]);
    let shown = get("/a").await.is(200).body;
    assert_eq!(shown["diagnosis"]["code"], "sip.credentials.rejected");
    assert!(shown.get("messages").is_none());
    for export in ["/a/ladder", "/a/report", "/a/pcapng"] {
        assert!(get(export).await.refused(403, "missing.permissions").text.contains("telephony:trace:view"));
    }
    let auditor = scene.lab.token_with_role("auditor").await;
    scene.lab.call(axum::http::Method::GET, &format!("{PATH}/t1/attempts/a/ladder"), &auditor, &[], None).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_keeps_its_fifty_newest() {
    let scene = Scene::new().await;
    report(&scene, (0..73).map(|n| refused(&format!("a{n:02}"), Code::Timeout))).await;
    scene.lab.until(&format!("{PATH}/t1/attempts/a72"), |answer| answer.status == 200).await;
    let kept = ids(&scene, "?pageSize=100&sortBy=number", 50).await;
    assert_eq!((kept.len(), kept[0].as_str(), kept[49].as_str()), (50, "a72", "a23"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_survives_a_restart_and_goes_with_its_trunk() {
    let scene = Scene::new().await;
    report(&scene, [refused("a", Code::Timeout), refused("b", Code::CredentialsRejected)]).await;
    ids(&scene, "", 2).await;
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["trunkline.db", "trunkline.db-wal", "master.key"] {
        fs::copy(scene.lab.dir.path().join(name), dir.path().join(name)).expect("it is copied");
    }
    let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    let codes: Vec<Value> = lab.get(&format!("{PATH}/t1/attempts?sortBy=number")).await.is(200).body["entities"]
        .as_array()
        .expect("entities")
        .iter()
        .map(|attempt| attempt["diagnosis"]["code"].clone())
        .collect();
    assert_eq!(codes, ["sip.credentials.rejected", "network.timeout"], "first the network, then the password");
    lab.get(&format!("{PATH}/t1/attempts/a/ladder")).await.is(200);
    lab.delete("/api/v2/trunks/voice/t1").await.is(204);
    lab.get(&format!("{PATH}/t1/attempts/a")).await.is(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrived_last_is_written_at_the_end() {
    let scene = Scene::new().await;
    report(&scene, [refused("a", Code::Timeout)]).await;
    ids(&scene, "", 1).await;
    report(&scene, (0..40).map(|n| refused(&format!("b{n}"), Code::Timeout))).await;
    // Orders go through the same task as reports: once this is answered, they are in.
    scene.set("first").await.is(201);
    let Scene { lab, .. } = scene;
    lab.control.shutdown().await;
    let control = Control::open(Config::in_directory(lab.dir.path())).await.expect("it starts");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir: lab.dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    lab.get(&format!("{PATH}/t1/attempts/b39")).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_attempt_of_a_refusal_can_be_read() {
    let scene = Scene::new().await;
    let refused = scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    let id = refused.body["diagnosis"]["attemptId"].as_str().expect("an id").to_owned();
    assert_eq!(scene.lab.get(&format!("{PATH}/t1/attempts/{id}")).await.is(200).body["id"], id);

    let body = json!({"registrars": ["sip:192.0.2.66"], "addressOfRecord": "sip:u1@lab.example", "credentials": {"username": "u1", "password": "first"}});
    let proved = scene.lab.post(&format!("{PATH}/verify"), &body.to_string()).await.is(200);
    let path = format!("{PATH}/verify/attempts/{}", proved.body["attemptId"].as_str().expect("an id"));
    let shown = scene.lab.get(&path).await.is(200).body;
    assert_eq!((shown.get("trunk"), shown.get("carrier"), &shown["selfUri"]), (None, None, &json!(path)));
    assert!(scene.lab.get(&format!("{path}/ladder")).await.is(200).text.starts_with("Verification at sip:192.0.2."));
    assert_eq!(scene.lab.get(&format!("{PATH}/verify/attempts")).await.is(200).body["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_successful_refresh_is_kept_only_while_a_trace_is_on() {
    let scene = Scene::new().await;
    report(&scene, [refresh("before"), refused("mark", Code::Timeout)]).await;
    ids(&scene, "", 1).await;
    let answer = scene.lab.post(&format!("{PATH}/t1/actions/trace"), r#"{"minutes": 30}"#).await.is(202);
    assert!(answer.body["traceUntil"].is_string(), "{}", answer.text);
    scene.edge.until("it is ordered", |orders| orders.iter().any(|order| is_trace(order, 1_800..=1_800))).await;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970").as_micros() as i64;
    report(&scene, [Attempt { started_at: now, ended_at: now, ..refresh("traced") }]).await;
    let mut kept = ids(&scene, "", 2).await;
    kept.sort();
    assert_eq!(kept, ["mark", "traced"]);

    let other = ScriptedEdge::attach(&scene.lab.control, "e1", Sites::Unserved);
    scene.set_with("first", json!({"verify": "static"}), &[]).await.is(201);
    other.until("an edge that comes later hears of it", |orders| orders.iter().any(|order| is_trace(order, 1_700..=1_800))).await;

    let answer = scene.lab.post(&format!("{PATH}/t1/actions/trace"), r#"{"minutes": 0}"#).await.is(202);
    assert!(answer.body.get("traceUntil").is_none());
    other.until("it is ended", |orders| orders.iter().any(|order| is_trace(order, 0..=0))).await;
    let audits = scene.lab.get("/api/v2/audits?action=trace").await.is(200).body;
    assert_eq!((&audits["total"], &audits["entities"][0]["after"]["minutes"]), (&json!(2), &json!(30)));
    scene.lab.post(&format!("{PATH}/t1/actions/trace"), r#"{"minutes": 1441}"#).await.refused(400, "invalid.value").about("minutes");
    scene.lab.post(&format!("{PATH}/t9/actions/trace"), "{}").await.is(404);
    let operator = scene.lab.token_with_role("trunk-operator").await;
    let path = format!("{PATH}/t1/actions/trace");
    scene.lab.call(axum::http::Method::POST, &path, &operator, &[], Some("{}")).await.refused(403, "missing.permissions");
}

fn is_trace(order: &link::ToEdge, seconds: std::ops::RangeInclusive<u32>) -> bool {
    matches!(order, link::ToEdge::Trace { trunk, seconds: ordered } if trunk == "t1" && seconds.contains(ordered))
}
