//! Roles within a scope: what is covered shows, what is not might as well not be there.

use axum::http::Method;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab};

const TRUNKS: &str = "/api/v2/trunks/voice";
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// Trunks `jn1` and `jn2` at Jakarta with Nusantara, `ja1` at Jakarta with Archipelago, `tn1` at Tokyo with Nusantara, `tk1` at Tokyo with
/// Kanto.
async fn fleet() -> Lab {
    let lab = Lab::new().await;
    for site in ["jakarta", "tokyo"] {
        lab.post("/api/v2/sites", &json!({ "id": site }).to_string()).await.is(201);
    }
    for carrier in ["nusantara", "archipelago", "kanto"] {
        lab.post("/api/v2/carriers", &json!({ "id": carrier, "registrars": ["sip:192.0.2.1"] }).to_string()).await.is(201);
    }
    for (id, site, carrier) in [
        ("jn1", "jakarta", "nusantara"),
        ("jn2", "jakarta", "nusantara"),
        ("ja1", "jakarta", "archipelago"),
        ("tn1", "tokyo", "nusantara"),
        ("tk1", "tokyo", "kanto"),
    ] {
        lab.post(TRUNKS, &trunk(id, site, carrier)).await.is(201);
    }
    lab
}

fn trunk(id: &str, site: &str, carrier: &str) -> String {
    json!({ "id": id, "site": { "id": site }, "carrier": { "id": carrier }, "addressOfRecord": format!("sip:{id}@lab") }).to_string()
}

fn grant(role: &str, scope: Value) -> Value {
    json!({ "roleId": role, "scope": scope })
}

fn site(id: &str) -> Value {
    json!({ "site": { "id": id } })
}

fn trunks(ids: &[&str]) -> Value {
    json!({ "trunks": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })
}

async fn get(lab: &Lab, token: &str, path: &str) -> Answer {
    lab.call(Method::GET, path, token, &[], None).await
}

#[tokio::test]
async fn lists_show_what_the_scope_covers_and_what_that_uses() {
    let lab = fleet().await;
    let all: &[&str] = &["ja1", "jn1", "jn2", "tk1", "tn1"];
    for (scope, trunks, sites, carriers) in [
        (json!("organization"), all, &["jakarta", "tokyo"][..], &["archipelago", "kanto", "nusantara"][..]),
        (site("jakarta"), &["ja1", "jn1", "jn2"], &["jakarta"], &["archipelago", "nusantara"]),
        (json!({ "carrier": { "id": "nusantara" } }), &["jn1", "jn2", "tn1"], &["jakarta", "tokyo"], &["nusantara"]),
        (trunks(&["jn2", "tk1"]), &["jn2", "tk1"], &["jakarta", "tokyo"], &["kanto", "nusantara"]),
    ] {
        let token = lab.token_with_grants(&json!([grant("trunk-viewer", scope.clone())])).await;
        for (path, expected) in [(TRUNKS, trunks), (REGISTRATIONS, trunks), ("/api/v2/sites", sites), ("/api/v2/carriers", carriers)] {
            let listed = get(&lab, &token, path).await.is(200);
            assert_eq!(listed.ids(), expected, "{scope} {path}");
            assert_eq!(listed.body["total"], expected.len(), "{scope} {path}");
        }
        // Every other way to the same list.
        assert_eq!(get(&lab, &token, &format!("{REGISTRATIONS}?state=PENDING")).await.ids(), trunks, "{scope}");
        assert_eq!(get(&lab, &token, &format!("{TRUNKS}?cursor=&pageSize=1")).await.is(200).body["total"], trunks.len());
        for id in all {
            let status = if trunks.contains(id) { 200 } else { 404 };
            get(&lab, &token, &format!("{TRUNKS}/{id}")).await.is(status);
            get(&lab, &token, &format!("{REGISTRATIONS}/{id}")).await.is(status);
            get(&lab, &token, &format!("{REGISTRATIONS}/{id}/credentials")).await.is(status);
            get(&lab, &token, &format!("{REGISTRATIONS}/{id}/attempts")).await.is(status);
            assert_eq!(get(&lab, &token, &format!("{REGISTRATIONS}?trunkId={id}")).await.is(200).ids().len(), usize::from(status == 200));
        }
        for id in ["archipelago", "kanto", "nusantara"] {
            get(&lab, &token, &format!("/api/v2/carriers/{id}")).await.is(if carriers.contains(&id) { 200 } else { 404 });
        }
    }
    let both = json!([grant("trunk-viewer", site("tokyo")), grant("trunk-viewer", trunks(&["ja1"]))]);
    let token = lab.token_with_grants(&both).await;
    assert_eq!(get(&lab, &token, TRUNKS).await.ids(), ["ja1", "tk1", "tn1"]);
}

