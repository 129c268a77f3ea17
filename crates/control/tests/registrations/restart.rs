//! What a stop in the middle leaves behind.

use std::fs;

use control::{Config, Control};
use diagnosis::Evidence;
use link::{FromEdge, Negotiated, Outcome, Sites, Verdict};
use serde_json::json;

use crate::lab::{CLIENT, Lab, SECRET};
use crate::scene::Scene;
use crate::scripted_edge::ScriptedEdge;

/// The disk as a kill leaves it while the first credentials are being verified, started again.
async fn killed(past_deadline: bool) -> (Scene, String) {
    let scene = Scene::new().await;
    scene.edge.carrier(|carrier| carrier.silent = true);
    scene.set_with("first", json!({}), &[("prefer", "wait=0")]).await.is(202);
    scene.edge.until("it is asked", |_| !scene.edge.verifications().is_empty()).await;
    let asked = scene.edge.verifications()[0].id.clone();
    if past_deadline {
        scene.lab.tamper("UPDATE verifications SET deadline = 1").await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["trunkline.db", "trunkline.db-wal", "master.key"] {
        fs::copy(scene.lab.dir.path().join(name), dir.path().join(name)).expect("it is copied");
    }
    let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("u1", "first");
    (Scene { lab, edge }, asked)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn past_its_deadline_the_outcome_is_indeterminate_and_no_second_digest_is_sent() {
    let (scene, _) = killed(true).await;
    let shown = scene.until("decided", |shown| shown["credentials"].get("lastRejected").is_some()).await;
    assert_eq!(shown["credentials"]["lastRejected"]["code"], "verification.indeterminate");
    assert!(scene.edge.verifications().is_empty());
    scene.set("first").await.refused(422, "verification.indeterminate");
    scene.edge.takes("u1", "second");
    scene.set("second").await.is(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_its_deadline_a_verdict_that_still_comes_decides() {
    let (scene, id) = killed(false).await;
    assert_eq!(scene.states().await, ["VERIFYING"]);
    let negotiated = Negotiated { realm: "lab.example".into(), algorithm: "MD5".into(), qop: None, offered: vec!["MD5".into()] };
    let verdict = Verdict { id, outcome: Outcome::Proved, negotiated: Some(negotiated), evidence: Evidence::default(), at: 1 };
    scene.edge.reports.send(FromEdge::Verdict(Box::new(verdict))).await.expect("the control plane listens");
    scene.until("registered", |shown| shown["registrationState"] == "REGISTERED").await;
    assert_eq!(scene.states().await, ["ACTIVE"]);
    assert!(scene.edge.verifications().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let scene = Scene::registered().await;
    let dir = tempfile::tempdir().expect("a directory");
    for name in ["trunkline.db", "trunkline.db-wal", "master.key"] {
        fs::copy(scene.lab.dir.path().join(name), dir.path().join(name)).expect("it is copied");
    }
    let control = Control::open(Config::in_directory(dir.path())).await.expect("it starts");
    let edge = ScriptedEdge::attach(&control, "e1", Sites::Unserved);
    edge.until("it is assigned", |_| !edge.assignments("t1").is_empty()).await;
    let assignment = edge.assignments("t1").remove(0);
    assert_eq!(edge.password("t1", assignment.active.as_ref().expect("active")), "first");
    assert_eq!(
        assignment.generation,
        scene.edge.assignments("t1").pop().expect("an assignment").generation,
        "nothing changed, so nothing is newer"
    );
}
