//! Webhooks against a real HTTP server on loopback.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine;
use control::{Config, Control, WebhookLimits};
use hmac::{Hmac, KeyInit, Mac};
use link::Sites;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::lab::{CLIENT, Lab, SECRET};
use crate::scene::{Scene, furnish};
use crate::scripted_edge::ScriptedEdge;

const WEBHOOKS: &str = "/api/v2/webhooks";

/// What the other side received, and how it answers.
#[derive(Clone, Default)]
struct Receiver {
    received: Arc<Mutex<Vec<(HeaderMap, Bytes)>>>,
    /// Answers in turn; then 204. Zero: it takes longer than anybody waits.
    answers: Arc<Mutex<Vec<u16>>>,
    redirect_to: Arc<Mutex<String>>,
}

impl Receiver {
    async fn start() -> (Receiver, SocketAddr) {
        let receiver = Receiver::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = Router::new().route("/hook", post(take)).route("/elsewhere", post(take)).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (receiver, address)
    }

    fn answers(&self, answers: &[u16]) {
        *self.answers.lock().unwrap() = answers.iter().rev().copied().collect();
    }

    fn all(&self) -> Vec<(HeaderMap, Bytes)> {
        self.received.lock().unwrap().clone()
    }

    fn events(&self) -> Vec<Value> {
        self.all().iter().map(|(_, body)| serde_json::from_slice(body).expect("JSON")).collect()
    }

