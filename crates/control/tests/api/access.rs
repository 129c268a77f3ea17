use axum::body::Body;
use axum::http::{Method, Request, header};
use base64::Engine as _;
use serde_json::json;

use crate::lab::{Answer, CLIENT, Lab, SECRET};

async fn token(lab: &Lab, form: &str, basic: Option<(&str, &str)>) -> Answer {
    let mut request = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some((id, secret)) = basic {
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        request = request.header(header::AUTHORIZATION, format!("Basic {encoded}"));
    }
    lab.send(request.body(Body::from(form.to_owned())).expect("a request")).await
}

#[tokio::test]
async fn a_client_gets_a_token_by_basic_or_by_form() {
    let lab = Lab::new().await;
    let answer = token(&lab, "grant_type=client_credentials", Some((CLIENT, SECRET))).await.is(200);
    assert_eq!(answer.body["token_type"], "bearer");
    assert_eq!(answer.body["expires_in"], 86400);
    assert_eq!(answer.header("cache-control"), "no-store");
    let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    token(&lab, &form, None).await.is(200);
}

#[tokio::test]
async fn a_bad_token_request_says_what_is_wrong() {
    let lab = Lab::new().await;
    token(&lab, "", Some((CLIENT, SECRET))).await.refused(400, "invalid.value").about("grant_type");
    token(&lab, "grant_type=password", Some((CLIENT, SECRET))).await.refused(400, "invalid.value");
    token(&lab, "grant_type=client_credentials", None).await.refused(401, "authentication.required");
    token(&lab, "grant_type=a&grant_type=b", None).await.refused(400, "invalid.value");
    token(&lab, "grant_type=%zz", None).await.refused(400, "bad.request");
    let wrong = token(&lab, "grant_type=client_credentials", Some((CLIENT, "wrong"))).await.refused(401, "bad.credentials");
    assert_eq!(wrong.body["error"], "invalid_client");
    assert!(wrong.header("www-authenticate").starts_with("Basic"));
    token(&lab, "grant_type=client_credentials", Some(("nobody", "wrong"))).await.refused(401, "bad.credentials");
    lab.call(Method::POST, "/oauth/token", "", &[], Some("{}")).await.refused(415, "unsupported.media.type");
    lab.call(Method::GET, "/oauth/token", "", &[], None).await.refused(405, "method.not.allowed");
}

#[tokio::test]
async fn guessing_secrets_is_slowed_down() {
    let lab = Lab::new().await;
    for _ in 0..10 {
        token(&lab, "grant_type=client_credentials", Some((CLIENT, "wrong"))).await.is(401);
    }
    let slow = token(&lab, "grant_type=client_credentials", Some((CLIENT, SECRET))).await.refused(429, "too.many.requests");
    assert!(slow.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=60).contains(&seconds)));
    // Whoever has a token goes on.
    lab.get("/api/v2/tokens/me").await.is(200);
}

#[tokio::test]
async fn a_token_tells_whose_it_is_and_can_be_given_back() {
    let lab = Lab::new().await;
    let me = lab.get("/api/v2/tokens/me").await.is(200);
    assert_eq!(me.body["OAuthClient"]["id"], CLIENT);
    assert_eq!(me.body["permissions"], json!(["*"]));
    let head = lab.call(Method::HEAD, "/api/v2/tokens/me", &lab.token, &[], None).await.is(200);
    assert_eq!(head.text, "");
    lab.delete("/api/v2/tokens/me").await.is(204);
    lab.get("/api/v2/tokens/me").await.refused(401, "bad.credentials");
}

#[tokio::test]
async fn no_route_of_the_api_answers_without_a_good_token() {
    let lab = Lab::new().await;
    for path in [
        "/api/v2/tokens/me",
        "/api/v2/oauth/clients",
        "/api/v2/authorization/roles",
        "/api/v2/organization",
        "/api/v2/sites",
        "/api/v2/sites/x",
        "/api/v2/edges",
        "/api/v2/carriers",
        "/api/v2/trunks/voice",
        "/api/v2/audits",
        "/api/v2/audits/verify",
        "/api/v2/audits/head",
        "/api/v2/audits/export",
        "/api/v2/sealing",
        "/api/v2/diagnoses",
    ] {
        let answer = lab.call(Method::GET, path, "", &[], None).await.refused(401, "authentication.required");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
        lab.call(Method::GET, path, "wrong", &[], None).await.refused(401, "bad.credentials");
        lab.call(Method::GET, path, "", &[("authorization", "Basic YTpi")], None).await.refused(401, "authentication.required");
    }
}

