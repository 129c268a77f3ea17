use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use control::{Config, Control, EventSettings};
use diagnosis::Code;
use link::{FromEdge, Generation, OptionsStatus, RegistrationState, Sites, TrunkStatus};
use serde_json::{Value, json};

use crate::event_stream::Stream;
use crate::lab::{CLIENT, Lab, SECRET};
use crate::sample;
use crate::scene::{PATH, Scene, furnish, trunk};
use crate::scripted_edge::{ScriptedEdge, now};

/// So many streams may be open of one client.
const STREAMS_OF_ONE: usize = 32;

/// A scene whose streams are as patient as wanted.
async fn scene_with(events: EventSettings) -> Scene {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = Config::in_directory(dir.path());
    config.bootstrap = Some((CLIENT.into(), SECRET.into()));
    config.events = events;
    let control = Control::open(config).await.expect("it starts");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    furnish(&lab).await;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("u1", "first");
    Scene { lab, edge }
}

async fn stream(scene: &Scene, query: &str, last: Option<&str>) -> Stream {
    Stream::open(&scene.lab.router, &scene.lab.token, query, last).await
}

fn status(state: RegistrationState, bound: bool, lapses_in: i64) -> TrunkStatus {
    let now = now();
    TrunkStatus {
        trunk: "t1".into(),
        generation: Generation { incarnation: 1, number: 1_000_000 },
        state,
        bound,
        authenticated: bound,
        since: now,
        registrar: None,
        transport: None,
        service_route: Vec::new(),
        associated_uris: Vec::new(),
        public_address: None,
        registered_at: bound.then_some(now),
        expires_at: bound.then_some(now + lapses_in * 1_000_000),
        next_action_at: None,
        round_trip_ms: None,
        consecutive_failures: 1,
        last_response: None,
        negotiated: None,
        options: OptionsStatus::default(),
        diagnosis: Some(Box::new(diagnosis::Diagnosis::new(Code::Timeout))),
        credential_version: Some(1),
        warnings: Vec::new(),
        refreshes: 0,
    }
}

#[tokio::test]
async fn the_story_of_credentials_is_told_in_order_with_who_asked() {
    let scene = Scene::new().await;
    let mut stream = stream(&scene, "?trunkId=t1&kind=credentials,registration", None).await;
    scene.set("first").await.is(201);
    let promoted = stream.event("credentials.promoted").await;
    assert_eq!(promoted.data["data"], json!({"version": 1, "by": "admin"}));
    assert_eq!(
        (&promoted.data["trunk"], &promoted.data["carrier"], &promoted.data["site"]),
        (&json!({"id": "t1"}), &json!({"id": "c1"}), &json!({"id": "s1"}))
    );
    assert_eq!(promoted.data["id"], promoted.id.as_str());
    let bound = stream.event("registration.state").await;
    assert_eq!(
        (&bound.data["data"]["to"], &bound.data["data"]["bound"], &bound.data["edge"]["id"]),
        (&json!("REGISTERED"), &json!(true), &json!("e1"))
    );

    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    assert_eq!(stream.event("credentials.verifying").await.data["data"], json!({"version": 2, "by": "admin"}));
    let rejected = stream.event("credentials.rejected").await;
    assert_eq!(rejected.data["data"], json!({"version": 2, "code": "sip.credentials.rejected", "by": "admin"}));
    scene.lab.delete(&format!("{PATH}/t1")).await.is(204);
    stream.event("credentials.retired").await;
    stream.event("registration.removed").await;
}

#[tokio::test]
async fn a_stream_goes_on_where_it_was_left_with_nothing_twice_and_nothing_left_out() {
    let scene = Scene::new().await;
    let mut first = stream(&scene, "?kind=credentials", None).await;
    let begun = first.part().await.expect("a comment").id;
    scene.set("first").await.is(201);
    let seen = [first.event("credentials.verifying").await, first.event("credentials.promoted").await];
    drop(first);
    scene.set("wrong").await.refused(422, "sip.credentials.rejected");

    let mut again = stream(&scene, "?kind=credentials", Some(&seen[0].id)).await;
    assert_eq!(again.kinds(3).await, ["credentials.promoted", "credentials.verifying", "credentials.rejected"]);
    let mut after_all = stream(&scene, &format!("?kind=credentials&lastEventId={}", seen[1].id), None).await;
    assert_eq!(after_all.kinds(2).await, ["credentials.verifying", "credentials.rejected"]);
    let mut from_the_begin = stream(&scene, "?kind=credentials", Some(&begun)).await;
    assert_eq!(from_the_begin.kinds(4).await[..2], ["credentials.verifying", "credentials.promoted"]);
}

