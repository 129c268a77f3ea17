//! The authorization matrix, made from the document: every operation is refused without a token, with one that is made up, revoked or
//! expired, with too little permission, and with all of it elsewhere; with exactly the permissions that the document names it is not. That
//! each of them then does what it is for is shown in `tests/registrations/allowed.rs`, where there is an edge too.

use axum::http::Method;
use serde_json::json;

use crate::lab::Lab;
use crate::operations::operations;

#[tokio::test]
async fn without_a_good_token_every_operation_is_refused() {
    let lab = Lab::furnished().await;
    let revoked = lab.token_with_role("organization-administrator").await;
    lab.call(Method::DELETE, "/api/v2/tokens/me", &revoked, &[], None).await.is(204);
    let operations = operations();
    assert!(operations.len() >= 80, "{}", operations.len());
    for operation in &operations {
        for (token, code) in [("", "authentication.required"), ("made-up", "bad.credentials"), (&revoked, "bad.credentials")] {
            let answer = operation.call(&lab, token).await;
            // An answer to HEAD has no body.
            let code = (operation.method != Method::HEAD).then_some(code);
            assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (401, code), "{}: {}", operation.named, answer.text);
        }
    }
    lab.tamper("UPDATE tokens SET expires = 1").await;
    for operation in &operations {
        let answer = operation.call(&lab, &lab.token).await;
        let refused = (answer.status.as_u16(), answer.body["code"].as_str());
        let code = (operation.method != Method::HEAD).then_some("credentials.expired");
        assert_eq!(refused, (401, code), "{}: {}", operation.named, answer.text);
    }
}

#[tokio::test]
async fn the_permissions_of_the_document_are_needed_and_enough() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/authorization/roles", r#"{"id": "nothing", "permissions": []}"#).await.is(201);
    for (index, operation) in operations().iter().enumerate() {
        lab.furnish().await;
        // A fresh one each time: one of the operations ends it.
        let nobody = lab.token_with_role("nothing").await;
        let answer = operation.call(&lab, &nobody).await;
        if operation.permissions.is_empty() {
            assert!(![401, 403].contains(&answer.status.as_u16()), "{}: {}", operation.named, answer.text);
            continue;
        }
        assert_eq!(
            (answer.status.as_u16(), answer.body["code"].as_str()),
            (403, Some("missing.permissions")),
            "{}: {}",
            operation.named,
            answer.text
        );
        let missing = answer.body["details"][0]["fieldName"].as_str().unwrap_or_default().to_owned();
        assert!(operation.permissions.contains(&missing), "{}: {missing} is not in the document", operation.named);

        let role = format!("exactly-{index}");
        lab.post("/api/v2/authorization/roles", &json!({ "id": role, "permissions": operation.permissions }).to_string()).await.is(201);
        let token = lab.token_with_role(&role).await;
        let answer = operation.call(&lab, &token).await;
        assert!(![401, 403].contains(&answer.status.as_u16()), "{} with {:?}: {}", operation.named, operation.permissions, answer.text);
    }
}

/// Calls whose answer is for everybody who may ask at all: there is one organisation, and an import judges each of its lines.
const UNSCOPED: [&str; 3] = ["post /api/v2/plan", "get /api/v2/organization", "post /api/v2/trunks/voice/registrations/bulk"];

#[tokio::test]
async fn permissions_elsewhere_neither_change_nor_show_what_is_here() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/sites", r#"{"id": "tokyo"}"#).await.is(201);
    lab.post("/api/v2/carriers", r#"{"id": "edo", "registrars": ["sip:192.0.2.1"]}"#).await.is(201);
    lab.post(
        "/api/v2/trunks/voice",
        r#"{"id": "elsewhere", "site": {"id": "tokyo"}, "carrier": {"id": "edo"}, "addressOfRecord": "sip:1@192.0.2.1"}"#,
    )
    .await
    .is(201);
    let here = ["/api/v2/sites/jakarta", "/api/v2/carriers/nusantara", "/api/v2/trunks/voice/trunk_jkt_04"];
    lab.furnish().await;
    let mut before = Vec::new();
    for path in here {
        before.push(lab.get(path).await.is(200).text);
    }
    let mut refused = 0;
    for (index, operation) in operations().iter().enumerate() {
        if operation.permissions.is_empty() || UNSCOPED.contains(&operation.named.as_str()) {
            continue;
        }
        let role = format!("exactly-{index}");
        lab.post("/api/v2/authorization/roles", &json!({ "id": role, "permissions": operation.permissions }).to_string()).await.is(201);
        for scope in
            [json!({ "site": { "id": "tokyo" } }), json!({ "carrier": { "id": "edo" } }), json!({ "trunks": [{ "id": "elsewhere" }] })]
        {
            let token = lab.token_with_grants(&json!([{ "roleId": role, "scope": scope }])).await;
            let answer = operation.call(&lab, &token).await;
            let named = format!("{} with {scope}: {}", operation.named, answer.text);
            match answer.status.as_u16() {
                403 => assert_eq!(answer.body["code"], "missing.permissions", "{named}"),
                404 => assert_eq!(answer.body["code"], "not.found", "{named}"),
                // What one may not know of is, in a body, as if it did not exist.
                400 => assert!(answer.body["message"].as_str().is_some_and(|text| text.starts_with("There is no")), "{named}"),
                200 if operation.method == Method::GET => {
                    assert!(["jakarta", "nusantara", "trunk_jkt_04"].iter().all(|id| !answer.text.contains(id)), "{named}");
                    continue;
                }
                _ => panic!("{named}"),
            }
            refused += 1;
        }
    }
    assert!(refused >= 150, "{refused}");
    for (path, before) in here.into_iter().zip(before) {
        assert_eq!(lab.get(path).await.is(200).text, before);
    }
}
