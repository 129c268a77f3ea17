//! A thousand passwords, each set somewhere through every door that takes one, and looked for wherever anything is written down.

use std::path::Path;

use serde_json::{Value, json};

use crate::figures::Figures;
use crate::support::api::{Answer, REGISTRATIONS};
use crate::support::canaries::{Canary, Searcher};
use crate::support::capture::{Capture, payloads};
use crate::support::digest::Algorithm;
use crate::support::event_stream::EventStream;
use crate::support::kamailio::{Kamailio, Options};
use crate::support::scene::{Scene, credentials, merge};
use crate::support::server::Launch;
use crate::support::verifier::Verifier;

/// Through which door a password goes, and how many.
const DOORS: [(&str, usize); 13] = [
    ("bulk import, MD5", 300),
    ("bulk import, SHA-256", 300),
    ("bulk import, live", 20),
    ("POST live, right", 80),
    ("POST live, wrong", 60),
    ("POST static, right", 80),
    ("POST static, wrong", 20),
    ("verify of a trunk", 40),
    ("verify of no trunk", 30),
    ("`trunkline verify`", 20),
    ("refused for its form", 30),
    ("HA1 in place of a password", 10),
    ("standby", 10),
];

/// The breaker holds new secrets after five failures at a carrier in a minute: the wrong ones go to carriers of five.
const WRONG_PER_CARRIER: usize = 4;

