//! What happens is told: as a stream, and pushed to a webhook, to the real binary's readers.

use serde_json::{Value, json};

use crate::support::api::{REGISTRATIONS, base64};
use crate::support::event_stream::EventStream;
use crate::support::kamailio::Kamailio;
use crate::support::receiver::Receiver;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::server::Launch;

const HOOK_KEY: &[u8] = b"a key of thirty-two bytes, no le";

fn data(text: &str, kind: &str) -> Vec<Value> {
    let mark = format!("event: {kind}\n");
    let parts = text.split(mark.as_str()).skip(1);
    parts.filter_map(|part| serde_json::from_str(part.lines().find_map(|line| line.strip_prefix("data: "))?).ok()).collect()
}

#[test]
fn a_trunks_story_is_streamed_and_pushed_signed_and_without_a_secret() {
    let kamailio = Kamailio::md5();
    let mut scene = Scene::on(Launch::default().word("--allow-webhook-target").word("127.0.0.0/8"));
    let stream = EventStream::open(&scene.api, scene.server.launch().http(), "1-0");
    let receiver = Receiver::start();
    let kinds = ["credentials.promoted", "credentials.rejected", "registration.state"];
    let hook = json!({"id": "w1", "url": receiver.url(), "kinds": kinds, "secret": format!("whsec_{}", base64(HOOK_KEY))});
    scene.api.post("/api/v2/webhooks", &hook).expect(201);
    scene.registered(&kamailio, &["alice"]);
    stream.until("it is registered", |text| {
        data(text, "registration.state").iter().any(|event| event["trunk"]["id"] == "alice" && event["data"]["to"] == "REGISTERED")
    });
    scene.api.set_credentials(&credentials("alice", "alice", "Falsches-Geheimnis-9")).refused(422, "sip.credentials.rejected");
    let text = stream.until("the refusal", |text| text.contains("event: credentials.rejected"));
    let rejected = data(&text, "credentials.rejected");
    assert_eq!(rejected[0]["data"]["code"], "sip.credentials.rejected");

    let mut pushed = receiver.of_kind("credentials.promoted", 1);
    pushed.extend(receiver.of_kind("registration.state", 1));
    let refusal = receiver.of_kind("credentials.rejected", 1);
    // The same event, by the same id, on both ways.
    assert_eq!(refusal[0].header("webhook-id"), rejected[0]["id"].as_str().expect("an id"));
    assert_eq!(refusal[0].json(), rejected[0]);
    for call in pushed.iter().chain(&refusal) {
        assert!(call.is_signed_by(HOOK_KEY) && !call.is_signed_by(b"another"), "{call:?}");
    }

    scene.api.delete(&format!("{REGISTRATIONS}/alice")).expect(204);
    stream.until("it is removed", |text| text.contains("event: registration.removed"));
    scene.server.stop();
    let text = stream.ended();
    assert!(text.contains("event: end\ndata: {\"reason\":\"shutdown\"}"), "{text}");
    for secret in [PASSWORD, "Falsches-Geheimnis-9"] {
        assert!(!text.contains(secret) && !receiver.bodies().contains(secret));
    }
}

#[test]
fn a_stream_goes_on_over_a_kill_where_its_reader_was() {
    let kamailio = Kamailio::md5();
    let mut scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    let http = scene.server.launch().http();
    let promoted = |text: &str| data(text, "credentials.promoted");
    let first = EventStream::open(&scene.api, http, "1-0").until("the promotion", |text| promoted(text).len() == 1);
    let id = promoted(&first)[0]["id"].as_str().expect("an id").to_owned();
    // What comes while nobody reads is told to whoever comes back.
    kamailio.set_password("alice", "second-Secret-8");
    scene.api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
    scene.server.kill9();
    scene.server.restart();
    let api = scene.server.api();
    let text = EventStream::open(&api, http, &id).until("the second promotion", |text| promoted(text).len() == 1);
    assert_eq!(promoted(&text)[0]["data"]["version"], 2, "{text}");
    assert!(!text.contains("event: reset") && !promoted(&text).iter().any(|event| event["id"] == id), "{text}");
}
