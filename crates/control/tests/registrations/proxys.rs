//! Credentials for a proxy on the way: kept, sealed and sent along with the account's, shown without their secret.

use link::{ProxyTerms, ToEdge};
use serde_json::json;

use crate::scene::{PATH, Scene};

fn proxys(password: &str) -> serde_json::Value {
    json!({ "proxyCredentials": { "username": "border", "password": password, "realm": "edge.proxy" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxys_credentials_are_verified_and_assigned_with_the_accounts_and_never_shown() {
    let scene = Scene::new().await;
    let answer = scene.set_with("first", proxys("b0rder"), &[]).await.is(201);
    let shown = &answer.body["credentials"]["proxyCredentials"];
    assert_eq!(*shown, json!({ "username": "border", "realm": "edge.proxy", "passwordSet": true }));
    let terms = ProxyTerms { username: "border".into(), realm: "edge.proxy".into(), algorithm: None };
    let asked = scene.edge.verifications().remove(0).credential.expect("credentials");
    assert_eq!((asked.proxy.as_ref(), scene.edge.proxys_password("t1", &asked)), (Some(&terms), Some("b0rder".into())));
    scene.edge.until("it is assigned", |orders| orders.iter().any(|order| matches!(order, ToEdge::Assign(_)))).await;
    let assigned = scene.edge.assignments("t1").pop().and_then(|assignment| assignment.active).expect("an active version");
    assert_eq!((assigned.proxy.as_ref(), scene.edge.proxys_password("t1", &assigned)), (Some(&terms), Some("b0rder".into())));
    assert_eq!(scene.edge.password("t1", &assigned), "first");
    for page in [format!("{PATH}/t1"), format!("{PATH}/t1/credentials/1"), "/api/v2/audits".into()] {
        let body = scene.lab.get(&page).await.is(200).body.to_string();
        assert!(body.contains("border") && !body.contains("b0rder"), "{page}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_again_sends_nothing_and_another_secret_for_the_proxy_is_another_version() {
    let scene = Scene::new().await;
    scene.set_with("first", proxys("b0rder"), &[]).await.is(201);
    scene.set_with("first", proxys("b0rder"), &[]).await.is(200);
    assert_eq!(scene.edge.verifications().len(), 1, "it is so already");
    scene.set_with("first", proxys("0ther"), &[]).await.is(200);
    scene.set("first").await.is(200);
    assert_eq!(scene.edge.verifications().len(), 3, "another secret, and none, are other credentials");
    assert_eq!(scene.states().await, ["RETIRED", "PREVIOUS", "ACTIVE"]);
    let shown = scene.registration().await;
    assert!(shown["credentials"].get("proxyCredentials").is_none(), "{shown}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proxys_credentials_without_a_realm_are_refused_before_anything_is_sent() {
    let scene = Scene::new().await;
    let bad = json!({ "proxyCredentials": { "username": "border", "password": "b0rder" } });
    let answer = scene.set_with("first", bad, &[]).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (400, &json!("registration.realm.malformed")), "{}", answer.body);
    assert_eq!(answer.body["details"][0]["fieldName"], "proxyCredentials.realm");
    assert!(scene.edge.verifications().is_empty());
}
