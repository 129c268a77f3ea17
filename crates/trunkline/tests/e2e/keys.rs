//! `trunkline keys`: new keys by command, while secrets are in use.

use std::process::{Command, Output};

use serde_json::json;

use crate::support::api::{REGISTRATIONS, base64};
use crate::support::loopback;
use crate::support::receiver::Receiver;
use crate::support::scene::Scene;
use crate::support::server::{ADMIN_ID, ADMIN_SECRET, Launch};

/// So many secrets: more than a transaction of a rotation has.
const TRUNKS: usize = 250;
const HOOK_KEY: &[u8] = b"a key of thirty-two bytes, no le";

fn keys(server: &str, words: &[&str], client: &str, secret: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("keys").args(words).args(["--server", server]).env_remove("TRUNKLINE_SERVER");
    for (name, value) in [("TRUNKLINE_CLIENT_ID", client), ("TRUNKLINE_CLIENT_SECRET", secret)] {
        if value.is_empty() {
            command.env_remove(name)
        } else {
            command.env(name, value)
        };
    }
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn new_keys_are_made_by_command_while_secrets_are_in_use() {
    let receiver = Receiver::start();
    let mut scene = Scene::on(Launch::default().word("--allow-webhook-target").word("127.0.0.0/8"));
    let server = format!("http://{}", scene.server.launch().http());
    scene.carrier("lab", "sip:127.0.0.1:9", &json!({"options": {"interval": 0}}));
    let lines: String = (0..TRUNKS)
        .map(|n| {
            let trunk = json!({"id": format!("t{n}"), "site": {"id": "jakarta"}, "carrier": {"id": "lab"}, "addressOfRecord": format!("sip:u{n}@lab"), "inService": false});
            format!("{}\n", json!({"trunk": trunk, "credentials": {"username": format!("u{n}"), "password": "p"}}))
        })
        .collect();
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    let imported = scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, lines.as_bytes()).expect(200);
    assert_eq!(imported.text.matches("\"status\":201").count(), TRUNKS, "{}", imported.text);
    let secret = format!("whsec_{}", base64(HOOK_KEY));
    let hook = json!({"id": "w1", "url": receiver.url(), "kinds": ["events.lost"], "secret": secret});
    scene.api.post("/api/v2/webhooks", &hook).expect(201);
    let signs = |scene: &Scene, count: usize| {
        let tested = scene.api.post("/api/v2/webhooks/w1/test", &json!({})).expect(200);
        assert_eq!(tested.at("/delivered"), true, "{}", tested.text);
        let calls = receiver.of_kind("webhook.test", count);
        assert!(calls.iter().all(|call| call.is_signed_by(HOOK_KEY) && !call.is_signed_by(b"another")), "{calls:?}");
    };
    signs(&scene, 1);

    let run = |words: &[&str]| {
        let output = keys(&server, words, ADMIN_ID, ADMIN_SECRET);
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    };
    let shown = run(&["show"]);
    assert!(shown.contains("Master key: from a file") && shown.contains("Data key 1:") && shown.contains("No rotation"), "{shown}");
    let rotated = run(&["rotate-data"]);
    assert!(rotated.contains("Data key 2 is new") && rotated.contains("secrets were sealed anew"), "{rotated}");
    let sealed = rotated.lines().find_map(|line| {
        line.strip_suffix(" secrets were sealed anew, and the keys before are removed. Backups of before hold their own.")?
            .parse::<usize>()
            .ok()
    });
    assert!(sealed.is_some_and(|sealed| sealed > TRUNKS), "the webhook's too: {rotated}");
    let shown = run(&["show"]);
    assert!(!shown.contains("Data key 1:") && shown.contains("Data key 2:") && shown.contains("seals what is new"), "{shown}");
    signs(&scene, 2);

    let file = scene.server.launch().data().join("master.key");
    let before = std::fs::read(&file).expect("the key");
    assert!(run(&["rotate-master"]).contains("under a new master key"));
    assert_ne!(std::fs::read(&file).expect("the key"), before);
    assert!(run(&["rotate-data", "--no-wait"]).contains("Data key 3 is new"));
    scene.server.kill9();
    scene.server.restart();
    scene.api = scene.server.api();
    signs(&scene, 3);
    let audits = scene.api.get("/api/v2/audits?entityType=dataKey&action=create").expect(200);
    assert!(audits.at("/total").as_u64() >= Some(2), "{}", audits.text);
}

#[test]
fn what_is_in_the_way_of_new_keys_is_said_with_the_way_out() {
    let scene = Scene::new();
    let server = format!("http://{}", scene.server.launch().http());
    let grants = json!([{"roleId": "trunk-administrator", "scope": "organization"}]);
    let client = scene.api.post("/api/v2/oauth/clients", &json!({"id": "desk", "roleGrants": grants})).expect(201);
    let secret = client.at("/secret").as_str().expect("a secret");
    let nobody = format!("http://{}:8080", loopback::next());
    for (server, words, client, secret, says) in [
        (server.as_str(), &["rotate-data"][..], "desk", secret, "sealing:key:edit"),
        (&server, &["show"], "desk", "wrong", "the server refuses (40"),
        (&server, &["show"], "", "", "--client-id"),
        (&server, &["show"], ADMIN_ID, "", "--client-secret-file"),
        (&server, &["show", "--client-secret-file", "/nowhere/at/all"], ADMIN_ID, "", "/nowhere/at/all"),
        (&nobody, &["show"], ADMIN_ID, ADMIN_SECRET, "does not answer"),
        ("https://127.0.0.1:1", &["show"], ADMIN_ID, ADMIN_SECRET, "plain HTTP"),
    ] {
        let output = keys(server, words, client, secret);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {text}");
        assert!(text.contains(says) && text.lines().count() == 1, "{says}: {text}");
        assert!(!text.contains(ADMIN_SECRET), "{text}");
    }
}