#[tokio::test]
async fn what_is_out_of_scope_answers_as_what_does_not_exist() {
    let lab = fleet().await;
    let token = lab.token_with_grants(&json!([grant("trunk-administrator", trunks(&["jn1"]))])).await;
    let credentials = |id: &str| json!({ "trunkId": id, "credentials": { "username": "u", "password": "p" } }).to_string();
    let changed = json!({ "name": "x" }).to_string();
    for (method, path, body) in [
        (Method::GET, format!("{TRUNKS}/ID"), None),
        (Method::PATCH, format!("{TRUNKS}/ID"), Some(changed.as_str())),
        (Method::DELETE, format!("{TRUNKS}/ID"), None),
        (Method::GET, format!("{REGISTRATIONS}/ID"), None),
        (Method::DELETE, format!("{REGISTRATIONS}/ID"), None),
        (Method::POST, format!("{REGISTRATIONS}/ID/verify"), Some("{}")),
        (Method::POST, format!("{REGISTRATIONS}/ID/actions/refresh"), Some("{}")),
        (Method::POST, format!("{REGISTRATIONS}/ID/actions/trace"), Some("{}")),
        (Method::POST, format!("{REGISTRATIONS}/ID/credentials/rollback"), Some("{}")),
        (Method::GET, format!("{REGISTRATIONS}/ID/attempts/a1"), None),
        (Method::GET, format!("{REGISTRATIONS}/ID/attempts/a1/ladder"), None),
    ] {
        let call = async |id: &str| {
            let answer = lab.call(method.clone(), &path.replace("ID", id), &token, &[], body).await.refused(404, "not.found");
            answer.body["message"].as_str().expect("a message").replace(id, "ID")
        };
        assert_eq!(call("jn2").await, call("none").await, "{method} {path}");
    }
    for id in ["jn2", "none"] {
        lab.call(Method::POST, REGISTRATIONS, &token, &[], Some(&credentials(id))).await.refused(404, "not.found");
    }
    // Its own trunk: no edge is there, but it may.
    lab.call(Method::POST, REGISTRATIONS, &token, &[], Some(&credentials("jn1"))).await.refused(503, "edge.offline");
    lab.call(Method::PATCH, &format!("{TRUNKS}/jn1"), &token, &[], Some(&changed)).await.is(200);
    for id in ["jn2", "tk1"] {
        lab.get(&format!("{TRUNKS}/{id}")).await.is(200);
    }
}

#[tokio::test]
async fn what_is_seen_but_not_allowed_names_the_missing_permission() {
    let lab = fleet().await;
    let both = json!([grant("trunk-administrator", site("jakarta")), grant("trunk-viewer", json!("organization"))]);
    let token = lab.token_with_grants(&both).await;
    let patch = |path: String| {
        let (lab, token) = (&lab, &token);
        async move { lab.call(Method::PATCH, &path, token, &[], Some("{}")).await }
    };
    patch(format!("{TRUNKS}/jn1")).await.is(200);
    patch(format!("{TRUNKS}/tn1")).await.refused(403, "missing.permissions").says("telephony:trunk:edit").about("telephony:trunk:edit");
    patch(format!("{TRUNKS}/none")).await.refused(404, "not.found");
    // Who may do it nowhere learns nothing of what there is.
    patch("/api/v2/sites/jakarta".into()).await.refused(403, "missing.permissions").about("telephony:site:edit");
    patch("/api/v2/sites/none".into()).await.refused(403, "missing.permissions").about("telephony:site:edit");
    let credentials = json!({ "trunkId": "tn1", "credentials": { "username": "u", "password": "p" } }).to_string();
    lab.call(Method::POST, REGISTRATIONS, &token, &[], Some(&credentials))
        .await
        .refused(403, "missing.permissions")
        .about("telephony:trunkCredential:edit");
}

