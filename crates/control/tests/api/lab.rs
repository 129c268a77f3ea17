//! A control plane on a fresh directory, asked without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use control::{Config, Control, Planner, Unplanned};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;
use tower::ServiceExt;

#[path = "contract.rs"]
pub mod contract;

pub const CLIENT: &str = "admin";
pub const SECRET: &str = "a-secret-of-some-length";

pub struct Lab {
    pub control: Control,
    pub router: Router,
    pub token: String,
    pub dir: TempDir,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

/// In the place of the simulator's: it answers with how many carriers it was asked about.
fn planner() -> Planner {
    Planner::new(|form, goes_on| match form["carriers"].as_array() {
        Some(carriers) if goes_on() => Ok(json!({
            "event": "nothing happens", "eventFrom": 300, "eventTo": 300, "stretchSeconds": 1, "edges": 1, "trunks": carriers.len(), "carriers": [],
            "edge": { "worstRegistersPerSecond": 0, "worstCores": 0.0, "meanCores": 0.0, "memoryBytes": 0 },
            "all": { "name": "all", "trunks": carriers.len(), "steadyPerSecond": 0.0, "worstSecond": { "at": 0, "registers": 0 }, "retransmissions": 0,
                "refreshes": 0, "challengedCycles": 0, "lapses": 0, "mostUnbound": 0, "recovered": true, "recoverySeconds": 0,
                "limitExceeded": false, "registersPerSecond": [], "unbound": [] },
        })),
        _ => Err(Unplanned { field: "carriers".into(), text: "carriers: must be given.".into() }),
    })
}

impl Lab {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::in_directory(dir.path());
        config.bootstrap = Some((CLIENT.into(), SECRET.into()));
        config.planner = Some(planner());
        Lab::on(config, dir).await
    }

    /// Started in a way of one's own, in a directory that it lives in.
    pub async fn on(config: Config, dir: TempDir) -> Self {
        let control = Control::open(config).await.expect("it starts");
        let router = control.router();
        let mut lab = Lab { control, router, token: String::new(), dir };
        lab.token = lab.token_of(CLIENT, SECRET).await;
        lab
    }