#[tokio::test]
async fn an_id_that_is_not_at_hand_resets_the_reader_and_the_stream_goes_on() {
    let scene = Scene::registered().await;
    for unknown in ["1-999999", "7-1", "nonsense", "1--1"] {
        let mut stream = stream(&scene, "?kind=credentials", Some(unknown)).await;
        let reset = stream.part().await.expect("a part");
        assert_eq!((reset.kind.as_str(), &reset.data["reason"]), ("reset", &json!("unknownId")), "{unknown}");
        assert_eq!(reset.data["id"], reset.id.as_str());
        scene.set(unknown).await.refused(422, "sip.credentials.rejected");
        assert_eq!(stream.kinds(1).await, ["credentials.verifying"]);
    }
}

#[tokio::test]
async fn the_log_is_listed_too() {
    let scene = Scene::registered().await;
    let get = async |query: &str| {
        scene.lab.call(Method::GET, &format!("/api/v2/events{query}"), &scene.lab.token, &[("accept", "application/json")], None).await
    };
    let listed = get("?kind=credentials&sortOrder=asc").await.is(200).body;
    let kinds: Vec<&str> = listed["entities"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds, &listed["total"]), (vec!["credentials.verifying", "credentials.promoted"], &json!(2)));
    assert_eq!(get("?kind=credentials&trunkId=other").await.is(200).body["total"], 0);
    assert_eq!(get("?kind=edge&edge.id=e1").await.is(200).body["entities"][0]["kind"], "edge.online");
    get("?kind=credential").await.refused(400, "invalid.value").about("kind").says("credentials.staged");
    get("?trunk=t1").await.refused(400, "invalid.value").says("trunkId");
    scene.lab.get("/api/v2/events?pageSize=5").await.refused(400, "invalid.value");
}

