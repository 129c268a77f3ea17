//! The official SDKs of the platform, unchanged, against a real server and a real registrar.
//!
//! The suites are scripts in the SDKs' own languages, in `tests/sdk`. What they need beyond the API, such as another password at the
//! registrar, they ask of this program: a line that begins with `@`, answered by a line.

use std::process::Command;

use serde_json::json;

use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::script::{self, Script};
use crate::support::server::{ADMIN_ID, ADMIN_SECRET, Launch};
use crate::support::wait::{self, secs};

/// Runs a suite to its end and answers what it asks.
fn run(mut suite: Command, scene: &Scene, kamailio: &Kamailio, trunks: &[&str]) {
    let place = json!({
        "url": format!("http://{}", scene.server.launch().http()), "client": ADMIN_ID, "secret": ADMIN_SECRET,
        "registrar": kamailio.address().to_string(), "realm": kamailio.realm(), "password": PASSWORD, "trunks": trunks,
    });
    suite.env("TRUNKLINE_SDK_PLACE", place.to_string());
    let granted = |wish: &[&str]| match wish {
        ["user", user, password] => {
            kamailio.add_user(user, password);
            "done".to_owned()
        }
        ["password", user, password] => {
            kamailio.set_password(user, password);
            "done".to_owned()
        }
        ["bindings", user] => {
            wait::until(&format!("Kamailio lists {user}"), secs(10), || kamailio.lookup(user));
            kamailio.bindings_of(user).len().to_string()
        }
        _ => panic!("the suite asks for {wish:?}"),
    };
    Script::start(&suite).run(granted, || scene.server.log());
}

fn suite(suite: Command) {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice", "bob", "erin"]);
    run(suite, &scene, &kamailio, &["alice", "bob", "erin"]);
}

/// With an allowance that a script spends in moments.
fn resend(suite: Command) {
    let kamailio = Kamailio::md5();
    let scene = Scene::on(Launch::default().word("--rate-limit").word("15/4"));
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("alice", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    run(suite, &scene, &kamailio, &["alice"]);
    assert_eq!(kamailio.digest_failures("alice"), 0);
    // The administrator of this test has an allowance of its own; the same again is the same registration.
    wait::until("the allowance is back", secs(30), || {
        let answer = scene.api.set_credentials(&credentials("alice", "alice", PASSWORD));
        (answer.status == 200).then_some(())
    });
}

#[test]
fn the_python_sdk_runs_unchanged() {
    suite(script::python("sdk/suite.py"));
}

#[test]
fn the_javascript_sdk_runs_unchanged() {
    suite(script::node("sdk/suite.mjs", "javascript"));
}

#[test]
fn the_python_sdk_sends_a_refused_post_again() {
    resend(script::python("sdk/resend.py"));
}

#[test]
fn the_javascript_sdk_tells_when_to_send_again() {
    resend(script::node("sdk/resend.mjs", "javascript"));
}