#[tokio::test]
async fn a_short_lived_token_expires() {
    let lab = Lab::new().await;
    let client = lab
        .post("/api/v2/oauth/clients", r#"{"id": "short", "roleGrants": [{"roleId": "trunk-viewer"}], "accessTokenValiditySeconds": 60}"#)
        .await;
    let secret = client.is(201).body["secret"].as_str().expect("a secret").to_owned();
    let token = lab.token_of("short", &secret).await;
    lab.tamper("UPDATE tokens SET expires = 1 WHERE client = 'short'").await;
    lab.call(Method::GET, "/api/v2/tokens/me", &token, &[], None).await.refused(401, "credentials.expired");
}

#[tokio::test]
async fn the_built_in_roles_may_what_the_contract_says() {
    let lab = Lab::furnished().await;
    let post = r#"{"carrier": {"id": "nusantara"}, "addressOfRecord": "sip:u@lab"}"#;
    for (role, views, edits_trunks, edits_carriers, audits) in [
        ("organization-administrator", true, true, true, true),
        ("trunk-administrator", true, true, false, false),
        ("trunk-operator", true, false, false, false),
        ("trunk-viewer", true, false, false, false),
        ("auditor", true, false, false, true),
    ] {
        let token = lab.token_with_role(role).await;
        let call = async |method: Method, path: &str, body: Option<&str>| lab.call(method, path, &token, &[], body).await.status.as_u16();
        let or = |yes: bool, status: u16| if yes { status } else { 403 };
        for path in ["/api/v2/trunks/voice", "/api/v2/sites", "/api/v2/carriers", "/api/v2/edges", "/api/v2/organization"] {
            assert_eq!(call(Method::GET, path, None).await, or(views, 200), "{role} {path}");
        }
        assert_eq!(call(Method::POST, "/api/v2/trunks/voice", Some(post)).await, or(edits_trunks, 201), "{role}");
        assert_eq!(call(Method::PATCH, "/api/v2/carriers/nusantara", Some("{}")).await, or(edits_carriers, 200), "{role}");
        assert_eq!(call(Method::GET, "/api/v2/audits", None).await, or(audits, 200), "{role}");
        assert_eq!(call(Method::GET, "/api/v2/oauth/clients", None).await, or(edits_carriers, 200), "{role}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_missing_permission() {
    let lab = Lab::new().await;
    let token = lab.token_with_role("trunk-viewer").await;
    let answer = lab.call(Method::POST, "/api/v2/sites", &token, &[], Some("{}")).await.refused(403, "missing.permissions");
    answer.says("telephony:site:add").about("telephony:site:add");
}

#[tokio::test]
async fn the_platforms_superset_permission_is_accepted() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/authorization/roles", r#"{"id": "plugin", "permissions": ["telephony:plugin:all"]}"#).await.is(201);
    let token = lab.token_with_role("plugin").await;
    lab.call(Method::PATCH, "/api/v2/trunks/voice/trunk_jkt_04", &token, &[], Some("{}")).await.is(200);
    lab.call(Method::GET, "/api/v2/oauth/clients", &token, &[], None).await.refused(403, "missing.permissions");
}

#[tokio::test]
async fn a_clients_secret_is_shown_once_and_replaced() {
    let lab = Lab::new().await;
    let made = lab
        .post("/api/v2/oauth/clients", r#"{"id": "ci", "name": "CI", "roleGrants": [{"roleId": "trunk-viewer", "scope": "organization"}]}"#)
        .await
        .is(201);
    let old = made.body["secret"].as_str().expect("a secret").to_owned();
    let read = lab.get("/api/v2/oauth/clients/ci").await.is(200);
    assert_eq!(read.body.get("secret"), None);
    assert_eq!(read.body["roleGrants"], json!([{ "roleId": "trunk-viewer", "scope": "organization" }]));
    let old_token = lab.token_of("ci", &old).await;
    let renewed = lab.call(Method::POST, "/api/v2/oauth/clients/ci/secret", &lab.token, &[], None).await.is(200);
    let new = renewed.body["secret"].as_str().expect("a secret").to_owned();
    assert_ne!(old, new);
    lab.call(Method::GET, "/api/v2/tokens/me", &old_token, &[], None).await.refused(401, "bad.credentials");
    token(&lab, "grant_type=client_credentials", Some(("ci", &old))).await.is(401);
    let token = lab.token_of("ci", &new).await;
    lab.patch("/api/v2/oauth/clients/ci", r#"{"disabled": true}"#).await.is(200);
    lab.call(Method::GET, "/api/v2/tokens/me", &token, &[], None).await.refused(401, "bad.credentials");
    lab.put("/api/v2/oauth/clients/ci", r#"{"version": 3, "roleGrants": []}"#).await.is(200);
    assert_eq!(lab.get("/api/v2/oauth/clients?sortBy=id").await.ids(), ["admin", "ci"]);
    lab.delete("/api/v2/oauth/clients/ci").await.is(204);
    lab.get("/api/v2/oauth/clients/ci").await.refused(404, "not.found");

    // None of the secrets stands in the database, the log of it or the audits.
    let audits = lab.get("/api/v2/audits?pageSize=500").await.text;
    for secret in [&old, &new, &SECRET.to_owned(), &token] {
        assert!(!audits.contains(secret.as_str()));
        for file in std::fs::read_dir(lab.dir.path()).expect("a directory") {
            let bytes = std::fs::read(file.expect("a file").path()).expect("readable");
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
        }
    }
}

#[tokio::test]
async fn nobody_grants_more_than_they_have_or_locks_themselves_out() {
    let lab = Lab::new().await;
    lab.post(
        "/api/v2/authorization/roles",
        r#"{"id": "gate", "permissions": ["oauth:client:*", "authorization:role:*", "telephony:trunk:view"]}"#,
    )
    .await
    .is(201);
    let gate = lab.token_with_role("gate").await;
    let call = async |method: Method, path: &str, body: &str| lab.call(method, path, &gate, &[], Some(body)).await;
    let grant = r#"{"roleGrants": [{"roleId": "organization-administrator"}]}"#;
    call(Method::POST, "/api/v2/oauth/clients", grant).await.refused(403, "missing.permissions");
    call(Method::POST, "/api/v2/oauth/clients/admin/secret", "{}").await.refused(403, "missing.permissions");
    call(Method::POST, "/api/v2/authorization/roles", r#"{"permissions": ["telephony:*"]}"#).await.refused(403, "missing.permissions");
    call(Method::POST, "/api/v2/oauth/clients", r#"{"roleGrants": [{"roleId": "gate"}]}"#).await.is(201);
    call(Method::POST, "/api/v2/oauth/clients", r#"{"roleGrants": [{"roleId": "none"}]}"#)
        .await
        .refused(400, "invalid.value")
        .about("roleGrants[0].roleId");
    lab.delete("/api/v2/oauth/clients/admin").await.refused(409, "conflict");
    lab.patch("/api/v2/oauth/clients/admin", r#"{"disabled": true}"#).await.refused(409, "conflict");
}

#[tokio::test]
async fn roles_are_made_changed_and_deleted_but_for_the_built_in_ones() {
    let lab = Lab::new().await;
    let path = "/api/v2/authorization/roles";
    let all = lab.get(path).await.is(200);
    assert_eq!(all.ids(), ["auditor", "organization-administrator", "trunk-administrator", "trunk-operator", "trunk-viewer"]);
    let one = format!("{path}/night");
    lab.post(path, r#"{"id": "night", "name": "Night", "permissions": ["telephony:trunk:view"]}"#).await.is(201);
    lab.post(path, r#"{"id": "night"}"#).await.refused(409, "conflict");
    lab.post(path, r#"{"id": "auditor"}"#).await.refused(409, "conflict");
    lab.post(path, r#"{"permissions": ["all of it"]}"#).await.refused(400, "invalid.value").about("permissions[0]");
    let read = lab.get(&one).await.is(200);
    assert_eq!(read.body["default"], false);
    lab.put(&one, &read.text).await.is(200);
    assert_eq!(lab.patch(&one, r#"{"permissions": ["telephony:*:view"]}"#).await.is(200).body["version"], 3);
    let token = lab.token_with_role("night").await;
    lab.delete(&one).await.refused(409, "conflict");
    lab.call(Method::GET, "/api/v2/sites", &token, &[], None).await.is(200);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        let body = (method != Method::DELETE).then_some("{}");
        lab.call(method, &format!("{path}/auditor"), &lab.token, &[], body).await.refused(409, "conflict").says("part of the product");
    }
    assert_eq!(lab.get(&format!("{path}?name=Auditor")).await.ids(), ["auditor"]);
    assert_eq!(lab.get(&format!("{path}/auditor")).await.body["default"], true);
}