#[tokio::test]
async fn a_reader_hears_what_it_may_see_and_no_longer_than_its_token_is_good() {
    let scene = scene_with(EventSettings { heartbeat: Duration::from_millis(50), ..EventSettings::default() }).await;
    scene.lab.call(Method::GET, "/api/v2/events", "", &[], None).await.refused(401, "authentication.required");
    scene
        .lab
        .post("/api/v2/authorization/roles", r#"{"id": "edges", "name": "Edges", "permissions": ["telephony:edge:view"]}"#)
        .await
        .is(201);
    scene
        .lab
        .post("/api/v2/authorization/roles", r#"{"id": "audits", "name": "Audits", "permissions": ["audits:audit:view"]}"#)
        .await
        .is(201);
    let nothing = scene.lab.token_with_role("audits").await;
    let refused = scene.lab.call(Method::GET, "/api/v2/events", &nothing, &[], None).await.refused(403, "missing.permissions");
    assert!(refused.text.contains("telephony:trunk:view"), "{}", refused.text);
    let edges = scene.lab.token_with_role("edges").await;
    scene.lab.call(Method::GET, "/api/v2/events?kind=credentials", &edges, &[], None).await.refused(403, "missing.permissions");

    let mut stream = Stream::open(&scene.lab.router, &edges, "", Some("1-1")).await;
    scene.set("first").await.is(201);
    let _other = ScriptedEdge::attach(&scene.lab.control, "e2", Sites::One("elsewhere".into()));
    // Of all that has happened since the first change.
    assert_eq!(stream.kinds(2).await, ["edge.online", "edge.online"]);
    assert!(stream.part().await.expect("a sign of life").raw.contains(": alive"));
    assert_eq!(scene.lab.call(Method::DELETE, "/api/v2/tokens/me", &edges, &[], None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(stream.event("end").await.data, json!({"reason": "unauthorized"}));
    assert!(stream.part().await.is_none());
}

#[tokio::test]
async fn a_scope_shows_its_own_events_and_no_others() {
    let scene = Scene::new().await;
    let lab = &scene.lab;
    lab.post("/api/v2/trunks/voice", &trunk("t2").to_string()).await.is(201);
    let grants = r#"{"roleGrants": [{"roleId": "trunk-viewer", "scope": {"trunks": [{"id": "t1"}]}}]}"#;
    let client = lab.post("/api/v2/oauth/clients", grants).await.is(201).body;
    let token = lab.token_of(client["id"].as_str().unwrap(), client["secret"].as_str().unwrap()).await;
    let mut stream = Stream::open(&lab.router, &token, "?kind=credentials,edge", Some("1-0")).await;
    scene.edge.takes("u2", "second");
    let other = json!({"trunkId": "t2", "credentials": {"username": "u2", "password": "second"}});
    lab.post(PATH, &other.to_string()).await.is(201);
    scene.set("first").await.is(201);
    for kind in ["credentials.verifying", "credentials.promoted"] {
        let part = loop {
            let part = stream.part().await.expect("an event");
            if !part.kind.is_empty() {
                break part;
            }
        };
        assert_eq!((part.kind.as_str(), &part.data["trunk"]["id"]), (kind, &json!("t1")));
    }
    let listed =
        lab.call(Method::GET, "/api/v2/events?kind=credentials,edge", &token, &[("accept", "application/json")], None).await.is(200);
    assert_eq!(listed.body["total"], 2, "{}", listed.text);
    lab.call(Method::GET, "/api/v2/webhooks", &token, &[], None).await.refused(403, "missing.permissions");
}

#[tokio::test]
async fn who_reads_a_carrier_hears_the_end_of_a_trunk_that_was_deleted() {
    let scene = Scene::registered().await;
    let grants = json!([{"roleId": "trunk-viewer", "scope": {"carrier": {"id": "c1"}}}]);
    let token = scene.lab.token_with_grants(&grants).await;
    let mut stream = Stream::open(&scene.lab.router, &token, "?kind=registration", None).await;
    assert!(stream.part().await.expect("a comment").raw.contains("connected"));
    scene.lab.delete("/api/v2/trunks/voice/t1").await.is(204);
    let removed = stream.event("registration.removed").await;
    assert_eq!((&removed.data["trunk"]["id"], &removed.data["site"]["id"]), (&json!("t1"), &json!("s1")));
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off_with_a_word_and_can_go_on() {
    let scene = scene_with(EventSettings { slow_reader: Duration::from_millis(50), ..EventSettings::default() }).await;
    let mut slow = stream(&scene, "?kind=call", None).await;
    assert!(slow.part().await.expect("a comment").raw.contains("connected"));
    for n in 1..=200_u16 {
        let report = FromEdge::CallUnrouted { source: format!("192.0.2.1:{n}"), count: 1, at: now() };
        scene.edge.reports.send(report).await.expect("the control plane listens");
    }
    let listed = "/api/v2/events?kind=call&pageSize=1";
    let json = [("accept", "application/json")];
    let give_up = Instant::now() + Duration::from_secs(20);
    while scene.lab.call(Method::GET, listed, &scene.lab.token, &json, None).await.is(200).body["total"] != 200 {
        assert!(Instant::now() < give_up, "200 calls are never told");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The server waits for the reader, in vain: then its place is another's, where all of a client's are taken.
    let mut others = Vec::new();
    while others.len() < STREAMS_OF_ONE {
        match Stream::try_open(&scene.lab.router, &scene.lab.token, "?kind=edge", None).await {
            Ok(other) => others.push(other),
            Err(status) => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
        assert!(Instant::now() < give_up, "the slow reader is never cut off");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(others);
    let (mut count, mut last) = (0, String::new());
    let end = loop {
        let part = slow.part().await.expect("a part");
        if part.kind == "end" {
            break part;
        }
        (count, last) = (count + 1, part.id);
    };
    assert_eq!(end.data, json!({"reason": "slow"}));
    assert!(slow.part().await.is_none());
    assert!((1..200).contains(&count), "{count}");
    let mut again = stream(&scene, "?kind=call", Some(&last)).await;
    assert_eq!(again.kinds(200 - count).await.len(), 200 - count);
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let scene = Scene::new().await;
    let mut stream = stream(&scene, "", None).await;
    scene.lab.control.shutdown().await;
    assert_eq!(stream.event("end").await.data, json!({"reason": "shutdown"}));
}

#[tokio::test]
async fn what_edges_see_is_told() {
    let scene = Scene::registered().await;
    let mut stream = stream(&scene, "", None).await;
    let report = async |report: FromEdge| scene.edge.reports.send(report).await.expect("the control plane listens");
    let data = |part: crate::event_stream::Part| part.data["data"].clone();

    let attempt = link::Attempt { changes: vec![sample::drift("expires", "600", "60")], ..sample::refresh("a1") };
    report(FromEdge::Attempt(Box::new(attempt))).await;
    let drift = data(stream.event("carrier.drift").await);
    assert_eq!(drift, json!({"attemptId": "a1", "changes": [{"what": "expires", "before": "600", "after": "60"}]}));

    report(FromEdge::Attempt(Box::new(sample::refused("a2", Code::RealmMismatch)))).await;
    assert_eq!(data(stream.event("verification.ended").await), json!({"accepted": false, "code": "sip.realm.mismatch", "attemptId": "a2"}));

    report(FromEdge::BindingContested { trunk: "t1".into(), listed: vec!["<sip:u1@203.0.113.5>".into()], at: now() }).await;
    let contested = stream.event("binding.contested").await;
    assert_eq!((&contested.data["trunk"]["id"], data(contested.clone())), (&json!("t1"), json!({"listed": ["<sip:u1@203.0.113.5>"]})));

    for _ in 0..2 {
        report(FromEdge::CallUnrouted { source: "192.0.2.1:5060".into(), count: 3, at: now() }).await;
    }
    assert_eq!(data(stream.event("call.unrouted").await), json!({"source": "192.0.2.1:5060", "count": 3}));

    report(FromEdge::Status(vec![status(RegistrationState::RetryWait, true, 200)])).await;
    let state = data(stream.event("registration.state").await);
    assert_eq!(
        (&state["from"], &state["to"], &state["bound"], &state["code"]),
        (&json!("REGISTERED"), &json!("RETRY_WAIT"), &json!(true), &json!("network.timeout"))
    );
    let (mut lapsing, mut failing) = (Value::Null, Value::Null);
    while lapsing.is_null() || failing.is_null() {
        let part = stream.part().await.expect("a part");
        match part.kind.as_str() {
            "binding.lapsing" => lapsing = part.data["data"].clone(),
            "carrier.failing" => failing = part.data.clone(),
            // Told once a minute for each sender.
            other => assert_ne!(other, "call.unrouted"),
        }
    }
    assert_eq!((&lapsing["state"], &lapsing["code"]), (&json!("RETRY_WAIT"), &json!("network.timeout")));
    assert_eq!((&failing["carrier"]["id"], &failing["data"]), (&json!("c1"), &json!({"failing": 1, "registrations": 1, "share": 1.0})));
    report(FromEdge::Status(vec![status(RegistrationState::Registered, true, 3600)])).await;
    stream.event("carrier.recovered").await;
}

#[tokio::test]
async fn a_hold_its_release_and_an_edge_that_goes_are_told() {
    let scene = Scene::registered().await;
    let mut stream = stream(&scene, "?kind=registration,edge", None).await;
    scene.edge.carrier(|carrier| {
        carrier.passwords.clear();
        carrier.holds = true;
    });
    scene.lab.post(&format!("{PATH}/t1/actions/refresh"), "{}").await.is(202);
    let held = stream.event("registration.held").await;
    assert_eq!((&held.data["data"]["version"], &held.data["data"]["code"]), (&json!(1), &json!("sip.credentials.rejected")));
    assert!(held.data["data"]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
    stream.event_where("registration.state", |event| event["data"]["to"] == "AUTH_HELD").await;
    scene.edge.takes("u1", "first");
    scene.lab.post(&format!("{PATH}/t1/actions/release-hold"), "{}").await.is(202);
    stream.event("registration.released").await;
    stream.event_where("registration.state", |event| event["data"]["to"] == "REGISTERED").await;
    scene.edge.leave().await;
    let gone = stream.event("edge.offline").await;
    assert_eq!((&gone.data["edge"]["id"], &gone.data["data"]["bindings"]), (&json!("e1"), &json!(1)));
    assert!(gone.data["data"]["firstLapseAt"].as_str().is_some());
    let _back = ScriptedEdge::attach(&scene.lab.control, "e1", Sites::Unserved);
    stream.event("edge.online").await;
}