    /// With a site, a carrier and a trunk.
    pub async fn furnished() -> Self {
        let lab = Lab::new().await;
        lab.post("/api/v2/sites", r#"{"id": "jakarta", "name": "Jakarta", "region": "ap-southeast-3", "timeZone": "Asia/Jakarta"}"#)
            .await
            .is(201);
        lab.post("/api/v2/carriers", CARRIER).await.is(201);
        lab.post("/api/v2/trunks/voice", TRUNK).await.is(201);
        lab
    }

    /// What the examples of the document speak of is there, or there again.
    pub async fn furnish(&self) {
        for (path, body) in [
            ("/api/v2/sites", r#"{"id": "jakarta"}"#),
            ("/api/v2/carriers", CARRIER),
            ("/api/v2/trunks/voice", TRUNK),
            ("/api/v2/oauth/clients", r#"{"id": "ci"}"#),
            ("/api/v2/authorization/roles", r#"{"id": "rotator", "permissions": []}"#),
            ("/api/v2/webhooks", r#"{"id": "operations", "url": "https://hooks.example.com/trunkline"}"#),
        ] {
            let answer = self.post(path, body).await;
            assert!([201, 409].contains(&answer.status.as_u16()), "{}", answer.text);
        }
    }

    pub async fn token_of(&self, id: &str, secret: &str) -> String {
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let request = Request::post("/oauth/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.into());
        let answer = self.send(request.expect("a request")).await.is(200);
        answer.body["access_token"].as_str().expect("a token").to_owned()
    }

    /// A token of a new client with this role.
    pub async fn token_with_role(&self, role: &str) -> String {
        let client = self.post("/api/v2/oauth/clients", &format!(r#"{{"roleGrants": [{{"roleId": "{role}"}}]}}"#)).await.is(201);
        let text = |name: &str| client.body[name].as_str().expect("text").to_owned();
        self.token_of(&text("id"), &text("secret")).await
    }

    /// A token of a new client with these grants, `[{"roleId": ..., "scope": ...}]`.
    pub async fn token_with_grants(&self, grants: &Value) -> String {
        let client = self.post("/api/v2/oauth/clients", &serde_json::json!({ "roleGrants": grants }).to_string()).await.is(201);
        let text = |name: &str| client.body[name].as_str().expect("text").to_owned();
        self.token_of(&text("id"), &text("secret")).await
    }

    /// Changes the database behind its back.
    pub async fn tamper(&self, sql: &str) {
        let options = SqliteConnectOptions::new().filename(self.dir.path().join("trunkline.db"));
        let mut other = options.connect().await.expect("it opens");
        sqlx::query(AssertSqlSafe(sql)).execute(&mut other).await.expect("it runs");
        other.close().await.expect("it closes");
    }

    /// Every answer is held to the OpenAPI document.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        self.send_knowing(request, None).await
    }

    async fn send_knowing(&self, request: Request<Body>, sent: Option<&str>) -> Answer {
        let asked = contract::Asked {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            query: request.uri().query().unwrap_or_default().to_owned(),
            body: sent.and_then(|text| serde_json::from_str(text).ok()),
        };
        let response = self.router.clone().oneshot(request).await.expect("infallible");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 16 << 20).await.expect("a body");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let body = serde_json::from_str(&text).unwrap_or_default();
        assert_no_null(&body);
        if asked.method != Method::HEAD {
            contract::check(&asked, parts.status.as_u16(), &parts.headers, &text);
        }
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    pub async fn call(&self, method: Method, path: &str, token: &str, headers: &[(&str, &str)], body: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send_knowing(request.body(body.map_or_else(Body::empty, |text| Body::from(text.to_owned()))).expect("a request"), body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, &self.token, &[], None).await
    }

    /// Reads a path until it says what is expected; gives up after some seconds.
    pub async fn until(&self, path: &str, expected: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..500 {
            let answer = self.get(path).await;
            if expected(&answer) {
                return answer;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("{path} never says it");
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.call(Method::POST, path, &self.token, &[], Some(body)).await
    }

    pub async fn put(&self, path: &str, body: &str) -> Answer {
        self.call(Method::PUT, path, &self.token, &[], Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: &str) -> Answer {
        self.call(Method::PATCH, path, &self.token, &[], Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, &self.token, &[], None).await
    }
}

pub const CARRIER: &str = r#"{"id": "nusantara", "name": "Nusantara", "registrars": ["sip:sbc1.carrier.co.id;transport=udp"], "expires": 3600,
    "digestPolicy": {"allowed": ["md5", "sha256"]}, "pacing": {"registersPerSecond": 50, "inFlight": 20},
    "options": {"interval": 30, "failureThreshold": 3, "successThreshold": 1}}"#;

pub const TRUNK: &str = r#"{"id": "trunk_jkt_04", "name": "Jakarta 04", "site": {"id": "jakarta"}, "carrier": {"id": "nusantara"}, "inService": true,
    "addressOfRecord": "sip:6221500004@ims.carrier.co.id", "contactUser": "6221500004", "expires": 600, "digestPolicy": {"allowed": ["MD5"]}}"#;

impl Answer {
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// An error with this status and code, complete as every error body is.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.body["code"], code, "{}", answer.text);
        assert_eq!(answer.body["status"], status);
        let correlation = answer.headers["inin-correlation-id"].to_str().expect("text");
        assert_eq!(answer.body["contextId"], correlation);
        answer
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        let message = self.body["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{words:?} is not in {message:?}");
        self
    }

    #[track_caller]
    pub fn about(self, field: &str) -> Self {
        assert_eq!(self.body["details"][0]["fieldName"], field, "{}", self.text);
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn ids(&self) -> Vec<&str> {
        self.body["entities"]
            .as_array()
            .map_or_else(Vec::new, |entities| entities.iter().filter_map(|entity| entity["id"].as_str()).collect())
    }
}

fn assert_no_null(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                assert!(!value.is_null(), "{name} is null");
                assert_no_null(value);
            }
        }
        Value::Array(items) => items.iter().for_each(assert_no_null),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
