//! Edges are brought to what is desired, and to nothing else.

use link::{Sites, ToEdge, Withdrawal};
use serde_json::json;

use crate::scene::Scene;
use crate::scripted_edge::ScriptedEdge;

fn withdrawn(orders: &[ToEdge], wanted: Withdrawal) -> bool {
    orders.iter().any(|order| matches!(order, ToEdge::Withdraw { trunk, how } if trunk == "t1" && *how == wanted))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edge_begins_with_a_snapshot() {
    let scene = Scene::registered().await;
    let again = ScriptedEdge::attach(&scene.lab.control, "e1", Sites::Unserved);
    again.takes("u1", "first");
    again.until("the snapshot is whole", |orders| orders.iter().any(|order| matches!(order, ToEdge::SnapshotEnd))).await;
    let orders = again.orders();
    assert!(matches!(orders[0], ToEdge::SnapshotBegin));
    assert!(matches!(&orders[1], ToEdge::Carrier(profile) if profile.id == "c1" && profile.registrars == ["sip:192.0.2.1"]));
    assert!(matches!(&orders[2], ToEdge::Assign(assignment) if assignment.trunk == "t1" && assignment.active.is_some()));
    assert!(matches!(orders[3], ToEdge::SnapshotEnd));
    let before = scene.edge.assignments("t1").pop().expect("an assignment");
    assert_eq!(again.assignments("t1")[0].generation, before.generation, "the same state has the same generation");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_matters_is_sent_and_one_that_does_not_is_not() {
    let scene = Scene::registered().await;
    let before = scene.edge.assignments("t1");
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"name": "Renamed"}"#).await.is(200);
    scene.lab.patch("/api/v2/carriers/c1", r#"{"expires": 600}"#).await.is(200);
    scene.edge.until("the expiry arrives", |_| scene.edge.assignments("t1").last().is_some_and(|last| last.account.expires == 600)).await;
    let after = scene.edge.assignments("t1");
    assert_eq!(after.len(), before.len() + 1);
    assert!(after[after.len() - 1].generation > before[before.len() - 1].generation);
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    scene
        .edge
        .until("the policy arrives", |_| scene.edge.assignments("t1").last().is_some_and(|last| last.policy.allowed == ["SHA-256"]))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn out_of_service_and_deleted_trunks_are_withdrawn() {
    let scene = Scene::registered().await;
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": false}"#).await.is(200);
    scene.edge.until("withdrawn", |orders| withdrawn(orders, Withdrawal::Unregister)).await;
    scene.until("disabled", |shown| shown["registrationState"] == "DISABLED").await;
    let assigned = scene.edge.assignments("t1").len();
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"inService": true}"#).await.is(200);
    scene.edge.until("assigned again", |_| scene.edge.assignments("t1").len() == assigned + 1).await;
    scene.lab.delete("/api/v2/trunks/voice/t1").await.is(204);
    scene.edge.until("withdrawn again", |orders| matches!(orders.last(), Some(ToEdge::Withdraw { .. }))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sites_own_edge_takes_over_and_the_other_lets_go() {
    let scene = Scene::registered().await;
    let own = ScriptedEdge::attach(&scene.lab.control, "own", Sites::One("s1".into()));
    own.takes("u1", "first");
    scene.edge.until("the other lets go", |orders| withdrawn(orders, Withdrawal::Forget)).await;
    own.until("its own has it", |_| !own.assignments("t1").is_empty()).await;
    let shown = scene.until("seen at its own edge only", |shown| shown["edges"].as_array().is_some_and(|edges| edges.len() == 1)).await;
    assert_eq!(shown["edges"][0]["edge"]["id"], "own");
    let edge = scene.lab.get("/api/v2/edges/own").await.is(200).body;
    assert_eq!(edge["onlineStatus"], "ONLINE");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trunk_that_moves_to_another_site_is_unregistered_at_the_old_one() {
    let scene = Scene::registered().await;
    scene.lab.post("/api/v2/sites", r#"{"id": "s2", "name": "Two"}"#).await.is(201);
    let other = ScriptedEdge::attach(&scene.lab.control, "e2", Sites::One("s2".into()));
    other.takes("u1", "first");
    scene.lab.patch("/api/v2/trunks/voice/t1", &json!({"site": {"id": "s2"}}).to_string()).await.is(200);
    scene.edge.until("un-registered", |orders| withdrawn(orders, Withdrawal::Unregister)).await;
    other.until("assigned", |_| !other.assignments("t1").is_empty()).await;
}