struct World {
    md5: Kamailio,
    sha256: Kamailio,
    scene: Scene,
    searcher: Searcher,
    doors: Vec<(&'static str, Vec<Canary>)>,
}

/// Sets them all, walks through everything, and finds none.
pub fn nowhere(figures: &mut Figures) {
    figures.section("1,000 canary passwords");
    let launch = Launch::default().logging("trace");
    let folder = tempfile::tempdir().expect("folder");
    let (http, sip) = (launch.http(), launch.sip());
    let filter =
        format!("(tcp and src host {} and src port {}) or (udp and host {} and port {})", http.ip(), http.port(), sip.ip(), sip.port());
    let capture = Capture::start(folder.path(), &filter);
    let mut world = World::new(launch);
    world.positive_control(figures);
    for index in 0..world.doors.len() {
        let (door, canaries) = world.doors[index].clone();
        world.through(door, &canaries);
        figures.row(door, canaries.len());
    }
    let attempts = world.walk();
    let files = world.files();
    for kind in ["-wal", "state"] {
        assert!(files.iter().any(|name| name.contains(kind)), "a {kind} among {files:?}");
    }
    world.scene.server.stop();
    world.files();
    for stream in payloads(&capture.finish()) {
        world.searcher.search("captured SIP, and answers of the API on the wire", "the wire", &stream);
    }
    let log = world.scene.server.log();
    world.searcher.search("log at trace level", "the log", log.as_bytes());
    figures.row("files of the data directory", files.join(", "));
    figures.row("attempts, each read as JSON, ladder, report and pcapng", attempts);
    for (kind, pieces, bytes) in world.searcher.read() {
        figures.row(&format!("searched: {kind}"), format!("{bytes} bytes in {pieces} pieces"));
    }
    figures.row("hits", world.searcher.hits().len());
    assert_eq!(world.searcher.hits(), []);
    assert!(attempts >= 1_000, "{attempts} attempts");
}

impl World {
    fn new(launch: Launch) -> Self {
        let md5 = Kamailio::md5();
        let sha256 = Kamailio::start(Options { algorithm: Algorithm::Sha256, realm: "sha.kamailio.test".to_owned(), ..Options::default() });
        let scene = Scene::on(launch);
        let pacing = json!({"pacing": {"registersPerSecond": 500, "inFlight": 100}});
        scene.carrier("md5", &md5.uri(), &pacing);
        scene.carrier("sha256", &sha256.uri(), &pacing);
        let mut numbers = 0..;
        let doors: Vec<(&'static str, Vec<Canary>)> = DOORS
            .iter()
            .map(|(door, count)| (*door, numbers.by_ref().take(*count).map(|number: usize| Canary::of(&format!("k{number:04}"))).collect()))
            .collect();
        let all: Vec<Canary> = doors.iter().flat_map(|(_, canaries)| canaries.clone()).collect();
        assert_eq!(all.len(), 1_000);
        let searcher = Searcher::new(&all, &[md5.realm(), sha256.realm()]);
        Self { md5, sha256, scene, searcher, doors }
    }

    /// The search finds every form of every canary that is planted; a search that finds nothing proves nothing.
    fn positive_control(&self, figures: &mut Figures) {
        let mut planted = 0;
        for canary in self.doors.iter().flat_map(|(_, canaries)| canaries) {
            for (form, text) in canary.forms(&[self.md5.realm(), self.sha256.realm()]) {
                assert!(self.searcher.find(&text).contains(&(canary.username.as_str(), form)), "{} as {form}", canary.username);
                planted += 1;
            }
        }
        assert_eq!(planted, self.searcher.patterns());
        figures.row("forms looked for: raw, base64, hex, URL, JSON, debug, UTF-16, HA1 by algorithm and realm", planted);
        figures.row("of these found where they were planted", planted);
    }

    fn keep(&mut self, what: &str, answer: Answer) -> Answer {
        self.searcher.search("answers of the API", what, &answer.bytes);
        for (name, value) in &answer.headers {
            self.searcher.search("headers of these", name, value.as_bytes());
        }
        answer
    }

    fn through(&mut self, door: &'static str, canaries: &[Canary]) {
        match door {
            "bulk import, MD5" => self.bulk(canaries, false, &json!({})),
            "bulk import, SHA-256" => self.bulk(canaries, true, &json!({})),
            "bulk import, live" => self.bulk(canaries, false, &json!({"verify": "live"})),
            "`trunkline verify`" => self.stand_alone(canaries),
            _ => canaries.iter().enumerate().for_each(|(index, canary)| self.one(door, index, canary)),
        }
    }

    fn bulk(&mut self, canaries: &[Canary], sha256: bool, more: &Value) {
        let (kamailio, carrier) = if sha256 { (&self.sha256, "sha256") } else { (&self.md5, "md5") };
        let mut body = String::new();
        for canary in canaries {
            kamailio.add_user(&canary.username, &canary.password);
            let user = &canary.username;
            let mut line = json!({
                "trunk": {"id": user, "name": user, "site": {"id": "jakarta"}, "carrier": {"id": carrier},
                          "addressOfRecord": format!("sip:{user}@{}", kamailio.realm()), "inService": true},
                "credentials": {"username": user, "password": canary.password}
            });
            merge(&mut line, more);
            body += &(line.to_string() + "\n");
        }
        // What is sent holds them, and the search sees that.
        let found: std::collections::HashSet<&str> = self.searcher.find(body.as_bytes()).into_iter().map(|(name, _)| name).collect();
        assert_eq!(found.len(), canaries.len());
        let headers = [("Content-Type", "application/x-ndjson"), ("Accept", "application/x-ndjson")];
        let answer = self.scene.api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, body.as_bytes()).expect(200);
        assert_eq!(answer.text.matches("\"status\":201").count(), canaries.len(), "{}", answer.text);
        self.keep("bulk", answer);
        for canary in canaries {
            self.scene.wait_state(&canary.username, "REGISTERED");
        }
    }