#[tokio::test]
async fn a_trunk_is_neither_made_nor_moved_out_of_scope() {
    let lab = fleet().await;
    let token = lab.token_with_grants(&json!([grant("trunk-administrator", site("jakarta"))])).await;
    let post = async |body: String| lab.call(Method::POST, TRUNKS, &token, &[], Some(&body)).await;
    post(trunk("new", "jakarta", "nusantara")).await.is(201);
    // Neither the other site nor its carrier is known here.
    post(trunk("x1", "tokyo", "nusantara")).await.refused(400, "invalid.value").about("site.id").says("There is no site");
    post(trunk("x2", "jakarta", "kanto")).await.refused(400, "invalid.value").about("carrier.id").says("There is no carrier");
    let see_all = json!([grant("trunk-administrator", site("jakarta")), grant("trunk-viewer", json!("organization"))]);
    let token = lab.token_with_grants(&see_all).await;
    let call = async |method: Method, path: String, body: String| lab.call(method, &path, &token, &[], Some(&body)).await;
    call(Method::POST, TRUNKS.into(), trunk("x3", "tokyo", "kanto")).await.refused(403, "missing.permissions");
    call(Method::PATCH, format!("{TRUNKS}/jn1"), site("tokyo").to_string()).await.refused(403, "missing.permissions");
    assert_eq!(lab.get(&format!("{TRUNKS}/jn1")).await.body["site"]["id"], "jakarta");
}

#[tokio::test]
async fn each_line_of_an_import_is_checked_by_itself() {
    let lab = fleet().await;
    let token = lab.token_with_grants(&json!([grant("trunk-administrator", site("jakarta"))])).await;
    let line = |text: String| format!("{{\"trunk\": {text}}}\n");
    let moved = json!({ "id": "tn1", "name": "mine" }).to_string();
    let lines = [
        line(trunk("b1", "jakarta", "nusantara")),
        line(trunk("b2", "tokyo", "nusantara")),
        line(moved),
        line(json!({ "id": "jn1", "name": "renamed" }).to_string()),
    ]
    .concat();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    let answer = lab.call(Method::POST, &format!("{REGISTRATIONS}/bulk"), &token, &headers, Some(&lines)).await.is(200);
    let statuses: Vec<u64> =
        answer.text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")["status"].as_u64().expect("a status")).collect();
    assert_eq!(statuses, [201, 400, 404, 200]);
    assert_eq!(lab.get(&format!("{TRUNKS}/tn1")).await.body["name"], "tn1");
    // Whose import it was may see how it went; others in a scope may not.
    let headers = [("content-type", "application/x-ndjson")];
    let job = lab.call(Method::POST, &format!("{REGISTRATIONS}/bulk"), &token, &headers, Some(&lines)).await.is(202);
    let location = job.header("location").to_owned();
    get(&lab, &token, &location).await.is(200);
    let other = lab.token_with_grants(&json!([grant("trunk-administrator", site("jakarta"))])).await;
    get(&lab, &other, &location).await.refused(404, "not.found");
    lab.get(&location).await.is(200);
}

