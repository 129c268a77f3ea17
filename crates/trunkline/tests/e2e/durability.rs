//! Nothing that was acknowledged is lost, nothing is half done, and the server says what it lies on is at fault: killed, on a full disk, on a broken one.

use std::time::Duration;

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::durability::lives::{Lives, lives};
use crate::support::durability::storage::{Fault, Faults, Fill};
use crate::support::kamailio::{Kamailio, Outcome};
use crate::support::scene::{Scene, credentials};
use crate::support::server::Launch;
use crate::support::wait::{self, secs};

/// `cargo xtask prove durability` does the same a thousand times.
#[test]
fn killed_twenty_times_under_a_mixed_load_it_has_all_that_was_acknowledged_and_nothing_by_half() {
    let outcome = lives(Lives { seed: 20, kills: 20, longest: Duration::from_millis(400) });
    assert_eq!(outcome.kills, 20);
    assert!(outcome.tally.acknowledged > 100, "there was a load: {outcome:?}");
}

fn says_that_storage_is_the_cause(scene: &Scene) {
    let api = &scene.api;
    let new = |id: &str| json!({"id": id, "name": id});
    let refused = api.post("/api/v2/sites", &new("s-refused")).refused(503, "database.unwritable");
    let message = refused.at("/message").as_str().expect("a message");
    assert!(message.contains("disk") && refused.header("Retry-After").is_some(), "{}", refused.text);
    api.patch("/api/v2/trunks/voice/alice", &json!({"name": "refused"})).refused(503, "database.unwritable");
    let mut body = credentials("alice", "alice", "another-Secret-9");
    body["verify"] = json!("static");
    api.set_credentials(&body).refused(503, "database.unwritable");
    let line =
        json!({"trunk": {"id": "b1", "site": {"id": "jakarta"}, "carrier": {"id": "kam"}, "addressOfRecord": "sip:b1@lab"}}).to_string();
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
    let imported = api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, line.as_bytes());
    assert_eq!(imported.json["error"]["code"], "database.unwritable", "{}\n{}", imported.text, scene.server.log());
    // While others wait for their turn at the store it says first that the store does not answer.
    wait::until_true("it says that the disk is the cause", secs(30), || {
        let ready = api.get("/health/ready").refused(503, "not.ready");
        ready.at("/message").as_str().is_some_and(|text| text.contains("disk"))
    });
    api.get("/health/live").expect(200);
    // What is there is shown, and nothing of what was refused.
    assert_ne!(api.get("/api/v2/trunks/voice/alice").expect(200).json["name"], "refused");
    for absent in ["/api/v2/sites/s-refused", "/api/v2/trunks/voice/b1"] {
        api.get(absent).expect(404);
    }
    assert_eq!(api.registration("alice").at("/credentials/activeVersion"), 1);
}

fn goes_on_through(fault: Fault) {
    let faults = Faults::new();
    let kamailio = Kamailio::md5();
    let mut scene = Scene::on(faults.under(Launch::default()));
    scene.registered(&kamailio, &["alice"]);
    scene.api.patch("/api/v2/carriers/kam", &json!({"expires": 20})).expect(200);
    scene.api.get("/health/ready").expect(200);
    let refreshes = || kamailio.seen_of("alice").iter().filter(|seen| seen.binds() && seen.outcome == Outcome::Proved).count();

    faults.set(fault);
    says_that_storage_is_the_cause(&scene);
    let before = refreshes();
    wait::until_true("the registration is refreshed meanwhile", secs(60), || refreshes() > before);
    says_that_storage_is_the_cause(&scene);
    assert_eq!(scene.api.registration("alice").at("/bound"), true);

    faults.set(Fault::Nothing);
    wait::until_true("it is ready again", secs(10), || scene.api.get("/health/ready").status == 200);
    scene.api.post("/api/v2/sites", &json!({"id": "s-after", "name": "After"})).expect(201);
    scene.server.kill9();
    scene.server.restart();
    let api = scene.server.api();
    api.get("/api/v2/sites/s-after").expect(200);
    for absent in ["/api/v2/sites/s-refused", "/api/v2/trunks/voice/b1"] {
        api.get(absent).expect(404);
    }
    assert_eq!(api.registration("alice").at("/credentials/activeVersion"), 1);
    assert_eq!(api.get("/api/v2/audits/verify").expect(200).json["intact"], true);
}

#[test]
fn no_room_left_is_said_and_registrations_go_on_and_so_does_all_when_there_is_room() {
    goes_on_through(Fault::Full);
}

#[test]
fn writes_that_fail_are_said_and_registrations_go_on_and_so_does_all_when_they_do_not() {
    goes_on_through(Fault::Write);
}

#[test]
fn what_cannot_be_made_durable_is_not_acknowledged_and_registrations_go_on() {
    goes_on_through(Fault::Sync);
}

#[test]
fn a_file_system_that_is_full_takes_changes_again_when_there_is_room() {
    const MANY: usize = 20_000;
    let scene = Scene::on(Launch::default().on_disk_of("12m"));
    let fill = Fill::up(&scene.server);
    let mut made = 0;
    // SQLite writes into what its log has room for already.
    let refused = loop {
        assert!(made < MANY, "the disk is never full");
        let answer = scene.api.post("/api/v2/sites", &json!({"id": format!("s{made}"), "name": "x".repeat(120)}));
        if answer.status != 201 {
            break answer;
        }
        made += 1;
    };
    let refused = refused.refused(503, "database.unwritable");
    assert!(refused.at("/message").as_str().is_some_and(|text| text.contains("full")), "{}", refused.text);
    fill.remove();
    wait::until_true("it is ready again", secs(10), || scene.api.get("/health/ready").status == 200);
    scene.api.post("/api/v2/sites", &json!({"id": format!("s{made}"), "name": "after"})).expect(201);
    // All of ours, the one after, and jakarta.
    assert_eq!(scene.api.get("/api/v2/sites").expect(200).json["total"], made + 2);
    let verdict = scene.api.get("/api/v2/audits/verify").expect(200);
    assert_eq!(verdict.json["intact"], true, "{}", verdict.text);
}