    fn one(&mut self, door: &str, index: usize, canary: &Canary) {
        let (user, password) = (canary.username.as_str(), canary.password.as_str());
        let wrong = door.ends_with("wrong");
        self.md5.add_user(user, if wrong { "another-Secret" } else { password });
        let carrier = if wrong {
            format!("{}-{}", if door.contains("live") { "live" } else { "static" }, index / WRONG_PER_CARRIER)
        } else {
            "md5".to_owned()
        };
        if wrong && index.is_multiple_of(WRONG_PER_CARRIER) {
            self.scene.carrier(&carrier, &self.md5.uri(), &json!({}));
        }
        let registrars = json!([self.md5.uri()]);
        let realm = self.md5.realm().to_owned();
        let api = self.scene.api.clone();
        if door != "verify of no trunk" {
            self.scene.trunk(user, &carrier, user, &realm, &json!({}));
        }
        let mut body = credentials(user, user, password);
        match door {
            "POST live, right" => {
                let answer = api.call("POST", REGISTRATIONS, Some(&body), &[("Prefer", "wait=40"), ("Idempotency-Key", user)]);
                self.keep(door, answer.expect(201));
                let again = api.call("POST", REGISTRATIONS, Some(&body), &[("Prefer", "wait=40"), ("Idempotency-Key", user)]);
                self.keep(door, again.expect(201));
                self.scene.wait_state(user, "REGISTERED");
                if index < 20 {
                    // Traced refreshes are kept as attempts too.
                    self.keep(door, api.post(&format!("{REGISTRATIONS}/{user}/actions/trace"), &json!({"minutes": 5})).expect(202));
                    self.keep(door, api.post(&format!("{REGISTRATIONS}/{user}/actions/refresh"), &json!({})).expect(202));
                }
            }
            "POST live, wrong" => {
                self.keep(door, api.set_credentials(&body).refused(422, "sip.credentials.rejected"));
            }
            "POST static, right" => {
                merge(&mut body, &json!({"verify": "static"}));
                self.keep(door, api.set_credentials(&body).expect(201));
                self.scene.wait_state(user, "REGISTERED");
            }
            "POST static, wrong" => {
                merge(&mut body, &json!({"verify": "static"}));
                self.keep(door, api.set_credentials(&body).expect(201));
                let refused = |json: &Value| json["edges"][0]["diagnosis"]["code"] == "sip.credentials.rejected";
                let shown = self.scene.wait_registration(user, "refused", refused);
                self.keep(door, shown);
            }
            "verify of a trunk" => {
                let given = json!({"credentials": {"username": user, "password": password}});
                self.keep(door, api.post(&format!("{REGISTRATIONS}/{user}/verify"), &given).expect(200));
                let learn = json!({"challengeOnly": true});
                self.keep(door, api.post(&format!("{REGISTRATIONS}/{user}/verify"), &learn).expect(200));
            }
            "verify of no trunk" => {
                let given = json!({"registrars": registrars, "addressOfRecord": format!("sip:{user}@{realm}"),
                                   "credentials": {"username": user, "password": password}});
                self.keep(door, api.post(&format!("{REGISTRATIONS}/verify"), &given).expect(200));
            }
            "refused for its form" => self.malformed(canary, index),
            "HA1 in place of a password" => {
                let ha1 = Algorithm::Md5.ha1(user, &realm, password);
                let hashed = json!({"trunkId": user, "credentials": {"username": user, "realm": realm, "ha1": {"MD5": ha1}}});
                self.keep(door, api.set_credentials(&hashed).expect(201));
            }
            "standby" => {
                self.md5.set_password(user, "before-Secret-1");
                self.keep(door, api.set_credentials(&credentials(user, user, "before-Secret-1")).expect(201));
                merge(&mut body, &json!({"standby": true}));
                let answer = api.set_credentials(&body);
                assert!((200..300).contains(&answer.status), "{}", answer.text);
                self.keep(door, answer);
            }
            other => panic!("no door {other}"),
        }
    }

    /// Each way in which a body that holds a password is refused for its form.
    fn malformed(&mut self, canary: &Canary, index: usize) {
        let (user, password) = (canary.username.as_str(), canary.password.as_str());
        let api = self.scene.api.clone();
        let mut body = credentials(user, user, password);
        let refused = match index % 5 {
            0 => api.set_credentials(&credentials(user, user, &format!("{password}\u{a0}"))),
            1 => {
                merge(&mut body["credentials"], &json!({"pasword": password}));
                api.set_credentials(&body)
            }
            2 => {
                let half = body.to_string().replace("}}", ", ");
                let half = format!("{}, \"password\": {}", half.trim_end_matches('}'), json!(password));
                api.raw("POST", REGISTRATIONS, &[("Content-Type", "application/json")], half.as_bytes())
            }
            3 => {
                merge(&mut body["credentials"], &json!({"algorithm": password, "realm": password, "username": password}));
                api.set_credentials(&body)
            }
            _ => api.set_credentials(&json!({"trunkId": user, "credentials": {"username": user, "password": [password]}})),
        };
        assert_eq!(refused.status, 400, "{}", refused.text);
        self.keep("a refusal of form", refused);
    }