#[tokio::test]
async fn what_belongs_to_the_organisation_needs_all_of_it() {
    let lab = fleet().await;
    let token = lab.token_with_grants(&json!([grant("auditor", site("jakarta"))])).await;
    get(&lab, &token, "/api/v2/audits").await.refused(403, "missing.permissions").says("whole organization");
    get(&lab, &token, "/api/v2/organization").await.is(200);
    lab.post("/api/v2/authorization/roles", r#"{"id": "keeper", "permissions": ["telephony:*"]}"#).await.is(201);
    let token = lab.token_with_grants(&json!([grant("keeper", site("jakarta"))])).await;
    let call = async |method: Method, path: &str, body: &str| lab.call(method, path, &token, &[], Some(body)).await;
    call(Method::PATCH, "/api/v2/sites/jakarta", "{}").await.is(200);
    call(Method::PATCH, "/api/v2/sites/tokyo", "{}").await.refused(404, "not.found");
    call(Method::PATCH, "/api/v2/carriers/nusantara", "{}").await.refused(403, "missing.permissions");
    call(Method::PATCH, "/api/v2/carriers/kanto", "{}").await.refused(404, "not.found");
    call(Method::PATCH, "/api/v2/organization", "{}").await.refused(403, "missing.permissions");
    call(Method::POST, "/api/v2/sites", "{}").await.refused(403, "missing.permissions");
}

#[tokio::test]
async fn nobody_grants_further_than_they_may() {
    let lab = fleet().await;
    lab.post("/api/v2/authorization/roles", r#"{"id": "gate", "permissions": ["oauth:client:*"]}"#).await.is(201);
    let token = lab.token_with_grants(&json!([grant("gate", json!("organization")), grant("trunk-viewer", site("jakarta"))])).await;
    let give = async |scope: Value| {
        let body = json!({ "roleGrants": [grant("trunk-viewer", scope)] }).to_string();
        lab.call(Method::POST, "/api/v2/oauth/clients", &token, &[], Some(&body)).await
    };
    give(site("jakarta")).await.is(201);
    give(trunks(&["jn1", "ja1"])).await.is(201);
    give(json!("organization")).await.refused(403, "missing.permissions");
    give(site("tokyo")).await.refused(403, "missing.permissions");
    give(trunks(&["jn1", "tn1"])).await.refused(403, "missing.permissions");
    give(json!({ "carrier": { "id": "nusantara" } })).await.refused(403, "missing.permissions");
}

#[tokio::test]
async fn a_scope_has_a_form_and_names_what_there_is() {
    let lab = fleet().await;
    for (scope, field) in [
        (json!("everywhere"), "roleGrants[0].scope"),
        (json!({}), "roleGrants[0].scope"),
        (json!({ "trunks": [] }), "roleGrants[0].scope"),
        (json!({ "site": { "id": "jakarta" }, "carrier": { "id": "kanto" } }), "roleGrants[0].scope"),
        (json!({ "region": { "id": "x" } }), "roleGrants[0].scope.region"),
        (site("none"), "roleGrants[0].scope.site.id"),
        (json!({ "carrier": { "id": "none" } }), "roleGrants[0].scope.carrier.id"),
        (trunks(&["jn1", "none"]), "roleGrants[0].scope.trunks[1].id"),
    ] {
        let body = json!({ "roleGrants": [grant("trunk-viewer", scope)] }).to_string();
        lab.post("/api/v2/oauth/clients", &body).await.refused(400, "invalid.value").about(field);
    }
    let body = json!({ "id": "c", "roleGrants": [grant("trunk-viewer", site("jakarta"))] }).to_string();
    let made = lab.post("/api/v2/oauth/clients", &body).await.is(201);
    assert_eq!(made.body["roleGrants"][0]["scope"], site("jakarta"));
    let read = lab.get("/api/v2/oauth/clients/c").await.is(200);
    lab.put("/api/v2/oauth/clients/c", &read.text).await.is(200);
}

#[tokio::test]
async fn tokens_of_a_client_end_when_it_is_disabled_or_they_are_revoked() {
    let lab = Lab::new().await;
    let made = lab.post("/api/v2/oauth/clients", r#"{"id": "c", "roleGrants": [{"roleId": "trunk-viewer"}]}"#).await.is(201);
    let secret = made.body["secret"].as_str().expect("a secret").to_owned();
    let first = lab.token_of("c", &secret).await;
    lab.delete("/api/v2/oauth/clients/c/tokens").await.is(204);
    get(&lab, &first, "/api/v2/tokens/me").await.refused(401, "bad.credentials");
    let second = lab.token_of("c", &secret).await;
    lab.patch("/api/v2/oauth/clients/c", r#"{"disabled": true}"#).await.is(200);
    lab.patch("/api/v2/oauth/clients/c", r#"{"disabled": false}"#).await.is(200);
    get(&lab, &second, "/api/v2/tokens/me").await.refused(401, "bad.credentials");
    lab.token_of("c", &secret).await;
}

#[tokio::test]
async fn an_edit_is_undone_by_who_may_make_it() {
    let lab = fleet().await;
    let last = async |lab: &Lab, id: &str| {
        let path = format!("/api/v2/audits?entityId={id}&sortBy=number&sortOrder=descending&pageSize=1");
        lab.get(&path).await.is(200).body["entities"][0]["number"].to_string()
    };
    lab.patch(&format!("{TRUNKS}/jn1"), r#"{"name": "renamed"}"#).await.is(200);
    let here = last(&lab, "jn1").await;
    lab.patch(&format!("{TRUNKS}/tn1"), r#"{"name": "renamed"}"#).await.is(200);
    let there = last(&lab, "tn1").await;
    lab.patch("/api/v2/carriers/nusantara", r#"{"name": "renamed"}"#).await.is(200);
    let carrier = last(&lab, "nusantara").await;
    let undo = async |token: &str, number: &str| lab.call(Method::POST, &format!("/api/v2/audits/{number}/undo"), token, &[], None).await;

    let token = lab.token_with_grants(&json!([grant("trunk-administrator", site("jakarta"))])).await;
    assert_eq!(undo(&token, &here).await.is(200).body["name"], "jn1");
    // What is out of scope, or of another kind, is as a record that there is not.
    let none = undo(&token, "999999").await.refused(404, "not.found").text.replace("999999", "N");
    let told = |answer: Answer, number: &str| answer.refused(404, "not.found").body["message"].to_string().replace(number, "N");
    assert!(none.contains("audit record"), "{none}");
    for number in [&there, &carrier, &"1".to_owned()] {
        assert!(none.contains(told(undo(&token, number).await, number).trim_matches('"').split('\\').next().unwrap_or("?")), "{none}");
    }
    // Seen, but not to be changed: all of it is named.
    let both = json!([grant("trunk-administrator", site("jakarta")), grant("trunk-viewer", json!("organization"))]);
    let token = lab.token_with_grants(&both).await;
    undo(&token, &there).await.refused(403, "missing.permissions").about("telephony:trunk:edit");
    let auditor = lab.token_with_grants(&json!([grant("auditor", json!("organization"))])).await;
    undo(&auditor, &there).await.refused(403, "missing.permissions").says("telephony:trunk:edit");
    assert_eq!(lab.get(&format!("{TRUNKS}/tn1")).await.body["name"], "renamed");
    undo(&lab.token, &carrier).await.is(200);
}

#[tokio::test]
async fn a_refusal_names_all_that_is_missing() {
    let lab = fleet().await;
    let missing = |answer: Answer| -> Vec<String> {
        let answer = answer.refused(403, "missing.permissions");
        let details = answer.body["details"].as_array().expect("details").clone();
        details.iter().map(|detail| detail["fieldName"].as_str().expect("a permission").to_owned()).collect()
    };
    lab.post("/api/v2/authorization/roles", r#"{"id": "carriers", "permissions": ["telephony:carrier:edit"]}"#).await.is(201);
    lab.post("/api/v2/authorization/roles", r#"{"id": "edits", "permissions": ["telephony:trunk:edit"]}"#).await.is(201);
    let grants = json!([
        grant("trunk-viewer", json!("organization")),
        grant("trunk-administrator", trunks(&["jn1"])),
        grant("carriers", json!({ "carrier": { "id": "kanto" } })),
    ]);
    let token = lab.token_with_grants(&grants).await;
    let call = async |method: Method, path: String, body: Value| lab.call(method, &path, &token, &[], Some(&body.to_string())).await;
    let both = ["telephony:trunk:edit", "telephony:trunkCredential:edit"];
    let moved = json!({ "carrier": { "id": "archipelago" } });
    assert_eq!(missing(call(Method::PATCH, format!("{TRUNKS}/jn2"), moved.clone()).await), both);
    assert_eq!(missing(call(Method::PATCH, format!("{TRUNKS}/jn2"), json!({ "name": "x" })).await), both[..1]);
    let mut whole: Value = serde_json::from_str(&trunk("jn2", "jakarta", "archipelago")).expect("JSON");
    whole["version"] = json!(1);
    assert_eq!(missing(call(Method::PUT, format!("{TRUNKS}/jn2"), whole).await), both);
    let elsewhere = json!({ "registrars": ["sip:192.0.2.9"] });
    let carrier = ["telephony:carrier:edit", "telephony:trunkCredential:edit"];
    assert_eq!(missing(call(Method::PATCH, "/api/v2/carriers/nusantara".into(), elsewhere.clone()).await), carrier);
    assert_eq!(missing(call(Method::PATCH, "/api/v2/carriers/nusantara".into(), json!({ "name": "x" })).await), carrier[..1]);
    assert_eq!(missing(call(Method::PATCH, "/api/v2/carriers/kanto".into(), elsewhere).await), carrier[1..]);
    let given = json!({ "credentials": { "username": "u", "password": "p" } });
    let verify = ["telephony:trunkRegistration:verify", "telephony:trunkCredential:edit"];
    assert_eq!(missing(call(Method::POST, format!("{REGISTRATIONS}/jn2/verify"), given).await), verify);
    assert_eq!(missing(call(Method::POST, format!("{REGISTRATIONS}/jn2/verify"), json!({})).await), verify[..1]);
    let base = json!({ "version": 1, "properties": {
        "trunk_sip_authentication_credentials_username": { "value": { "instance": "u" } },
        "trunk_sip_authentication_credentials_password": { "value": { "instance": "p" } },
    } });
    let path = "/api/v2/telephony/providers/edges/trunkbasesettings/jn2";
    assert_eq!(missing(call(Method::PUT, path.into(), base).await), both);
}
