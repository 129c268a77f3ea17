//! schemathesis from PyPI against a running server, with the document that the server serves.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::scene::Scene;
use super::server::{ADMIN_ID, Launch};

/// What is held to the document: no fault of the server, no status, media type, header or body that the document does not name.
const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance";

/// Where `cargo xtask setup` installs what comes from PyPI and npm: `sdk` in the target directory.
pub fn installed(name: &str) -> PathBuf {
    let binary = Path::new(env!("CARGO_BIN_EXE_trunkline"));
    let target = binary.parent().and_then(Path::parent).expect("the binary lies in a profile's directory");
    let place = target.join("sdk").join(name);
    assert!(place.exists(), "{} is missing; cargo xtask setup installs it", place.display());
    place
}

/// A server that nothing leads away from: names are not found, targets on loopback only, and whoever asks much is not slowed down.
pub fn scene() -> Scene {
    let scene = Scene::on(Launch::default().word("--rate-limit").word("100000000/60").word("--dns").word("127.0.0.1:9"));
    scene.carrier("nusantara", "sip:127.0.0.1:9;transport=udp", &serde_json::json!({"options": {"interval": 0}}));
    scene.trunk("trunk_jkt_04", "nusantara", "6221500004", "ims.carrier.co.id", &serde_json::json!({}));
    scene
}

/// What a run has done.
#[derive(Default)]
pub struct Done {
    /// Cases that were sent and answered.
    pub cases: u64,
    /// Operations that were tried.
    pub operations: BTreeSet<String>,
    /// How many answers had which status.
    pub statuses: BTreeMap<u64, u64>,
    /// Cases of the phase that goes from one answer to the next call.
    pub stateful: u64,
    /// How often an operation was answered that no edge is online, which is no fault.
    pub offline: u64,
    /// Answers of 401 although the token was sent.
    pub lost: u64,
    /// What it printed.
    pub said: String,
}

/// Runs it; `cases` for each operation at most. Panics with what it found.
pub fn run(scene: &Scene, phases: &str, cases: u32, seed: u32) -> Done {
    let http = scene.server.launch().http();
    let token = scene.api.token().to_owned();
    let folder = tempfile::Builder::new().prefix("trk").tempdir().expect("temporary folder");
    let report = folder.path().join("report.ndjson");
    let offline = folder.path().join("offline");
    std::fs::write(&offline, "").expect("a file");
    let output = Command::new(installed("python/bin/schemathesis"))
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TRUNKLINE_OWN_CLIENT", ADMIN_ID)
        .env("TRUNKLINE_OFFLINE", &offline)
        .args(["run", &format!("http://{http}/openapi.json"), "--checks", CHECKS, "--phases", phases])
        .args(["--continue-on-failure", "--no-color", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--max-examples", &cases.to_string(), "--seed", &seed.to_string(), "--workers", "1", "--request-timeout", "90"])
        // It would end the very token that it asks with.
        .args(["--exclude-operation-id", "deleteToken"])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--report", "ndjson", "--report-ndjson-path"])
        .arg(&report)
        .output()
        .expect("schemathesis runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\nserver:\n{}", scene.server.log());
    let mut done = count(&std::fs::read_to_string(&report).expect("a report"));
    done.offline = std::fs::read_to_string(&offline).expect("a file").lines().count() as u64;
    done.said = said;
    // What is refused because the run has lost its access tests nothing.
    assert_eq!(done.lost, 0, "{}", done.said);
    done
}

impl Done {
    /// Adds what another run has done.
    pub fn add(&mut self, other: Done) {
        self.cases += other.cases;
        self.stateful += other.stateful;
        self.offline += other.offline;
        self.operations.extend(other.operations);
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
    }
}

/// Counts the cases of a report.
fn count(report: &str) -> Done {
    let mut done = Done::default();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let Some(scenario) = event.get("ScenarioFinished") else { continue };
        let recorder = &scenario["recorder"];
        for sent in recorder["interactions"].as_object().into_iter().flat_map(|sent| sent.values()) {
            let Some(status) = sent["response"]["status_code"].as_u64() else { continue };
            done.cases += 1;
            done.stateful += u64::from(scenario["phase"] == "stateful");
            *done.statuses.entry(status).or_default() += 1;
            let request = &sent["request"];
            let grant = request["uri"].as_str().is_some_and(|uri| uri.contains("/oauth/token"));
            let with_token = request["headers"].get("Authorization").is_some();
            done.lost += u64::from(status == 401 && with_token && !grant);
        }
        for case in recorder["cases"].as_object().into_iter().flat_map(|cases| cases.values()) {
            let value = &case["value"];
            if let (Some(method), Some(path)) = (value["method"].as_str(), value["path"].as_str()) {
                done.operations.insert(format!("{method} {path}"));
            }
        }
    }
    done
}
