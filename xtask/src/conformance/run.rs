//! Runs the marked tests and no others.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Results;
use super::marks::Mark;
use crate::command::{cargo, output, root};
use crate::test::THREADS;

pub fn run(marks: &[Mark]) -> Result<Results> {
    let mut results = Results::new();
    for program in programs()? {
        let listed = output(Command::new(&program.path).args(["--list", "--format", "terse"]).current_dir(&program.folder))?;
        let tests = listed.lines().filter_map(|line| line.strip_suffix(": test"));
        let wanted: Vec<&str> = tests.filter(|path| marks.iter().any(|mark| mark.is(&program.target, path))).collect();
        if wanted.is_empty() {
            continue;
        }
        println!("conformance: {} tests of {}", wanted.len(), program.target);
        let ran = Command::new(&program.path)
            .arg("--exact")
            .args(&wanted)
            .env("RUST_TEST_THREADS", THREADS)
            .envs(&program.environment)
            .current_dir(&program.folder)
            .output()
            .with_context(|| program.path.clone())?;
        let text = String::from_utf8_lossy(&ran.stdout);
        if !ran.status.success() {
            println!("{text}{}", String::from_utf8_lossy(&ran.stderr));
        }
        results.extend(text.lines().filter_map(ended).map(|(test, passed)| ((program.target.clone(), test.to_owned()), passed)));
    }
    Ok(results)
}

/// A line that says how a test ended: `test a::b ... ok`. What was ignored did not run.
pub fn ended(line: &str) -> Option<(&str, bool)> {
    let (test, result) = line.strip_prefix("test ")?.split_once(" ... ")?;
    match result {
        "ok" => Some((test, true)),
        "FAILED" => Some((test, false)),
        _ => None,
    }
}

/// A built test program, and how cargo would run it.
struct Program {
    target: String,
    path: String,
    folder: String,
    environment: BTreeMap<String, String>,
}

fn programs() -> Result<Vec<Program>> {
    // As `cargo xtask test` builds: another selection would unify features otherwise.
    let mut build = cargo();
    build.args(["test", "--workspace", "--all-targets", "--no-run", "--message-format", "json-render-diagnostics"]);
    build.stderr(std::process::Stdio::inherit());
    let built = output(&mut build)?;
    let messages: Vec<Value> = built.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    // Integration tests find the binaries of their package by these.
    let binaries: BTreeMap<String, String> = messages
        .iter()
        .filter(|message| message["profile"]["test"] == false && message["target"]["kind"][0] == "bin")
        .filter_map(|message| Some((format!("CARGO_BIN_EXE_{}", text(&message["target"]["name"])?), text(&message["executable"])?)))
        .collect();
    let mut programs = Vec::new();
    for message in messages.iter().filter(|message| message["profile"]["test"] == true) {
        let (Some(path), Some(target), Some(manifest)) =
            (text(&message["executable"]), text(&message["target"]["name"]), text(&message["manifest_path"]))
        else {
            continue;
        };
        let folder = manifest.trim_end_matches("/Cargo.toml").to_owned();
        let mut environment = binaries.clone();
        environment.insert("CARGO_MANIFEST_DIR".to_owned(), folder.clone());
        environment.insert("CARGO".to_owned(), std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        programs.push(Program { target, path, folder, environment });
    }
    if programs.is_empty() {
        bail!("cargo built no test program in {}", root().display());
    }
    Ok(programs)
}