    async fn until(&self, what: &str, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        for _ in 0..2_000 {
            let events = self.events();
            if wanted(&events) {
                return events;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: {:#?}", self.events());
    }
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let status = receiver.answers.lock().unwrap().pop().unwrap_or(204);
    receiver.received.lock().unwrap().push((headers, body));
    if status == 0 {
        std::future::pending::<()>().await;
    }
    let location = receiver.redirect_to.lock().unwrap().clone();
    (StatusCode::from_u16(status).expect("a status"), [(header::LOCATION, location)])
}

fn config(dir: &std::path::Path, targets: &[&str]) -> Config {
    let mut config = Config::in_directory(dir);
    config.bootstrap = Some((CLIENT.into(), SECRET.into()));
    config.webhook_targets = targets.iter().map(|target| target.parse().expect("a range")).collect();
    config.webhooks = WebhookLimits {
        first_retry: Duration::from_millis(50),
        longest_retry: Duration::from_millis(100),
        give_up: Duration::from_secs(3_600),
        patience: Duration::from_millis(500),
    };
    config
}

async fn scene_with(change: impl FnOnce(&mut Config)) -> Scene {
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = config(dir.path(), &["127.0.0.0/8"]);
    change(&mut config);
    let control = Control::open(config).await.expect("it starts");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    furnish(&lab).await;
    let edge = ScriptedEdge::attach(&lab.control, "e1", Sites::Unserved);
    edge.takes("u1", "first");
    Scene { lab, edge }
}

async fn hook(lab: &Lab, address: SocketAddr, more: Value) -> Value {
    let mut body = json!({"id": "w1", "name": "Desk", "url": format!("http://{address}/hook"), "kinds": ["credentials.promoted", "credentials.rejected"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    lab.post(WEBHOOKS, &body.to_string()).await.is(201).body
}

/// Holds the signature of everything that came against the secret.
fn all_signed(receiver: &Receiver, secret: &str) {
    for (headers, body) in receiver.all() {
        let text = |name: &str| headers[name].to_str().expect("text").to_owned();
        let event: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(event["id"], text("webhook-id"));
        let key = base64::engine::general_purpose::STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(format!("{}.{}.", text("webhook-id"), text("webhook-timestamp")).as_bytes());
        mac.update(&body);
        let expected = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
        assert_eq!(text("webhook-signature"), format!("v1,{expected}"));
    }
}

#[tokio::test]
async fn a_new_data_key_leaves_the_signature_as_it_was() {
    let scene = scene_with(|_| {}).await;
    let (receiver, address) = Receiver::start().await;
    let made = hook(&scene.lab, address, json!({})).await;
    scene.set("first").await.is(201);
    scene.lab.post("/api/v2/sealing/data-keys/rotate", "{}").await.is(202);
    let shown = scene.lab.until("/api/v2/sealing", |shown| shown.body["rotation"]["state"] == "COMPLETED").await;
    assert_eq!((&shown.body["dataKeys"][0]["id"], shown.body["dataKeys"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    receiver.until("both", |events| events.len() == 2).await;
    all_signed(&receiver, made["secret"].as_str().expect("a secret"));
}

#[tokio::test]
async fn events_arrive_signed_and_the_secret_is_shown_once() {
    let scene = scene_with(|_| {}).await;
    let (receiver, address) = Receiver::start().await;
    let made = hook(&scene.lab, address, json!({})).await;
    let secret = made["secret"].as_str().expect("a secret").to_owned();
    scene.set("first").await.is(201);
    scene.set("wrong").await.refused(422, "sip.credentials.rejected");
    let events = receiver.until("both", |events| events.len() == 2).await;
    assert_eq!(
        events.iter().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["credentials.promoted", "credentials.rejected"]
    );
    assert_eq!(events[1]["data"]["code"], "sip.credentials.rejected");
    all_signed(&receiver, &secret);
    let shown = scene.lab.until(&format!("{WEBHOOKS}/w1"), |shown| shown.body["deliveries"]["pending"] == 0).await;
    let listed = scene.lab.get(WEBHOOKS).await.is(200);
    let audits = scene.lab.get("/api/v2/audits?pageSize=500").await.is(200);
    for answer in [&shown, &listed, &audits] {
        assert!(!answer.text.contains(&secret), "{}", answer.text);
    }
    assert_eq!((&shown.body["secretSet"], &shown.body["deliveries"]["pending"]), (&json!(true), &json!(0)));
    assert!(shown.body["deliveries"]["lastSuccess"].as_str().is_some());
    let renewed = scene.lab.post(&format!("{WEBHOOKS}/w1/secret"), "{}").await.is(200).body;
    assert_ne!(renewed["secret"], made["secret"]);
    scene.lab.control.shutdown().await;
    for entry in std::fs::read_dir(scene.lab.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{} holds the secret", path.display());
        }
    }
}

#[tokio::test]
async fn what_fails_is_sent_again_with_the_same_id_until_it_arrives() {
    let scene = scene_with(|_| {}).await;
    let (receiver, address) = Receiver::start().await;
    hook(&scene.lab, address, json!({})).await;
    // An error, one that never answers, another error.
    receiver.answers(&[500, 0, 429]);
    scene.set("first").await.is(201);
    let events = receiver.until("four tries", |events| events.len() == 4).await;
    assert!(events.iter().all(|event| event["id"] == events[0]["id"]), "{events:#?}");
    let path = format!("{WEBHOOKS}/w1");
    let shown = scene.lab.until(&path, |shown| shown.body["deliveries"]["pending"] == 0).await;
    assert_eq!((&shown.body["deliveries"]["dead"], &shown.body["deliveries"]["lastError"]), (&json!(0), &json!("It answers 429.")));
}

#[tokio::test]
async fn what_is_not_delivered_survives_a_restart() {
    let hour = Duration::from_secs(3_600);
    let scene = scene_with(|config| (config.webhooks.first_retry, config.webhooks.longest_retry) = (hour, hour)).await;
    let (receiver, address) = Receiver::start().await;
    hook(&scene.lab, address, json!({})).await;
    receiver.answers(&[503]);
    scene.set("first").await.is(201);
    let path = format!("{WEBHOOKS}/w1/deliveries");
    let waiting = scene.lab.until(&path, |listed| listed.body["entities"][0]["tries"] == 1).await.body;
    let delivery = &waiting["entities"][0];
    assert_eq!(
        (&delivery["state"], &delivery["lastStatus"], &delivery["kind"]),
        (&json!("PENDING"), &json!(503), &json!("credentials.promoted"))
    );
    scene.lab.control.shutdown().await;
    let Scene { lab, edge } = scene;
    drop((lab.control, lab.router, edge));

    let control = Control::open(config(lab.dir.path(), &["127.0.0.0/8"])).await.expect("it starts again");
    let router = control.router();
    let mut lab = Lab { control, router, token: String::new(), dir: lab.dir };
    lab.token = lab.token_of(CLIENT, SECRET).await;
    assert_eq!(lab.get(&path).await.is(200).body["entities"][0]["id"], delivery["id"]);
    let again = format!("{path}/{}/redeliver", delivery["id"].as_str().unwrap());
    lab.post(&again, "").await.is(202);
    let events = receiver.until("both tries", |events| events.len() == 2).await;
    assert_eq!(events[0], events[1]);
    lab.until(&path, |listed| listed.body["total"] == 0).await;
    lab.post(&again, "").await.refused(404, "not.found");
}

#[tokio::test]
async fn what_fails_for_too_long_is_a_dead_letter_that_can_be_sent_again() {
    let scene = scene_with(|config| config.webhooks.give_up = Duration::ZERO).await;
    let (receiver, address) = Receiver::start().await;
    hook(&scene.lab, address, json!({})).await;
    receiver.answers(&[500]);
    scene.set("first").await.is(201);
    let path = format!("{WEBHOOKS}/w1/deliveries?state=DEAD");
    let dead = scene.lab.until(&path, |listed| listed.body["total"] == 1).await.body["entities"][0].clone();
    assert_eq!((&dead["lastError"], dead.get("nextTryAt")), (&json!("It answers 500."), None));
    assert_eq!(dead["event"]["kind"], "credentials.promoted");
    scene.lab.post(&format!("{WEBHOOKS}/w1/deliveries/{}/redeliver", dead["id"].as_str().unwrap()), "").await.is(202);
    receiver.until("it is sent again", |events| events.len() == 2).await;
    scene.lab.until(&path, |listed| listed.body["total"] == 0).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let scene = scene_with(|_| {}).await;
    let (receiver, address) = Receiver::start().await;
    hook(&scene.lab, address, json!({})).await;
    *receiver.redirect_to.lock().unwrap() = format!("http://{address}/elsewhere");
    for status in [301, 302, 307, 308] {
        receiver.answers(&[status]);
        let tested = scene.lab.post(&format!("{WEBHOOKS}/w1/test"), "").await.is(200).body;
        assert_eq!((&tested["delivered"], &tested["status"]), (&json!(false), &json!(status)));
        assert!(tested["error"].as_str().unwrap().contains("redirects are not followed"));
    }
    assert_eq!(receiver.all().len(), 4, "nobody went elsewhere");
    let tested = scene.lab.post(&format!("{WEBHOOKS}/w1/test"), "").await.is(200).body;
    assert_eq!((&tested["delivered"], &tested["status"]), (&json!(true), &json!(204)));
    assert_eq!(receiver.events()[4]["kind"], "webhook.test");
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_called() {
    let scene = scene_with(|config| config.webhook_targets.clear()).await;
    let (receiver, address) = Receiver::start().await;
    let port = address.port();
    for url in [
        format!("http://127.0.0.1:{port}/hook"),
        format!("https://[::1]:{port}/"),
        "https://169.254.169.254/".into(),
        "http://93.184.216.34/".into(),
    ] {
        let body = json!({"url": url}).to_string();
        scene.lab.post(WEBHOOKS, &body).await.refused(400, "invalid.value").about("url").says("--allow-webhook-target");
    }
    // A name is judged by where it leads, each time.
    hook(&scene.lab, address, json!({"url": format!("http://localhost:{port}/hook")})).await;
    let tested = scene.lab.post(&format!("{WEBHOOKS}/w1/test"), "").await.is(200).body;
    assert_eq!(tested["delivered"], false);
    assert!(tested["error"].as_str().unwrap().contains("not on the public Internet"), "{tested}");
    assert!(receiver.all().is_empty());
}

#[tokio::test]
async fn webhooks_are_kept_as_other_resources_are() {
    let scene = scene_with(|_| {}).await;
    let lab = &scene.lab;
    let (receiver, address) = Receiver::start().await;
    for (body, field) in [
        (json!({"url": "ftp://a/"}), "url"),
        (json!({"url": "https://u:p@hooks.example/"}), "url"),
        (json!({"url": "https://hooks.example/", "kinds": ["nonsense"]}), "kinds"),
        (json!({"url": "https://hooks.example/", "secret": "short"}), "secret"),
        (json!({"url": "https://hooks.example/", "kind": ["edge"]}), "kind"),
        (json!({}), "url"),
    ] {
        lab.post(WEBHOOKS, &body.to_string()).await.refused(400, "invalid.value").about(field);
    }
    let given = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let made = hook(lab, address, json!({"secret": given, "trunkId": "t1"})).await;
    assert_eq!((&made["secret"], &made["enabled"], &made["version"]), (&json!(given), &json!(true), &json!(1)));
    lab.post(WEBHOOKS, &json!({"id": "w1", "url": "https://hooks.example/"}).to_string()).await.refused(409, "conflict");
    let path = format!("{WEBHOOKS}/w1");
    let off = lab.patch(&path, r#"{"enabled": false}"#).await.is(200).body;
    assert_eq!((&off["version"], &off["trunkId"]), (&json!(2), &json!("t1")));
    lab.patch(&path, r#"{"enabled": true, "version": 1}"#).await.refused(409, "version.mismatch");
    // What happens while it is switched off is delivered later.
    scene.set("first").await.is(201);
    let read = lab.get(&path).await.is(200);
    lab.put(&path, &json!({"version": 2, "name": "Desk", "url": read.body["url"], "kinds": ["credentials.promoted"]}).to_string())
        .await
        .is(200);
    receiver.until("it arrives late", |events| events.len() == 1).await;

    let viewer = lab.token_with_role("trunk-administrator").await;
    lab.call(axum::http::Method::GET, WEBHOOKS, &viewer, &[], None)
        .await
        .refused(403, "missing.permissions")
        .says("telephony:webhook:view");
    lab.delete(&path).await.is(204);
    lab.get(&path).await.refused(404, "not.found");
    lab.get(&format!("{path}/deliveries")).await.refused(404, "not.found");
}
