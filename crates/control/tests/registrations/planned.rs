//! Credentials that wait for their time, and carriers that are at work on themselves at night.

use axum::http::Method;
use control::{Clock, Config};
use diagnosis::Code;
use link::{Action, Sites, ToEdge};
use serde_json::json;
use tokio::sync::watch;

use crate::lab::{CLIENT, Lab, SECRET};
use crate::scene::{PATH, Scene, furnish};
use crate::scripted_edge::ScriptedEdge;

const MINUTE: i64 = 60_000_000;
/// 2030-01-01T00:00:00Z.
const START: i64 = 1_893_456_000_000_000;

/// A control plane whose clock stands still, with the trunk registered as version 1.
async fn night() -> (Scene, watch::Sender<i64>) {
    let (scene, hand) = furnished(START).await;
    scene.set("first").await.is(201);
    (scene, hand)
}

async fn furnished(at: i64) -> (Scene, watch::Sender<i64>) {
    let dir = tempfile::tempdir().expect("a directory");
    let (clock, hand) = Clock::set(at);
    let mut config = Config::in_directory(dir.path());
    config.clock = clock;
    config.bootstrap = Some((CLIENT.into(), SECRET.into()));
    let lab = Lab::on(config, dir).await;
    furnish(&lab).await;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("u1", "first");
    (Scene { lab, edge }, hand)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_verified_and_promoted_when_they_are_due() {
    let (scene, hand) = night().await;
    let shown = scene.set_with("second", json!({"activateAt": "2030-01-01T09:00:00+07:00"}), &[]).await.is(200).body;
    assert_eq!((&shown["credentials"]["activeVersion"], &shown["credentials"]["stagedVersion"]), (&json!(1), &json!(2)));
    assert_eq!(shown["credentials"]["activateAt"], "2030-01-01T02:00:00.000Z");
    hand.send_replace(START + 119 * MINUTE);
    assert_eq!((scene.states().await, scene.edge.verifications().len()), (vec!["ACTIVE".into(), "STAGED".into()], 1));
    scene.edge.takes("u1", "second");
    hand.send_replace(START + 120 * MINUTE);
    let shown = scene.until("promoted", |shown| shown["credentials"]["activeVersion"] == 2).await;
    assert!(shown["credentials"].get("activateAt").is_none(), "{shown}");
    assert_eq!((scene.states().await, scene.edge.verifications().len()), (vec!["PREVIOUS".into(), "ACTIVE".into()], 2));
    assert_eq!(scene.audited().await.last().map(String::as_str), Some("promote"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_carrier_refuses_then_changes_nothing() {
    let (scene, hand) = night().await;
    scene.set_with("wrong", json!({"activateAt": "2030-01-01T02:00:00Z"}), &[]).await.is(200);
    hand.send_replace(START + 120 * MINUTE);
    let shown = scene.until("decided", |shown| shown["credentials"].get("lastRejected").is_some()).await;
    assert_eq!(
        (&shown["credentials"]["activeVersion"], &shown["credentials"]["lastRejected"]["code"]),
        (&json!(1), &json!("sip.credentials.rejected"))
    );
    assert_eq!((&shown["bound"], shown["credentials"].get("activateAt")), (&json!(true), None));
    hand.send_replace(START + 180 * MINUTE);
    scene.registration().await;
    assert_eq!(scene.edge.verifications().len(), 2, "a digest is not sent a second time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_plan_replaces_the_older_the_same_one_is_kept_and_one_can_be_given_up() {
    let (scene, hand) = night().await;
    for _ in 0..2 {
        scene.set_with("second", json!({"activateAt": "2030-01-01T02:00:00Z"}), &[]).await.is(200);
    }
    assert_eq!(scene.states().await, ["ACTIVE", "STAGED"]);
    scene.set_with("third", json!({"activateAt": "2030-01-01T03:00:00Z"}), &[]).await.is(200);
    assert_eq!(scene.states().await, ["ACTIVE", "RETIRED", "STAGED"]);
    let version = |number: u32| format!("{PATH}/t1/credentials/{number}");
    scene.lab.delete(&version(1)).await.refused(409, "conflict");
    scene.lab.delete(&version(9)).await.refused(404, "not.found");
    scene.lab.delete(&version(3)).await.is(204);
    assert_eq!(scene.states().await, ["ACTIVE", "RETIRED", "RETIRED"]);
    hand.send_replace(START + 300 * MINUTE);
    let shown = scene.registration().await;
    assert_eq!((&shown["credentials"]["activeVersion"], scene.edge.verifications().len()), (&json!(1), 1));
    scene.set_with("x", json!({"activateAt": "2030-01-01T03:00:00Z", "standby": true}), &[]).await.refused(400, "invalid.value");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_tried_again_every_minute_can_be_given_up() {
    let (scene, hand) = night().await;
    scene.set_with("second", json!({"activateAt": "2030-01-01T02:00:00Z"}), &[]).await.is(200);
    scene.edge.carrier(|carrier| carrier.fails = Some(Code::CarrierUnavailable));
    hand.send_replace(START + 120 * MINUTE);
    let version = format!("{PATH}/t1/credentials/2");
    scene.lab.until(&version, |answer| answer.body["state"] == "REJECTED").await;
    // Its turn may last a moment longer than that.
    let mut given_up = scene.lab.delete(&version).await;
    while given_up.status == 409 && given_up.text.contains("being verified") {
        tokio::task::yield_now().await;
        given_up = scene.lab.delete(&version).await;
    }
    given_up.is(204);
    scene.edge.carrier(|carrier| carrier.fails = None);
    scene.edge.takes("u1", "second");
    for minute in 121..125 {
        hand.send_replace(START + minute * MINUTE);
        scene.registration().await;
    }
    // A later plan is tried, so the earlier one would have been.
    scene.set_with("third", json!({"activateAt": "2030-01-01T02:05:00Z"}), &[]).await.is(200);
    scene.edge.takes("u1", "third");
    hand.send_replace(START + 126 * MINUTE);
    scene.until("promoted", |shown| shown["credentials"]["activeVersion"] == 3).await;
    assert_eq!((scene.states().await[1].as_str(), scene.edge.verifications().len()), ("RETIRED", 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_does_not_open_is_told_as_that() {
    let (scene, hand) = night().await;
    scene.set_with("second", json!({"activateAt": "2030-01-01T02:00:00Z"}), &[]).await.is(200);
    // Another row's secret: it belongs to its own trunk and version.
    scene.lab.tamper("UPDATE credentials SET secret = (SELECT secret FROM credentials WHERE version = 1) WHERE version = 2").await;
    hand.send_replace(START + 120 * MINUTE);
    let shown = scene.until("decided", |shown| shown["credentials"].get("lastRejected").is_some()).await;
    assert_eq!(shown["credentials"]["lastRejected"]["code"], "registration.secret.unreadable");
    assert_eq!((&shown["credentials"]["activeVersion"], scene.edge.verifications().len()), (&json!(1), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_version_can_be_given_up() {
    let (scene, _hand) = night().await;
    scene.set_with("tomorrow", json!({"standby": true}), &[]).await.is(200);
    scene.edge.until("it is assigned", |_| scene.edge.assignments("t1").iter().any(|order| order.standby.is_some())).await;
    scene.lab.delete(&format!("{PATH}/t1/credentials/2")).await.is(204);
    scene.edge.until("it is taken back", |_| scene.edge.assignments("t1").last().is_some_and(|order| order.standby.is_none())).await;
    assert_eq!(scene.states().await, ["ACTIVE", "RETIRED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_survives_a_stop_and_is_tried_again_until_an_edge_is_there() {
    let (scene, hand) = night().await;
    scene.set_with("second", json!({"activateAt": "2030-01-01T02:00:00Z"}), &[]).await.is(200);
    drop(hand);
    let Scene { lab, edge } = scene;
    lab.control.shutdown().await;
    drop(edge);
    let Lab { dir, control, router, .. } = lab;
    drop((control, router));
    let (clock, hand) = Clock::set(START + 130 * MINUTE);
    let mut config = Config::in_directory(dir.path());
    config.clock = clock;
    let lab = Lab::on(config, dir).await;
    // It is due, and nobody can be asked.
    let version = lab.get(&format!("{PATH}/t1/credentials/2")).await.is(200).body;
    assert_eq!(version["state"], "STAGED");
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("u1", "second");
    let scene = Scene { lab, edge };
    let minute = std::cell::Cell::new(131);
    scene
        .until("promoted", |shown| {
            hand.send_replace(START + minute.get() * MINUTE);
            minute.set(minute.get() + 1);
            shown["credentials"]["activeVersion"] == 2
        })
        .await;
    assert_eq!(scene.edge.verifications().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_a_maintenance_is_let_go_at_its_end_and_one_from_before_is_not() {
    // The edge's times are the machine's, so this night is around now.
    let now = jiff::Timestamp::now();
    let (scene, hand) = furnished(now.as_microsecond()).await;
    scene.set("first").await.is(201);
    let zone = jiff::tz::TimeZone::get("Asia/Jakarta").expect("a zone");
    let clock = |shift: i64| (now + jiff::SignedDuration::from_mins(shift)).to_zoned(zone.clone()).strftime("%H:%M").to_string();
    let released = |scene: &Scene| {
        let orders = scene.edge.orders();
        orders.iter().filter(|order| matches!(order, ToEdge::Act { action: Action::ReleaseHold, .. })).count()
    };
    let window =
        |from: i64, to: i64| json!({"maintenance": [{"from": clock(from), "to": clock(to), "timeZone": "Asia/Jakarta"}]}).to_string();
    scene.lab.patch("/api/v2/carriers/c1", &window(-60, 60)).await.is(200);
    assert!(scene.registration().await["maintenanceUntil"].is_string());
    scene.edge.carrier(|carrier| carrier.holds = true);
    scene.edge.takes("u1", "of the night");
    scene.lab.post(&format!("{PATH}/t1/actions/refresh"), "{}").await.is(202);
    scene.until("held", |shown| shown["registrationState"] == "AUTH_HELD").await;
    assert_eq!(released(&scene), 0);
    assert_eq!(held_told(&scene).await, 0, "nobody is woken for it");
    scene.edge.takes("u1", "first");
    hand.send_replace((now + jiff::SignedDuration::from_mins(62)).as_microsecond());
    let shown = scene.until("let go", |shown| shown["registrationState"] == "REGISTERED").await;
    assert!(shown.get("maintenanceUntil").is_none());
    assert_eq!(released(&scene), 1);
    // From here on the window lies behind the hold.
    scene.lab.patch("/api/v2/carriers/c1", &window(120, 180)).await.is(200);
    scene.edge.takes("u1", "changed for good");
    scene.lab.post(&format!("{PATH}/t1/actions/refresh"), "{}").await.is(202);
    scene.until("held", |shown| shown["registrationState"] == "AUTH_HELD").await;
    hand.send_replace((now + jiff::SignedDuration::from_mins(200)).as_microsecond());
    scene.set_with("other", json!({"activateAt": "1970-01-01T00:00:00Z"}), &[]).await.is(200);
    scene.until("the plan was tried, so the end of the window was seen", |shown| shown["credentials"].get("lastRejected").is_some()).await;
    assert_eq!(released(&scene), 1);
    assert_eq!(held_told(&scene).await, 1);
}

/// So many events say that a trunk is held.
async fn held_told(scene: &Scene) -> usize {
    let path = "/api/v2/events?kind=registration.held";
    let listed = scene.lab.call(Method::GET, path, &scene.lab.token, &[("accept", "application/json")], None).await.is(200);
    listed.body["entities"].as_array().expect("entities").len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_of_a_maintenance_is_let_go_though_the_server_was_stopped_at_its_end() {
    let now = jiff::Timestamp::now();
    let at = |shift: i64| (now + jiff::SignedDuration::from_mins(shift)).as_microsecond();
    let (scene, hand) = furnished(at(0)).await;
    scene.set("first").await.is(201);
    let clock = |shift: i64| (now + jiff::SignedDuration::from_mins(shift)).strftime("%H:%M").to_string();
    let window = json!({"maintenance": [{"from": clock(-60), "to": clock(60), "timeZone": "UTC"}]});
    scene.lab.patch("/api/v2/carriers/c1", &window.to_string()).await.is(200);
    drop(hand);
    let Scene { lab, edge } = scene;
    lab.control.shutdown().await;
    drop(edge);
    let Lab { dir, control, router, .. } = lab;
    drop((control, router));
    let (clock, hand) = Clock::set(at(62));
    let mut config = Config::in_directory(dir.path());
    config.clock = clock;
    let lab = Lab::on(config, dir).await;
    // The edge comes after the first look; its trunk is held since before the window's end, as the machine's clock has it.
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.carrier(|carrier| carrier.holds = true);
    let scene = Scene { lab, edge };
    scene.until("held", |shown| shown["registrationState"] == "AUTH_HELD").await;
    scene.edge.takes("u1", "first");
    hand.send_replace(at(64));
    scene.until("let go", |shown| shown["registrationState"] == "REGISTERED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trunks_are_cut_over_one_by_one_verified_before_they_bind() {
    let scene = Scene::new().await;
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": false}"#).await.is(200);
    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    let shown = scene.set("first").await.is(201).body;
    assert_eq!((&shown["registrationState"], &shown["bound"]), (&json!("DISABLED"), &json!(false)));
    assert_eq!(scene.lab.post(&format!("{PATH}/t1/verify"), "{}").await.is(200).body["verdict"], "PROVED");
    assert!(scene.edge.assignments("t1").is_empty(), "the other system goes on with it");
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": true}"#).await.is(200);
    scene.until("bound", |shown| shown["bound"] == true).await;
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": false}"#).await.is(200);
    scene.until("gone", |shown| shown["registrationState"] == "DISABLED").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_undone_from_its_audit_record() {
    let scene = Scene::registered().await;
    let record = async |kind: &str| {
        let audits = scene.lab.get(&format!("/api/v2/audits?entityType={kind}&action=update&sortOrder=descending")).await.is(200).body;
        audits["entities"][0]["number"].as_i64().expect("a record")
    };
    let undo =
        async |number: i64| scene.lab.call(Method::POST, &format!("/api/v2/audits/{number}/undo"), &scene.lab.token, &[], None).await;
    scene
        .lab
        .patch("/api/v2/trunks/voice/t1", r#"{"name": "Renamed", "expires": 120, "digestPolicy": {"allowed": ["MD5"]}}"#)
        .await
        .is(200);
    let edit = record("trunk").await;
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"description": "kept"}"#).await.is(200);
    let trunk = undo(edit).await.is(200).body;
    assert_eq!((&trunk["name"], &trunk["description"], trunk.get("expires")), (&json!("Trunk t1"), &json!("kept"), None));
    assert!(trunk.get("digestPolicy").is_none());
    undo(edit).await.refused(409, "conflict").says("name");

    scene.lab.patch("/api/v2/carriers/c1", r#"{"registrars": ["sip:192.0.2.2"], "expires": 600}"#).await.is(200);
    let edit = record("carrier").await;
    let carrier = undo(edit).await.is(200).body;
    assert_eq!((&carrier["registrars"], carrier.get("expires")), (&json!(["sip:192.0.2.1"]), None));
    let viewer = scene.lab.token_with_role("auditor").await;
    let path = format!("/api/v2/audits/{edit}/undo");
    scene.lab.call(Method::POST, &path, &viewer, &[], None).await.refused(403, "missing.permissions");
    undo(1).await.refused(409, "conflict");
    undo(9_999).await.refused(404, "not.found");
    scene.lab.get("/api/v2/audits/verify").await.is(200);
}