    fn stand_alone(&mut self, canaries: &[Canary]) {
        let (uri, realm) = (self.md5.uri(), self.md5.realm().to_owned());
        for (index, canary) in canaries.iter().enumerate() {
            let right = index % 2 == 0;
            self.md5.add_user(&canary.username, if right { &canary.password } else { "another-Secret" });
            let aor = format!("sip:{}@{realm}", canary.username);
            let mut words = vec![uri.as_str(), "--user", &canary.username, "--aor", &aor];
            if index % 4 < 2 {
                words.push("--json");
            }
            let said = Verifier::of(&words).password(&canary.password).env("RUST_LOG", "trace").run().ended(if right { 0 } else { 14 });
            for text in [&said.out, &said.err] {
                self.searcher.search("what `trunkline verify` says, RUST_LOG=trace", "trunkline verify", text.as_bytes());
            }
        }
    }

    /// Every page that tells something; gives how many attempts there were.
    fn walk(&mut self) -> usize {
        let mut paths =
            vec!["/metrics".to_owned(), "/api/v2/organization".to_owned(), format!("{REGISTRATIONS}/verify/attempts?pageSize=500")];
        for path in [
            REGISTRATIONS,
            "/api/v2/audits",
            "/api/v2/carriers",
            "/api/v2/trunks/voice",
            "/api/v2/oauth/clients",
            "/api/v2/edges",
            "/api/v2/diagnoses",
            "/api/v2/events",
            "/api/v2/webhooks",
        ] {
            paths.extend((1..=10).map(|page| format!("{path}?pageSize=500&pageNumber={page}")));
        }
        let users: Vec<String> =
            self.doors.iter().flat_map(|(_, canaries)| canaries.iter().map(|canary| canary.username.clone())).collect();
        for user in &users {
            let base = format!("{REGISTRATIONS}/{user}");
            paths.extend(["", "/credentials", "/credentials/1", "/credentials/2"].map(|rest| format!("{base}{rest}")));
        }
        for path in paths {
            let answer = self.scene.api.get(&path);
            self.keep(&path, answer);
        }
        // The same events as a stream, from the first to the last of the log.
        let newest =
            self.scene.api.get("/api/v2/events?pageSize=1").expect(200).json["entities"][0]["id"].as_str().expect("an id").to_owned();
        let stream = EventStream::open(&self.scene.api, self.scene.server.launch().http(), "1-0");
        let text = stream.until("the newest event", |text| text.contains(&format!("id: {newest}\n")));
        self.searcher.search("the stream of events", "/api/v2/events", text.as_bytes());
        let mut attempts = 0;
        let bases = users.iter().map(|user| format!("{REGISTRATIONS}/{user}/attempts"));
        for base in bases.chain([format!("{REGISTRATIONS}/verify/attempts")]) {
            let listed = self.scene.api.get(&format!("{base}?pageSize=100"));
            for attempt in listed.json["entities"].as_array().into_iter().flatten() {
                let id = attempt["id"].as_str().expect("an id");
                for export in ["", "/ladder", "/report", "/pcapng"] {
                    let path = format!("{base}/{id}{export}");
                    let answer = self.scene.api.get(&path).expect(200);
                    assert!(!answer.bytes.is_empty(), "{path}");
                    self.searcher.search("attempts and their exports", &path, &answer.bytes);
                }
                attempts += 1;
            }
            self.keep(&base, listed);
        }
        attempts
    }

    /// The data directory as it lies there; gives the names of its files.
    fn files(&mut self) -> Vec<String> {
        let data = self.scene.server.launch().data().to_owned();
        self.searcher.search_under("files of the data directory, running and stopped", &data);
        let mut names = Vec::new();
        name_all(&data, &mut names);
        names.sort();
        names
    }
}

fn name_all(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).expect("folder").flatten() {
        match entry.path() {
            path if path.is_dir() => name_all(&path, names),
            _ => names.push(entry.file_name().to_string_lossy().into_owned()),
        }
    }
}
