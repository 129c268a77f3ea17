//! A control plane with a site, a carrier, trunks and a scripted edge.

use std::time::{Duration, Instant};

use axum::http::Method;
use link::Sites;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab};
use crate::scripted_edge::ScriptedEdge;

pub const PATH: &str = "/api/v2/trunks/voice/registrations";

pub struct Scene {
    pub lab: Lab,
    pub edge: ScriptedEdge,
}

impl Scene {
    /// Site `s1`, carrier `c1`, trunk `t1`, and an edge whose carrier takes `u1` with `first`.
    pub async fn new() -> Self {
        let lab = Lab::new().await;
        furnish(&lab).await;
        let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
        edge.takes("u1", "first");
        Scene { lab, edge }
    }

    /// As [`Scene::new`], with `u1` and `first` registered as version 1.
    pub async fn registered() -> Self {
        let scene = Scene::new().await;
        scene.set("first").await.is(201);
        scene
    }

    /// Sets the password of `t1`, live.
    pub async fn set(&self, password: &str) -> Answer {
        self.set_with(password, json!({}), &[]).await
    }

    /// Sets the password of `t1`, with further fields and headers.
    pub async fn set_with(&self, password: &str, more: Value, headers: &[(&str, &str)]) -> Answer {
        let mut body = credentials(password);
        for (name, value) in more.as_object().expect("an object") {
            if name == "credentials" {
                for (name, value) in value.as_object().expect("an object") {
                    body["credentials"][name] = value.clone();
                }
            } else {
                body[name] = value.clone();
            }
        }
        self.lab.call(Method::POST, PATH, &self.lab.token, headers, Some(&body.to_string())).await
    }

    /// The registration of `t1`.
    pub async fn registration(&self) -> Value {
        self.lab.get(&format!("{PATH}/t1")).await.is(200).body
    }

    /// Waits until the registration of `t1` is as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + Duration::from_secs(10);
        loop {
            let shown = self.registration().await;
            if wanted(&shown) {
                return shown;
            }
            assert!(Instant::now() < give_up, "{what}: {shown:#}");
            tokio::task::yield_now().await;
        }
    }

    /// Waits until there is something at a path.
    pub async fn until_there(&self, path: &str) -> Answer {
        let give_up = Instant::now() + Duration::from_secs(10);
        loop {
            let answer = self.lab.get(path).await;
            if answer.status == 200 {
                return answer;
            }
            assert!(Instant::now() < give_up, "{path}: {}", answer.text);
            tokio::task::yield_now().await;
        }
    }

    /// The states of the versions of `t1`, by number.
    pub async fn states(&self) -> Vec<String> {
        let listed = self.lab.get(&format!("{PATH}/t1/credentials")).await.is(200).body;
        let entities = listed["entities"].as_array().expect("entities");
        entities.iter().map(|version| version["state"].as_str().expect("a state").to_owned()).collect()
    }

    /// The actions on the audit record of `t1`, the oldest first.
    pub async fn audited(&self) -> Vec<String> {
        let audits = self.lab.get("/api/v2/audits?pageSize=500").await.is(200).body;
        let mut entries: Vec<&Value> = audits["entities"].as_array().expect("entities").iter().collect();
        entries.sort_by_key(|entry| entry["number"].as_i64().or_else(|| entry["id"].as_str().and_then(|id| id.parse().ok())));
        let about = entries.into_iter().filter(|entry| entry.to_string().contains("\"credentials\"") && entry.to_string().contains("t1"));
        about.map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect()
    }
}

/// Makes site `s1`, carrier `c1` and trunk `t1`.
pub async fn furnish(lab: &Lab) {
    lab.post("/api/v2/sites", r#"{"id": "s1", "name": "One"}"#).await.is(201);
    lab.post("/api/v2/carriers", r#"{"id": "c1", "name": "C", "registrars": ["sip:192.0.2.1"]}"#).await.is(201);
    lab.post("/api/v2/trunks/voice", &trunk("t1").to_string()).await.is(201);
}

pub fn trunk(id: &str) -> Value {
    json!({"id": id, "name": format!("Trunk {id}"), "site": {"id": "s1"}, "carrier": {"id": "c1"}, "addressOfRecord": format!("sip:{id}@lab.example")})
}

pub fn credentials(password: &str) -> Value {
    json!({"trunkId": "t1", "credentials": {"username": "u1", "password": password}})
}
