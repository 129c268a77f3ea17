//! The authorization matrix, made from the document: every operation is refused without a token, with one that is made up, revoked or
//! expired, with too little permission, and with all of it elsewhere; with exactly the permissions that the document names it is allowed.

use axum::http::Method;
use serde_json::{Value, json};

use crate::lab::{Answer, CARRIER, Lab, TRUNK};

/// One operation, ready to be called.
struct Operation {
    named: String,
    method: Method,
    path: String,
    media: String,
    body: Option<String>,
    permissions: Vec<String>,
}

impl Operation {
    async fn call(&self, lab: &Lab, token: &str) -> Answer {
        // Events as a listing: their stream has no end.
        let headers: &[(&str, &str)] = &[("content-type", &self.media), ("accept", "application/json")];
        lab.call(self.method.clone(), &self.path, token, headers, self.body.as_deref()).await
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(Vec::new, |items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// All operations that need a token.
fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in control::openapi_document()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let mut asked = path.clone();
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                let example = parameter["example"].as_str().map_or_else(|| parameter["example"].to_string(), str::to_owned);
                match parameter["in"].as_str() {
                    Some("path") => asked = asked.replace(&format!("{{{name}}}"), &example),
                    Some("query") if parameter["required"] == true => query.push(format!("{name}=x")),
                    _ => {}
                }
            }
            if !query.is_empty() {
                asked = format!("{asked}?{}", query.join("&"));
            }
            let content = operation.pointer("/requestBody/content").and_then(Value::as_object).and_then(|content| content.iter().next());
            let body =
                content.map(|(_, content)| content["example"].as_str().map_or_else(|| content["example"].to_string(), str::to_owned));
            // Nobody grants what they may not do themselves: what is granted would be needed too.
            let body = body.map(|body| match serde_json::from_str::<Value>(&body) {
                Ok(mut fields) => {
                    for granted in ["roleGrants", "permissions"] {
                        if fields.get(granted).is_some() {
                            fields[granted] = json!([]);
                        }
                    }
                    fields.to_string()
                }
                Err(_) => body,
            });
            let mut permissions = texts(&operation["x-required-permissions"]);
            permissions.extend(texts(&operation["x-conditional-permissions"]));
            permissions.extend(texts(&operation["x-any-permissions"]));
            all.push(Operation {
                named: format!("{method} {path}"),
                method: method.to_uppercase().parse().expect("a method"),
                path: asked,
                media: content.map_or("application/json".into(), |(media, _)| media.clone()),
                body,
                permissions,
            });
        }
    }
    all
}

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
            assert_eq!((answer.status.as_u16(), answer.body["code"].as_str()), (401, Some(code)), "{}: {}", operation.named, answer.text);
        }
    }
    lab.tamper("UPDATE tokens SET expires = 1").await;
    for operation in &operations {
        let answer = operation.call(&lab, &lab.token).await;
        let refused = (answer.status.as_u16(), answer.body["code"].as_str());
        assert_eq!(refused, (401, Some("credentials.expired")), "{}: {}", operation.named, answer.text);
    }
}

#[tokio::test]
async fn the_permissions_of_the_document_are_needed_and_enough() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/authorization/roles", r#"{"id": "nothing", "permissions": []}"#).await.is(201);
    let mut done = 0;
    for (index, operation) in operations().iter().enumerate() {
        furnish(&lab).await;
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
        done += u32::from(answer.status.is_success());
    }
    // The others lack what no such directory has: an edge that is online, an attempt, a job.
    assert!(done >= 50, "{done}");
}

/// What operations before have deleted is there again.
async fn furnish(lab: &Lab) {
    for (path, body) in [
        ("/api/v2/sites", r#"{"id": "jakarta"}"#),
        ("/api/v2/carriers", CARRIER),
        ("/api/v2/trunks/voice", TRUNK),
        ("/api/v2/oauth/clients", r#"{"id": "ci"}"#),
        ("/api/v2/authorization/roles", r#"{"id": "rotator", "permissions": []}"#),
        ("/api/v2/webhooks", r#"{"id": "operations", "url": "https://hooks.example.com/trunkline"}"#),
    ] {
        let answer = lab.post(path, body).await;
        assert!([201, 409].contains(&answer.status.as_u16()), "{}", answer.text);
    }
}

/// Calls whose answer is for everybody who may ask at all: there is one organisation, and an import judges each of its lines.
const UNSCOPED: [&str; 2] = ["get /api/v2/organization", "post /api/v2/trunks/voice/registrations/bulk"];

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
    furnish(&lab).await;
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
