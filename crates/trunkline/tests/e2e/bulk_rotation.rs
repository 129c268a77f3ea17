//! New credentials for two hundred trunks, with the server killed in the middle. The carrier's own record is the judge.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::api::{Answer, REGISTRATIONS};
use crate::support::loopback;
use crate::support::process::Process;
use crate::support::scene::Scene;
use crate::support::wait::{self, secs};

const TRUNKS: usize = 200;

/// A lab carrier with accounts `u1 ...`, each with the passwords `new-N` and, still, `old-N`.
struct Carrier {
    process: Process,
    address: Ipv4Addr,
    _folder: TempDir,
}

impl Carrier {
    fn start() -> Self {
        let (address, folder) = (loopback::next(), tempfile::tempdir().expect("folder"));
        let config = format!(
            "[[registrar]]\nname = \"lab\"\nlisten = [\"udp:{address}:5070\"]\nrealm = \"lab.test\"\n[[registrar.account]]\nuser = \"u{{n}}\"\n\
             password = \"new-{{n}}\"\nold_passwords = [\"old-{{n}}\"]\ncount = {TRUNKS}\n"
        );
        let file = folder.path().join("lab.toml");
        std::fs::write(&file, config).expect("configuration");
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.arg("carrier").arg("--config").arg(&file);
        let mut process = Process::start(&command, &folder.path().join("log"));
        wait::until_true("the lab listens", secs(10), || {
            process.must_run();
            std::net::UdpSocket::bind((address, 5070)).is_err()
        });
        Carrier { process, address, _folder: folder }
    }

    fn uri(&self) -> String {
        format!("sip:{}:5070;transport=udp", self.address)
    }

    /// How many queries with a digest each user has sent, by the carrier's log.
    fn digests_of_verifications(&self) -> BTreeMap<String, usize> {
        let mut digests = BTreeMap::new();
        for line in self.process.log().lines().filter(|line| line.contains("kind=Some(Query)") && !line.contains("digest=None")) {
            let user = line.split("user=").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a user");
            *digests.entry(user.to_owned()).or_insert(0) += 1;
        }
        digests
    }
}

fn post(scene: &Scene, query: &str, lines: &str, accept: &str) -> Answer {
    let headers = [("Content-Type", "application/x-ndjson"), ("Accept", accept)];
    scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk{query}"), &headers, lines.as_bytes())
}

/// Trunks `u1 ...`, imported and registered with their old passwords.
fn registered(carrier: &Carrier) -> Scene {
    let scene = Scene::new();
    scene.carrier("lab", &carrier.uri(), &json!({"pacing": {"registersPerSecond": 400, "inFlight": 100}}));
    let lines: String = (1..=TRUNKS)
        .map(|n| {
            let line = json!({"trunk": {"id": format!("u{n}"), "site": {"id": "jakarta"}, "carrier": {"id": "lab"},
                "addressOfRecord": format!("sip:u{n}@lab.test")}, "credentials": {"username": format!("u{n}"), "password": format!("old-{n}")}});
            format!("{line}\n")
        })
        .collect();
    let answer = post(&scene, "", &lines, "application/x-ndjson").expect(200);
    assert_eq!(answer.text.matches("\"status\":201").count(), TRUNKS);
    let bound = || scene.api.get(&format!("{REGISTRATIONS}?bound=true&pageSize=1")).expect(200).json["total"].as_u64();
    wait::until_true("all are registered", secs(60), || bound() == Some(TRUNKS as u64));
    scene
}

fn new_passwords(word: &str) -> String {
    let line =
        |n: usize| json!({"trunkId": format!("u{n}"), "credentials": {"username": format!("u{n}"), "password": format!("{word}-{n}")}});
    (1..=TRUNKS).map(|n| format!("{}\n", line(n))).collect()
}

fn count(job: &Value, state: &str) -> u64 {
    job["progress"][state].as_u64().unwrap_or_else(|| panic!("no {state}: {job:#}"))
}

#[test]
fn a_rotation_that_is_killed_in_the_middle_goes_on_and_sends_no_digest_twice() {
    let carrier = Carrier::start();
    let mut scene = registered(&carrier);
    let begun = post(&scene, "?rotate=true&perSecond=50&maxFailureShare=0.2", &new_passwords("new"), "application/json").expect(202);
    let path = begun.header("Location").expect("a Location").to_owned();
    let job = |scene: &Scene| scene.api.get(&path).expect(200).json;
    wait::until_true("it is in the middle", secs(60), || count(&job(&scene), "promoted") >= 40);
    scene.server.kill9();
    scene.server.restart();
    scene.api = scene.server.api();
    assert!(count(&job(&scene), "waiting") > 0, "it was killed in the middle");
    // What was being asked in that instant is not known, and not asked again: that takes until its deadline.
    let done = wait::until("it is completed", secs(150), || Some(job(&scene)).filter(|job| job["state"] == "COMPLETED"));
    let (promoted, unknown) = (count(&done, "promoted"), count(&done, "unknown"));
    assert_eq!(promoted + unknown, TRUNKS as u64, "{done:#}");
    assert!(unknown <= 16, "no more than were asked at a time: {done:#}");
    let digests = carrier.digests_of_verifications();
    let twice: Vec<_> = digests.iter().filter(|(_, digests)| **digests > 1).collect();
    assert!(twice.is_empty(), "asked twice: {twice:?}");
    assert!(digests.len() as u64 >= promoted, "{} of {promoted}", digests.len());
    let bound = || scene.api.get(&format!("{REGISTRATIONS}?bound=true&pageSize=1")).expect(200).json["total"].as_u64();
    wait::until_true("every binding is there", secs(60), || bound() == Some(TRUNKS as u64));
    for result in done["results"].as_array().expect("results") {
        let trunk = result["trunkId"].as_str().expect("a trunk");
        let active = scene.api.registration(trunk).json["credentials"]["activeVersion"].clone();
        assert_eq!(active, if result["status"] == 200 { 2 } else { 1 }, "{result}");
    }
    scene.api.get("/api/v2/audits/verify").expect(200);
}

#[test]
fn a_wrong_sheet_costs_one_digest_and_no_binding() {
    let carrier = Carrier::start();
    let scene = registered(&carrier);
    let begun = post(&scene, "?rotate=true&perSecond=50", &new_passwords("shifted"), "application/json").expect(202);
    let path = begun.header("Location").expect("a Location").to_owned();
    let stopped = wait::until("it stops", secs(60), || Some(scene.api.get(&path).expect(200).json).filter(|job| job["state"] == "STOPPED"));
    assert_eq!((count(&stopped, "rejected"), count(&stopped, "waiting")), (1, TRUNKS as u64 - 1));
    assert_eq!(carrier.digests_of_verifications().values().sum::<usize>(), 1);
    let bound = scene.api.get(&format!("{REGISTRATIONS}?bound=true&pageSize=1")).expect(200);
    assert_eq!(bound.json["total"], TRUNKS);
}
