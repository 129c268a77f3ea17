//! Refused: nothing changes but the record of the refusal.

use link::ToEdge;
use serde_json::json;

use crate::lab::Lab;
use crate::scene::{PATH, Scene, credentials, furnish};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_changes_nothing_and_is_told_with_its_evidence() {
    let scene = Scene::registered().await;
    let assigned = scene.edge.assignments("t1").len();
    let answer = scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    assert_eq!(answer.body["message"], "Invalid SIP credentials provided for trunk ID: t1");
    assert_eq!((&answer.body["entityId"], &answer.body["entityName"]), (&json!("t1"), &json!("Trunk t1")));
    assert_eq!(answer.body["details"][0]["fieldName"], "credentials.password");
    let diagnosis = &answer.body["diagnosis"];
    assert_eq!((&diagnosis["credentialSent"], &diagnosis["sip"]["code"]), (&json!(true), &json!(401)));
    assert_eq!(diagnosis["challenges"][0]["algorithm"], "MD5");
    let shown = scene.registration().await;
    assert_eq!((&shown["credentials"]["activeVersion"], &shown["bound"]), (&json!(1), &json!(true)));
    assert_eq!(shown["credentials"]["lastRejected"]["version"], 2);
    assert_eq!(shown["credentials"]["lastRejected"]["code"], "sip.credentials.rejected");
    assert_eq!(scene.edge.assignments("t1").len(), assigned, "nothing was ordered for the registration");
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"]);
    assert_eq!(scene.audited().await, ["stage", "promote", "stage", "reject"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_realm_names_the_field() {
    let scene = Scene::new().await;
    let answer = scene.set_with("first", json!({"credentials": {"realm": "other"}}), &[]).await.refused(422, "sip.realm.mismatch");
    assert_eq!(answer.body["details"][0]["fieldName"], "credentials.realm");
    assert_eq!(answer.body["diagnosis"]["credentialSent"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forbidden_algorithm_is_refused_with_the_carriers_offer_and_the_override() {
    let scene = Scene::new().await;
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    let answer = scene.set_with("first", json!({"credentials": {"algorithm": "md5"}}), &[]).await.refused(422, "sip.algorithm.not_allowed");
    let diagnosis = &answer.body["diagnosis"];
    assert_eq!((&diagnosis["stage"], &diagnosis["credentialSent"]), (&json!("policy"), &json!(false)));
    assert_eq!(diagnosis["challenges"][0]["algorithm"], "MD5", "{}", answer.text);
    assert_eq!(diagnosis["publicAddress"], "198.51.100.7:5060");
    assert!(diagnosis["remedy"].as_str().unwrap().contains(r#"PATCH /api/v2/trunks/voice/t1 {"digestPolicy":{"allowed":["MD5"]}}"#));
    let asked = scene.edge.verifications();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].credential.is_none(), "no secret went along");
    let checks: Vec<&str> = diagnosis["checks"].as_array().unwrap().iter().filter_map(|check| check["name"].as_str()).collect();
    assert_eq!(checks, ["algorithm.allowed"], "once, though edge and control plane both compared it");

    let learnt = scene.set("first").await.refused(422, "sip.algorithm.not_allowed");
    assert!(learnt.body["diagnosis"]["remedy"].as_str().unwrap().contains("PATCH /api/v2/trunks/voice/t1"), "{}", learnt.text);
    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"digestPolicy": {"allowed": ["MD5"]}}"#).await.is(200);
    scene.set_with("first", json!({"credentials": {"algorithm": "md5"}}), &[]).await.is(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_policy_refuses_is_a_rejected_version_and_nothing_else_changes() {
    let scene = Scene::registered().await;
    let assigned = scene.edge.assignments("t1").len();
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    let asked = json!({"credentials": {"algorithm": "MD5"}});
    for _ in 0..2 {
        let answer = scene.set_with("second", asked.clone(), &[]).await.refused(422, "sip.algorithm.not_allowed");
        let shown = scene.registration().await;
        let rejected = &shown["credentials"]["lastRejected"];
        assert_eq!((&rejected["version"], &rejected["code"]), (&json!(2), &json!("sip.algorithm.not_allowed")), "the same again");
        assert_eq!(rejected["diagnosis"]["remedy"], answer.body["diagnosis"]["remedy"]);
        assert_eq!((&shown["credentials"]["activeVersion"], &shown["bound"]), (&json!(1), &json!(true)));
    }
    assert_eq!(scene.states().await, ["ACTIVE", "REJECTED"]);
    assert_eq!(scene.audited().await, ["stage", "promote", "stage", "reject", "reject"]);
    assert!(
        scene.edge.assignments("t1").iter().skip(assigned).all(|again| again.active.as_ref().is_some_and(|active| active.version == 1))
    );
    let id = scene.set_with("second", asked.clone(), &[]).await.is(422).body["diagnosis"]["attemptId"].as_str().map(str::to_owned);
    scene.lab.get(&format!("{PATH}/t1/attempts/{}", id.expect("an id"))).await.is(200);

    scene.lab.patch("/api/v2/trunks/voice/t1", r#"{"digestPolicy": {"allowed": ["MD5"]}}"#).await.is(200);
    scene.edge.takes("u1", "second");
    let shown = scene.set_with("second", asked, &[]).await.is(200).body;
    assert_eq!(shown["credentials"]["activeVersion"], 2, "asked about as the same version");
    assert_eq!(scene.states().await, ["PREVIOUS", "ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_active_credentials_that_the_policy_forbids_by_now_are_no_rejected_version() {
    let scene = Scene::new().await;
    let asked = json!({"credentials": {"algorithm": "MD5"}});
    scene.set_with("first", asked.clone(), &[]).await.is(201);
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    scene.set_with("first", asked, &[]).await.refused(422, "sip.algorithm.not_allowed");
    assert_eq!(scene.states().await, ["ACTIVE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_edge_nothing_is_asked_and_nothing_written() {
    let lab = Lab::new().await;
    furnish(&lab).await;
    let answer = lab.post(PATH, &credentials("first").to_string()).await.refused(503, "edge.offline");
    assert_eq!(answer.header("retry-after"), "5");
    assert_eq!(lab.get(&format!("{PATH}/t1/credentials")).await.is(200).body["total"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_of_form_name_their_field_and_ask_nobody() {
    let scene = Scene::new().await;
    let cases = [
        (json!({"credentials": {"realm": "sip:x"}}), "registration.realm.malformed", "credentials.realm"),
        (json!({"credentials": {"password": "x\u{a0}"}}), "registration.whitespace", "credentials.password"),
        (json!({"credentials": {"pasword": "x"}}), "registration.field.unknown", "credentials.pasword"),
        (json!({"verify": "later"}), "invalid.value", "verify"),
    ];
    for (more, code, field) in cases {
        let answer = scene.set_with("first", more, &[]).await.refused(400, code);
        assert_eq!(answer.body["details"][0]["fieldName"], field, "{}", answer.text);
        assert_eq!(answer.body["entityId"], "t1");
    }
    scene.lab.post(PATH, &json!({"trunkId": "t9", "username": "u", "password": "p"}).to_string()).await.is(404);
    assert!(scene.edge.verifications().is_empty());
    assert!(scene.states().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_write_credentials_learns_which_permission_is_missing() {
    let scene = Scene::registered().await;
    let operator = scene.lab.token_with_role("trunk-operator").await;
    let call = |path: String, body: &'static str| {
        let (lab, operator) = (&scene.lab, operator.clone());
        async move { lab.call(axum::http::Method::POST, &path, &operator, &[], Some(body)).await }
    };
    let answer = call(PATH.to_owned(), r#"{"trunkId": "t1", "username": "u1", "password": "x"}"#).await.refused(403, "missing.permissions");
    assert!(answer.text.contains("telephony:trunkCredential:edit"), "{}", answer.text);
    call(format!("{PATH}/t1/verify"), r#"{"username": "u1", "password": "x"}"#).await.is(403);
    call(format!("{PATH}/t1/verify"), "{}").await.is(200);
    call(format!("{PATH}/t1/actions/refresh"), "{}").await.is(202);
    call(format!("{PATH}/t1/actions/unregister"), "{}").await.is(403);
    scene.edge.until("the refresh is ordered", |orders| orders.iter().any(|order| matches!(order, ToEdge::Act { .. }))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn base_settings_whose_credentials_are_refused_change_nothing_of_the_trunk() {
    let scene = Scene::registered().await;
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["SHA-256"]}}"#).await.is(200);
    let path = "/api/v2/telephony/providers/edges/trunkbasesettings/t1";
    let mut body = scene.lab.get(path).await.is(200).body;
    let version = body["version"].clone();
    body["name"] = json!("Renamed");
    let instance = |value: &str| json!({"value": {"instance": value}});
    body["properties"]["trunk_sip_authentication_credentials_username"] = instance("u1");
    body["properties"]["trunk_sip_authentication_credentials_password"] = instance("first");
    scene.lab.put(path, &body.to_string()).await.refused(422, "sip.algorithm.not_allowed");
    let now = scene.lab.get(path).await.is(200).body;
    assert_eq!((&now["name"], &now["version"]), (&json!("Trunk t1"), &version));
    body["properties"]["trunk_sip_authentication_credentials_password"] = instance("second");
    scene.edge.takes("u1", "second");
    scene.lab.patch("/api/v2/organization", r#"{"digestPolicy": {"allowed": ["MD5", "SHA-256"]}}"#).await.is(200);
    let now = scene.lab.put(path, &body.to_string()).await.is(200).body;
    assert_eq!(now["name"], "Renamed");
    let shown = scene.until("registered", |shown| shown["registrationState"] == "REGISTERED").await;
    assert_eq!((&shown["credentials"]["activeVersion"], scene.states().await.len()), (&json!(2), 2));
}
