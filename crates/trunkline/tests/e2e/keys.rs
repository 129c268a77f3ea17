//! `trunkline keys`: new keys by command, while secrets are in use.

use std::process::{Command, Output};

use serde_json::json;

use crate::support::loopback;
use crate::support::scene::Scene;
use crate::support::server::{ADMIN_ID, ADMIN_SECRET};

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
