//! Sets the stage for a table of situations, plays them side by side, and gathers what was told.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::situation::{Ask, At, PASSWORD, REALM, Seen, Situation, Stream, parsed};
use crate::support::api::{Answer, REGISTRATIONS};
use crate::support::loopback;
use crate::support::process::Process;
use crate::support::scene::{Scene, credentials, merge};
use crate::support::server::Launch;
use crate::support::udp::Peer;
use crate::support::wait::{self, secs};

/// Ports of the lab's registrars: this one and those above.
const FIRST_PORT: u16 = 6100;

/// What one situation was answered.
pub struct Told {
    /// Why it is not what the table says.
    pub fault: Option<String>,
    pub stage: String,
    pub initiator: String,
    /// As answered; addresses of this run replaced by words.
    pub remedy: String,
}

/// Where the lab is.
#[derive(Clone, Copy)]
struct Lab<'l> {
    address: Ipv4Addr,
    folder: &'l Path,
}

/// What must live as long as a situation is played.
enum Stage {
    Peer(#[allow(dead_code)] Peer),
    Silent(#[allow(dead_code)] UdpSocket),
    Empty,
}

/// Plays every situation.
pub fn all(table: &[Situation]) -> Vec<Told> {
    let address = loopback::next();
    let (_lab, folder) = lab(table, address);
    let scene = Scene::on(Launch::default().word("--site").word("jakarta"));
    let tokyo = json!({"id": "tokyo", "name": "Tokyo", "timeZone": "Asia/Tokyo"});
    scene.api.post("/api/v2/sites", &tokyo).expect(201);
    let edge = scene.server.launch().sip().ip().to_string();
    std::thread::scope(|scope| {
        let plays: Vec<_> = table
            .iter()
            .enumerate()
            .map(|(index, situation)| {
                let (scene, edge, folder) = (&scene, edge.as_str(), folder.path());
                scope.spawn(move || play(scene, situation, index, Lab { address, folder }, edge))
            })
            .collect();
        plays.into_iter().map(|play| play.join().unwrap_or_else(|_| fault("it panicked".to_owned()))).collect()
    })
}

/// One process with a registrar for each situation that wants one.
fn lab(table: &[Situation], address: Ipv4Addr) -> (Process, TempDir) {
    let (mut text, folder) = (String::new(), tempfile::tempdir().expect("folder"));
    for (index, situation) in table.iter().enumerate() {
        let (speaks, rows, more) = match situation.at {
            At::Lab(rows, more) => ("udp", rows, more),
            At::Stream(Stream { speaks, rows, more, .. }) => (speaks, rows, more),
            At::Peer(_) | At::Nobody(_) | At::Silent | At::Uri(_) => continue,
        };
        let root = root_of(folder.path(), index);
        write!(
            text,
            "[[registrar]]\nname = \"r{index}\"\nlisten = [\"{speaks}:{address}:{}\"]\nrealm = \"{REALM}\"\nrows = {rows:?}\n\
             [registrar.tls]\nroot_file = {root:?}\n[registrar.temperament]\n{more}\n",
            port(index)
        )
        .expect("a string");
        for user in ["alice", "other-1", "other-2"] {
            write!(text, "[[registrar.account]]\nuser = \"{user}\"\npassword = \"{PASSWORD}\"\n").expect("a string");
        }
    }
    let file = folder.path().join("lab.toml");
    std::fs::write(&file, text).expect("configuration");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.arg("carrier").arg("--config").arg(&file);
    let mut process = Process::start(&command, &folder.path().join("log"));
    let last = table.iter().rposition(|situation| matches!(situation.at, At::Lab(..))).expect("a lab carrier");
    wait::until_true("the lab listens", secs(20), || {
        process.must_run();
        UdpSocket::bind((address, port(last))).is_err()
    });
    (process, folder)
}

/// The file that a registrar's authority is written to.
fn root_of(folder: &Path, index: usize) -> PathBuf {
    folder.join(format!("root-{index}.pem"))
}

fn port(index: usize) -> u16 {
    FIRST_PORT + u16::try_from(index).expect("a small table")
}

fn play(scene: &Scene, situation: &Situation, index: usize, lab: Lab<'_>, edge: &str) -> Told {
    let mut profile = parsed(situation.profile);
    let (registrar, _stage) = match situation.at {
        At::Lab(..) => (format!("sip:{}:{};transport=udp", lab.address, port(index)), Stage::Empty),
        At::Stream(Stream { asked, trusted, .. }) => {
            if trusted {
                let root = std::fs::read_to_string(root_of(lab.folder, index)).expect("the lab's root certificate");
                merge(&mut profile, &json!({"tls": {"roots": root}}));
            }
            (format!("sip:{}:{};transport={asked}", lab.address, port(index)), Stage::Empty)
        }
        At::Peer(start) => {
            let peer = start();
            (peer.uri(), Stage::Peer(peer))
        }
        At::Nobody(port) => (format!("sip:{}:{port};transport=udp", loopback::next()), Stage::Empty),
        At::Silent => {
            let socket = UdpSocket::bind((loopback::next(), 5060)).expect("a socket that nobody reads");
            (format!("sip:{};transport=udp", socket.local_addr().expect("address")), Stage::Silent(socket))
        }
        At::Uri(uri) => (uri.to_owned(), Stage::Empty),
    };
    let (id, carrier) = (format!("s{index}"), carrier_of(&format!("s{index}")));
    scene.carrier(&carrier, &registrar, &profile);
    let mut trunk = parsed(situation.trunk);
    if matches!(situation.ask, Ask::Offline) {
        merge(&mut trunk, &json!({"site": {"id": "tokyo"}}));
    }
    scene.trunk(&id, &carrier, "alice", REALM, &trunk);
    let shown = match situation.seen {
        Seen::Refused(status) => refused(&ask(scene, situation, &id), status),
        Seen::Present => {
            ask(scene, situation, &id);
            looked(scene, &id, situation.code, |json| vec![json["edges"][0]["diagnosis"].clone()])
        }
        Seen::Warned => {
            ask(scene, situation, &id);
            looked(scene, &id, situation.code, |json| json["warnings"].as_array().cloned().unwrap_or_default())
        }
    };
    match shown {
        Ok(diagnosis) => judged(
            situation,
            &diagnosis,
            &[(&registrar_address(&registrar), "REGISTRAR"), (edge, "EDGE"), (&carrier, "CARRIER"), (&id, "TRUNK")],
        ),
        Err(text) => fault(format!("{}: wanted {}, got {text}", situation.case, situation.code)),
    }
}

/// A carrier of its own for each trunk: budgets and breakers are a carrier's.
fn carrier_of(trunk: &str) -> String {
    format!("carrier-of-{trunk}")
}

/// Does what the operator does; the last answer counts.
fn ask(scene: &Scene, situation: &Situation, id: &str) -> Answer {
    let set = |trunk: &str, user: &str, more: &Value| {
        let mut body = credentials(trunk, user, PASSWORD);
        merge(&mut body["credentials"], more);
        if let Some(fields) = body["credentials"].as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
        merge(&mut body, &parsed(situation.beside));
        body
    };
    let given = set(id, "alice", &parsed(situation.credentials));
    match situation.ask {
        Ask::Set | Ask::Offline => scene.api.set_credentials(&given),
        Ask::Look => {
            let mut body = given;
            merge(&mut body, &json!({"verify": "static"}));
            scene.api.set_credentials(&body)
        }
        Ask::Post(path, body) => scene.api.post(path, &parsed(body)),
        Ask::Wrong(times) => {
            let wrong = |n: usize| scene.api.set_credentials(&set(id, "alice", &json!({"password": format!("wrong-{n}")})));
            (1..times).for_each(|n| drop(wrong(n)));
            wrong(times)
        }
        Ask::Refreshed => {
            scene.api.set_credentials(&given).expect(201);
            scene.wait_state(id, "REGISTERED");
            scene.api.post(&format!("{REGISTRATIONS}/{id}/actions/refresh"), &json!({})).expect(202)
        }
        Ask::AfterFailuresOfOthers => {
            for other in ["other-1", "other-2"] {
                let trunk = format!("{id}-{other}");
                scene.trunk(&trunk, &carrier_of(id), other, REALM, &json!({}));
                let body = set(&trunk, other, &json!({"password": "wrong-1"}));
                scene.api.set_credentials(&body).refused(422, "sip.credentials.rejected");
            }
            scene.api.set_credentials(&given)
        }
        Ask::Held => {
            scene.api.set_credentials(&given).expect(201);
            scene.wait_state(id, "REGISTERED");
            for state in ["RETRY_WAIT", "AUTH_HELD"] {
                scene.api.post(&format!("{REGISTRATIONS}/{id}/actions/refresh"), &json!({})).expect(202);
                scene.wait_state(id, state);
            }
            scene.api.post(&format!("{REGISTRATIONS}/{id}/actions/refresh"), &json!({}))
        }
    }
}

/// The diagnosis of a refusal of this status.
fn refused(answer: &Answer, status: u16) -> Result<Value, String> {
    if answer.status != status {
        return Err(answer.text.clone());
    }
    let mut diagnosis = answer.json["diagnosis"].clone();
    if diagnosis.is_null() {
        diagnosis = json!({"summary": answer.json["message"]});
    }
    diagnosis["code"] = answer.json["code"].clone();
    diagnosis["summary"] = format!("{} {}", answer.json["message"].as_str().unwrap_or_default(), diagnosis["summary"]).into();
    Ok(diagnosis)
}

/// Waits until a trunk shows the code.
fn looked(scene: &Scene, trunk: &str, code: &str, among: impl Fn(&Value) -> Vec<Value>) -> Result<Value, String> {
    let give_up = std::time::Instant::now() + secs(60);
    loop {
        let shown = scene.api.registration(trunk);
        if let Some(found) = among(&shown.json).into_iter().find(|one| one["code"] == code) {
            return Ok(found);
        }
        if std::time::Instant::now() > give_up {
            return Err(shown.text);
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

fn judged(situation: &Situation, diagnosis: &Value, words: &[(&str, &str)]) -> Told {
    let text = |name: &str| diagnosis[name].as_str().unwrap_or_default().to_owned();
    let code: Option<diagnosis::Code> = text("code").parse().ok();
    let remedy = match text("remedy") {
        none if none.is_empty() => code.map_or(String::new(), |code| code.remedy().to_owned()),
        said => said,
    };
    let complaint = if text("code") != situation.code {
        Some("another code")
    } else if !format!("{} {remedy}", diagnosis["summary"]).contains(situation.says) {
        Some("the values at hand are missing")
    } else {
        None
    };
    let plain = words.iter().fold(remedy, |text, (value, word)| if value.is_empty() { text } else { text.replace(value, word) });
    Told {
        fault: complaint
            .map(|what| format!("{}: {what}; wanted {} and {:?} in {diagnosis:#}", situation.case, situation.code, situation.says)),
        stage: code.map_or(String::new(), |code| code.stage().as_str().to_owned()),
        initiator: code.map_or(String::new(), |code| code.initiator().as_str().to_owned()),
        remedy: plain,
    }
}

fn fault(text: String) -> Told {
    Told { fault: Some(text), stage: String::new(), initiator: String::new(), remedy: String::new() }
}

/// Host and port of a registrar's URI, if it is an address of this run.
fn registrar_address(uri: &str) -> String {
    let place = uri.trim_start_matches("sip:").split(';').next().unwrap_or_default();
    if place.starts_with("127.") { place.to_owned() } else { String::new() }
}
