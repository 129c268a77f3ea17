//! schemathesis from PyPI against a running server, with the document that the server serves.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::scene::Scene;
use super::server::Launch;

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
pub struct Done {
    /// Cases that were sent.
    pub cases: u64,
    /// Operations that were tried.
    pub operations: u64,
    /// What it printed.
    pub said: String,
}

/// Runs it; `cases` for each operation at most. Panics with what it found.
pub fn run(scene: &Scene, phases: &str, cases: u32, seed: u32) -> Done {
    let http = scene.server.launch().http();
    let token = scene.api.token().to_owned();
    let folder = tempfile::Builder::new().prefix("trk").tempdir().expect("temporary folder");
    let report = folder.path().join("report.ndjson");
    let output = Command::new(installed("python/bin/schemathesis"))
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args([
            "run",
            &format!("http://{http}/openapi.json"),
            "--checks",
            CHECKS,
            "--phases",
            phases,
            "--continue-on-failure",
            "--no-color",
        ])
        .args(["--max-examples", &cases.to_string(), "--seed", &seed.to_string(), "--workers", "2", "--request-timeout", "60"])
        // It would end the very token that it asks with.
        .args(["--exclude-operation-id", "deleteToken", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--header", &format!("Authorization: Bearer {token}"), "--report", "ndjson", "--report-ndjson-path"])
        .arg(&report)
        .output()
        .expect("schemathesis runs");
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    let (cases, operations) = count(&std::fs::read_to_string(&report).expect("a report"));
    Done { cases, operations, said }
}

/// Counts the cases of a report.
fn count(report: &str) -> (u64, u64) {
    let mut cases = 0;
    let mut operations = std::collections::BTreeSet::new();
    for line in report.lines() {
        let event: Value = serde_json::from_str(line).expect("JSON");
        let Some(recorder) = event.pointer("/ScenarioFinished/recorder") else { continue };
        let Some(sent) = recorder["interactions"].as_object() else { continue };
        cases += sent.len() as u64;
        if let Some(label) = recorder["label"].as_str() {
            operations.insert(label.to_owned());
        }
    }
    (cases, operations.len() as u64)
}
