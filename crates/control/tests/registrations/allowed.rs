//! The other half of the authorization matrix: with exactly the permissions that the document names for it, every operation is allowed and
//! does what it is for. Each is called once, with its example of the document as far as that fits what is there.

use axum::body::Body;
use axum::http::{Method, Request, header};
use link::Sites;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::lab::Lab;
use crate::operations::{Operation, operations};
use crate::scene::PATH;
use crate::scripted_edge::ScriptedEdge;

const BASES: &str = "/api/v2/telephony/providers/edges/trunkbasesettings";

/// What the examples of the document speak of.
struct World {
    lab: Lab,
    edge: ScriptedEdge,
}

impl World {
    async fn new() -> Self {
        let lab = Lab::new().await;
        lab.post("/api/v2/sites", r#"{"id": "jakarta"}"#).await.is(201);
        let edge = ScriptedEdge::attach(&lab.control, "edge_jkt_1", Sites::Unserved);
        edge.carrier(|carrier| carrier.realm = "ims.carrier.co.id".into());
        edge.takes("6221500004", "s3cret");
        edge.takes("6221500005", "s3cret");
        edge.takes("second", "s3cret");
        World { lab, edge }
    }

    /// Puts back what operations before have deleted, or changed so that others could not be done.
    async fn furnish(&self) {
        self.lab.furnish().await;
        let all = r#"{"digestPolicy": {"allowed": ["SHA-512-256", "SHA-256", "MD5"]}}"#;
        self.lab.patch("/api/v2/organization", all).await.is(200);
        self.lab.patch("/api/v2/edges/edge_jkt_1", r#"{"drain": false}"#).await.is(200);
        self.lab.patch("/api/v2/trunks/voice/trunk_jkt_04", r#"{"inService": true}"#).await.is(200);
        self.set("trunk_jkt_04", "6221500004", json!({})).await;
    }

    async fn set(&self, trunk: &str, username: &str, more: Value) -> Value {
        let credentials = json!({ "username": username, "password": "s3cret", "realm": "ims.carrier.co.id", "algorithm": "MD5" });
        let mut body = json!({ "trunkId": trunk, "credentials": credentials });
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let answer = self.lab.post(PATH, &body.to_string()).await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.body
    }

    /// A plain resource that nothing else uses; returns its id.
    async fn spare(&self, path: &str, number: usize) -> String {
        let id = format!("spare-{number}");
        let more = match path {
            "/api/v2/carriers" => json!({ "registrars": ["sip:192.0.2.1"] }),
            "/api/v2/trunks/voice" | PATH | BASES => {
                json!({ "site": { "id": "jakarta" }, "carrier": { "id": "nusantara" }, "addressOfRecord": "sip:6221500005@ims.carrier.co.id" })
            }
            "/api/v2/authorization/roles" => json!({ "permissions": [] }),
            "/api/v2/webhooks" => json!({ "url": "https://hooks.example.com/trunkline" }),
            _ => json!({}),
        };
        let mut body = more;
        body["id"] = id.as_str().into();
        let place = if [PATH, BASES].contains(&path) { "/api/v2/trunks/voice" } else { path };
        self.lab.post(place, &body.to_string()).await.is(201);
        id
    }

    /// The version that an entity has now.
    async fn version(&self, path: &str) -> Value {
        self.lab.get(path).await.is(200).body["version"].clone()
    }

    /// A rotation that waits for a silent carrier; its path.
    async fn rotation(&self, key: &str) -> String {
        self.edge.carrier(|carrier| carrier.silent = true);
        let line = json!({ "trunkId": "trunk_jkt_04", "credentials": { "username": "second", "password": key } });
        let headers = [("content-type", "application/x-ndjson"), ("idempotency-key", key)];
        let path = format!("{PATH}/bulk?rotate=true");
        let begun = self.lab.call(Method::POST, &path, &self.lab.token, &headers, Some(&format!("{line}\n"))).await.is(202);
        let path = begun.header("location").to_owned();
        self.lab.until(&path, |job| job.body["state"] == "RUNNING").await;
        path
    }

    /// Ends what [`World::rotation`] began.
    async fn settled(&self, path: &str) {
        self.lab.post(&format!("{path}/cancel"), "").await;
        self.edge.speaks().await;
        self.lab.until(path, |job| ["CANCELLED", "COMPLETED", "STOPPED"].iter().any(|state| job.body["state"] == *state)).await;
    }

    /// Arranges what an operation needs, and says how it is called then.
    async fn arrange(&self, operation: &mut Operation, number: usize) {
        let (named, path) = (operation.named.clone(), operation.path.clone());
        let collection = path.rsplit_once('/').map_or("", |(collection, _)| collection).to_owned();
        let trunk = format!("{PATH}/trunk_jkt_04");
        let mut body: Option<Value> = operation.body.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let (method, of) = named.split_once(' ').expect("a method and a path");
        if let Some(fields) = body.as_mut() {
            if fields.get("version").is_some() || method == "put" {
                fields["version"] = self.version(&path).await;
            }
            // What is there cannot be made.
            if method == "post" && fields.get("id").is_some() {
                fields["id"] = format!("new-{number}").into();
            }
        }
        // With one site it may be left out, as the example does; here are more.
        if let Some(fields) = body.as_mut().filter(|_| of.starts_with(BASES) && ["post", "put"].contains(&method)) {
            fields["site"] = json!({ "id": "jakarta" });
        }
        let attempts = |whose: &str| format!("{PATH}/{whose}/attempts");
        match (method, of) {
            // What is used cannot be deleted.
            (
                "delete",
                "/api/v2/sites/{id}"
                | "/api/v2/carriers/{id}"
                | "/api/v2/authorization/roles/{id}"
                | "/api/v2/trunks/voice/{id}"
                | "/api/v2/telephony/providers/edges/trunkbasesettings/{trunkId}",
            ) => operation.path = format!("{collection}/{}", self.spare(&collection, number).await),
            ("delete", "/api/v2/edges/{id}") => {
                let gone = ScriptedEdge::attach(&self.lab.control, "edge_gone", Sites::Unserved);
                self.lab.until("/api/v2/edges/edge_gone", |edge| edge.body["onlineStatus"] == "ONLINE").await;
                gone.leave().await;
                self.lab.until("/api/v2/edges/edge_gone", |edge| edge.body["onlineStatus"] == "OFFLINE").await;
                operation.path = "/api/v2/edges/edge_gone".into();
            }
            ("delete", "/api/v2/trunks/voice/registrations/{trunkId}") => {
                let spare = self.spare(PATH, number).await;
                self.set(&spare, "6221500005", json!({})).await;
                operation.path = format!("{PATH}/{spare}");
            }
            ("put", "/api/v2/telephony/providers/edges/trunkbasesettings/{trunkId}") => {
                let fields = body.as_mut().expect("a body");
                fields["id"] = "trunk_jkt_04".into();
            }
            ("delete", "/api/v2/trunks/voice/registrations/{trunkId}/credentials/{version}") => {
                let planned = self.set("trunk_jkt_04", "second", json!({ "activateAt": "2100-01-01T00:00:00Z" })).await;
                operation.path = format!("{trunk}/credentials/{}", planned["credentials"]["stagedVersion"]);
            }
            ("post", "/api/v2/trunks/voice/registrations/{trunkId}/credentials/{version}/promote") => {
                let first = self.lab.get(&trunk).await.body["credentials"]["activeVersion"].clone();
                self.set("trunk_jkt_04", "second", json!({})).await;
                operation.path = format!("{trunk}/credentials/{first}/promote");
            }
            ("post", "/api/v2/trunks/voice/registrations/{trunkId}/credentials/{version}/rollback") => {
                let second = self.set("trunk_jkt_04", "second", json!({})).await;
                operation.path = format!("{trunk}/credentials/{}/rollback", second["credentials"]["activeVersion"]);
            }
            ("post", "/api/v2/trunks/voice/registrations/{trunkId}/credentials/rollback") => {
                self.set("trunk_jkt_04", "second", json!({})).await;
            }
            // Its example body is that of a trace.
            ("post", "/api/v2/trunks/voice/registrations/{trunkId}/actions/{action}") => operation.path = format!("{trunk}/actions/trace"),
            ("get", of) if of.contains("{attemptId}") => {
                let whose = if of.contains("/verify/") { "verify" } else { "trunk_jkt_04" };
                if whose == "verify" {
                    let form = json!({ "registrars": ["sip:192.0.2.1"], "addressOfRecord": "sip:6221500004@ims.carrier.co.id", "site": { "id": "jakarta" }, "challengeOnly": true });
                    self.lab.post(&format!("{PATH}/verify"), &form.to_string()).await.is(200);
                }
                let listed = self.lab.until(&attempts(whose), |listed| !listed.ids().is_empty()).await;
                operation.path = of.replace("{trunkId}", "trunk_jkt_04").replace("{attemptId}", listed.ids()[0]);
            }
            ("get", of) if of.contains("{jobId}") => {
                let job = self.rotation(&format!("k-{number}")).await;
                self.settled(&job).await;
                operation.path = of.replace(&format!("{PATH}/bulk/{{jobId}}"), &job);
            }
            ("post", "/api/v2/trunks/voice/registrations/bulk/{jobId}/{step}") => {
                operation.path = format!("{}/pause", self.rotation(&format!("k-{number}")).await);
            }
            ("post", "/api/v2/webhooks/{id}/deliveries/{eventId}/redeliver") => {
                // Those of before are disabled by now, and nobody is at the other end.
                let webhook = format!("/api/v2/webhooks/{}", self.spare("/api/v2/webhooks", number).await);
                self.set("trunk_jkt_04", "second", json!({})).await;
                let event = self.lab.until(&format!("{webhook}/deliveries"), |listed| !listed.ids().is_empty()).await;
                operation.path = format!("{webhook}/deliveries/{}/redeliver", event.ids()[0]);
            }
            ("post", "/api/v2/audits/{number}/undo") => {
                self.lab.patch("/api/v2/carriers/nusantara", &json!({ "name": format!("Nusantara {number}") }).to_string()).await.is(200);
                let last = self.lab.get("/api/v2/audits?entityId=nusantara&sortBy=number&sortOrder=descending&pageSize=1").await.is(200);
                operation.path = format!("/api/v2/audits/{}/undo", last.body["entities"][0]["number"]);
            }
            ("get", "/api/v2/telephony/providers/edges/metrics") => operation.path = format!("{of}?edgeIds=edge_jkt_1"),
            ("get", "/api/v2/telephony/providers/edges/trunks/metrics") => operation.path = format!("{of}?trunkIds=trunk_jkt_04"),
            _ => {}
        }
        if let Some(body) = body {
            operation.body = Some(body.to_string());
        }
    }

    /// Clears up what only one operation needed.
    async fn tidy(&self, operation: &Operation) {
        if let Some(job) = operation.path.strip_suffix("/pause") {
            self.settled(job).await;
        }
        // The other keys are in use until all is sealed anew.
        self.lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_permissions_of_the_document_every_operation_does_what_it_is_for() {
    let world = World::new().await;
    let (mut all, mut done) = (0, Vec::new());
    let mut not = Vec::new();
    for (number, mut operation) in operations().into_iter().enumerate() {
        world.furnish().await;
        world.arrange(&mut operation, number).await;
        let role = format!("exactly-{number}");
        let permissions = json!({ "id": role, "permissions": operation.permissions }).to_string();
        world.lab.post("/api/v2/authorization/roles", &permissions).await.is(201);
        let token = world.lab.token_with_role(&role).await;
        all += 1;
        let status = if operation.path.ends_with("/pcapng") {
            // It is no text.
            let request = Request::get(&operation.path).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty());
            world.lab.router.clone().oneshot(request.expect("a request")).await.expect("infallible").status()
        } else {
            let answer = operation.call(&world.lab, &token).await;
            if !answer.status.is_success() {
                not.push(format!("{} as {}: {}", operation.named, operation.path, answer.text));
            }
            answer.status
        };
        if status.is_success() {
            done.push(operation.named.clone());
        }
        world.tidy(&operation).await;
    }
    assert!(not.is_empty() && done.len() == all && all >= 100, "{} of {all} done; not:\n{}", done.len(), not.join("\n"));
}
