//! No password and nothing as good as one is in a log at trace level, in a file, or in an answer.

use serde_json::json;

use crate::support::api::{Api, REGISTRATIONS};
use crate::support::digest::parameter;
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::secrets::Secret;
use crate::support::server::{ADMIN_SECRET, Launch};

const SECOND: &str = "Zweites-Geheimnis-8";
const WRONG: &str = "Falsches-Geheimnis-9";

/// Every page that tells something about a trunk.
fn pages(api: &Api, trunk: &str) -> Vec<(String, Vec<u8>)> {
    let mut paths = vec![
        REGISTRATIONS.to_owned(),
        format!("{REGISTRATIONS}/{trunk}"),
        format!("{REGISTRATIONS}/{trunk}/credentials"),
        format!("{REGISTRATIONS}/{trunk}/attempts"),
        "/api/v2/trunks/voice".to_owned(),
        format!("/api/v2/trunks/voice/{trunk}"),
        "/api/v2/carriers".to_owned(),
        "/api/v2/organization".to_owned(),
        "/api/v2/edges".to_owned(),
        "/api/v2/audits?pageSize=500".to_owned(),
        "/api/v2/oauth/clients".to_owned(),
        "/metrics".to_owned(),
    ];
    paths.extend((1..=4).map(|version| format!("{REGISTRATIONS}/{trunk}/credentials/{version}")));
    let attempts = api.get(&format!("{REGISTRATIONS}/{trunk}/attempts")).json["entities"].clone();
    for attempt in attempts.as_array().into_iter().flatten() {
        let base = format!("{REGISTRATIONS}/{trunk}/attempts/{}", attempt["id"].as_str().expect("an id"));
        paths.extend(["", "/report", "/ladder", "/pcapng"].map(|page| format!("{base}{page}")));
    }
    paths.into_iter().map(|path| (path.clone(), api.raw("GET", &path, &[], b"").bytes)).collect()
}

fn nothing_leaks(kamailio: &Kamailio) {
    let mut scene = Scene::on(Launch::default().logging("trace"));
    scene.registered(kamailio, &["alice"]);
    let mut answers = Vec::new();
    let mut note = |what: &str, text: String| answers.push((what.to_owned(), text.into_bytes()));

    note("wrong", scene.api.set_credentials(&credentials("alice", "alice", WRONG)).refused(422, "sip.credentials.rejected").text);
    kamailio.set_password("alice", SECOND);
    note("second", scene.api.set_credentials(&credentials("alice", "alice", SECOND)).expect(200).text);
    let ha1 = kamailio.algorithm().ha1("alice", kamailio.realm(), SECOND);
    let hashed = json!({"trunkId": "alice", "credentials": {"username": "alice", "realm": kamailio.realm(), "ha1": {kamailio.algorithm().name(): ha1}}});
    note("hashed", scene.api.set_credentials(&hashed).text);
    note(
        "verify",
        scene.api.post(&format!("{REGISTRATIONS}/alice/verify"), &json!({"credentials": {"username": "alice", "password": SECOND}})).text,
    );
    note("refresh", scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({})).text);
    let mut misspelt = credentials("alice", "alice", SECOND);
    merge(&mut misspelt["credentials"], &json!({"pasword": SECOND}));
    note("misspelt", scene.api.set_credentials(&misspelt).text);
    let half = format!("{{\"trunkId\": \"alice\", \"credentials\": {{\"password\": \"{SECOND}\", ");
    note("cut off", scene.api.raw("POST", REGISTRATIONS, &[("Content-Type", "application/json")], half.as_bytes()).text);
    let spaced = credentials("alice", "alice", &format!("{SECOND}\u{a0}"));
    note("no-break space", scene.api.set_credentials(&spaced).refused(400, "registration.whitespace").text);
    scene.wait_registration("alice", "registered", |json| json["registrationState"] == "REGISTERED");
    answers.extend(pages(&scene.api, "alice"));
    scene.server.stop();

    let log = scene.server.log();
    assert!(log.len() > 1_000, "the log is at trace level: {log}");
    for password in [PASSWORD, SECOND, WRONG] {
        let secret = Secret::new("alice", kamailio.realm(), password);
        secret.must_not_be_in("the log", log.as_bytes());
        let files = secret.must_not_be_under(scene.server.launch().data());
        assert!(files >= 2, "the database and its key were read, {files} files");
        for (what, bytes) in &answers {
            secret.must_not_be_in(&format!("the answer to {what}"), bytes);
        }
    }
    let responses: Vec<String> =
        kamailio.seen().iter().filter_map(|seen| parameter(seen.authorization.as_deref()?, "response").map(str::to_owned)).collect();
    assert!(responses.len() >= 4, "digests were sent");
    for response in &responses {
        for (what, bytes) in &answers {
            assert!(!String::from_utf8_lossy(bytes).contains(response), "the answer to {what} holds a digest response");
        }
        assert!(!log.contains(response), "the log holds a digest response");
    }
    assert!(!log.contains(ADMIN_SECRET), "the log holds the secret of a client that the operator chose");
}

#[test]
fn nothing_leaks_under_md5() {
    nothing_leaks(&Kamailio::md5());
}

#[test]
fn nothing_leaks_under_sha256() {
    nothing_leaks(&Kamailio::sha256());
}
