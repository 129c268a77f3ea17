//! The console in a real Chromium, against a real server and a real Kamailio.
//!
//! The suites are scripts in `tests/console`, by Playwright. What they need beyond the browser, such as another password at the registrar,
//! they ask of this program: a line that begins with `@`, answered by a line.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::lab_carrier::started;
use crate::support::kamailio::Kamailio;
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::script::{self, Script};
use crate::support::server::{ADMIN_ID, ADMIN_SECRET};
use crate::support::udp::{Peer, challenge, granted as granted_by, has_digest};
use crate::support::wait::{self, secs};

/// What a carrier, or whoever names a trunk, may try on a page.
const MARKUP: &str = "<img src=x onerror=alert(1)><script>alert(2)</script>";

/// Runs a suite to its end and answers what it asks; `own` grants what this suite alone asks for.
fn run(script: &str, scene: &Scene, kamailio: &Kamailio, own: &dyn Fn(&str)) {
    let place = json!({
        "url": format!("http://{}", scene.server.launch().http()), "client": ADMIN_ID, "secret": ADMIN_SECRET, "realm": kamailio.realm(),
        "password": PASSWORD, "pictures": script::pictures(), "trunk": "alice", "carrier": "kam", "markup": MARKUP,
    });
    let mut suite = script::node(&format!("console/{script}"), "browser");
    suite.env("TRUNKLINE_CONSOLE_PLACE", place.to_string());
    let answer = |wish: &[&str]| match wish {
        ["own", wish @ ..] => {
            own(&wish.join(" "));
            "done".to_owned()
        }
        wish => granted(wish, scene, kamailio),
    };
    Script::start(&suite).run(answer, || scene.server.log());
}

fn granted(wish: &[&str], scene: &Scene, kamailio: &Kamailio) -> String {
    match wish {
        ["password", user, password] => {
            kamailio.set_password(user, password);
            "done".to_owned()
        }
        ["bindings", user] => {
            wait::until(&format!("Kamailio lists {user}"), secs(10), || kamailio.lookup(user));
            kamailio.bindings_of(user).len().to_string()
        }
        ["refresh", trunk] => {
            scene.api.post(&format!("/api/v2/trunks/voice/registrations/{trunk}/actions/refresh"), &json!({}));
            "done".to_owned()
        }
        ["policy", trunk, algorithm] => {
            let policy = json!({"digestPolicy": {"allowed": [algorithm]}});
            scene.api.patch(&format!("/api/v2/trunks/voice/{trunk}"), &policy).expect(200);
            "done".to_owned()
        }
        ["client", role] => {
            let grants = json!([{"roleId": role, "scope": "organization"}]);
            let made = scene.api.post("/api/v2/oauth/clients", &json!({"id": role, "name": role, "roleGrants": grants})).expect(201);
            find_secret(&made.json).to_owned()
        }
        _ => panic!("the suite asks for {wish:?}"),
    }
}

fn find_secret(client: &Value) -> &str {
    client["secret"].as_str().or(client["clientSecret"].as_str()).expect("a secret, shown once")
}

fn suite(script: &str) {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice", "bob"]);
    run(script, &scene, &kamailio, &nothing);
}

fn nothing(wish: &str) {
    panic!("the suite asks for {wish:?}");
}

#[test]
fn every_page_can_be_used_by_everyone_and_has_its_picture() {
    suite("pages.mjs");
}

#[test]
fn pages_are_read_without_script_and_by_keyboard() {
    suite("reading.mjs");
}

#[test]
fn the_story_is_told_by_mouse_and_keyboard() {
    suite("story.mjs");
}

#[test]
fn pages_follow_what_happens_at_the_carrier() {
    suite("live.mjs");
}

#[test]
fn a_role_is_offered_what_it_may_and_refused_the_rest() {
    suite("roles.mjs");
}

#[test]
fn a_thousand_trunks_are_imported_with_progress() {
    suite("bulk.mjs");
}

#[test]
fn what_others_write_is_shown_as_text() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let address = loopback::next();
    let text = format!(
        r#"
[[registrar]]
name = "hostile"
listen = ["udp:{address}:5070"]
realm = '{MARKUP}'
[registrar.temperament]
server = '{MARKUP}'
ok_headers = ['Warning: 399 x "{MARKUP}"']
refusals = [{{ when = "after-digest", code = 403, reason = '{MARKUP}', headers = ['Warning: 399 x "{MARKUP}"'], users = ["alice"] }}]
[[registrar.account]]
user = "alice"
username = '{MARKUP}'
password = '{MARKUP}'
[[registrar.account]]
user = "bob"
username = '{MARKUP}'
password = "{PASSWORD}"
"#
    );
    let (_lab, _folder) = started(&text, (address, 5070));
    scene.carrier("hostile", &format!("sip:{address}:5070;transport=udp"), &json!({"name": MARKUP}));
    scene.trunk("t1", "hostile", "alice", "peer.test", &json!({"name": MARKUP}));
    scene.trunk("t2", "hostile", "bob", "peer.test", &json!({"name": MARKUP}));
    scene.api.set_credentials(&credentials("t2", MARKUP, PASSWORD)).expect(201);
    scene.wait_state("t2", "REGISTERED");
    run("injection.mjs", &scene, &kamailio, &nothing);
}

#[test]
fn each_step_of_a_verification_is_seen_while_it_runs() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    let answers = Arc::new(AtomicBool::new(false));
    let slow = Arc::clone(&answers);
    let peer = Peer::registrar(move |request| match has_digest(request) {
        false => Some(challenge(request, "peer.test", "MD5", "n1")),
        true => slow.load(Ordering::Relaxed).then(|| granted_by(request, 600)),
    });
    scene.trunk_at(&peer.uri(), "peer.test", &json!({}));
    run("steps.mjs", &scene, &kamailio, &|wish| {
        assert_eq!(wish, "answer the digest");
        answers.store(true, Ordering::Relaxed);
    });
}

#[test]
fn profiles_clients_and_roles_are_made_changed_and_deleted_by_whoever_may() {
    suite("manage.mjs");
}
