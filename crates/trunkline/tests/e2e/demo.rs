//! `trunkline serve --demo` tells the story, and each line that it prints does what it says.

use std::process::Command;
use std::time::Instant;

use crate::support::process::Process;
use crate::support::server::Launch;
use crate::support::wait::{self, secs};

#[test]
fn the_demo_comes_up_and_each_line_does_what_it_says() {
    let launch = Launch::default();
    let folder = tempfile::tempdir().expect("folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
    command.args(["serve", "--demo", "--http", &launch.http().to_string()]).current_dir(folder.path());
    let started = Instant::now();
    let mut process = Process::start(&command, &folder.path().join("log"));
    let lines = wait::until("the demo prints its lines", secs(30), || {
        process.must_run();
        let lines = curl_lines(&process.log());
        (lines.len() >= 7).then_some(lines)
    });
    let api = crate::support::api::Api::anonymous(launch.http());
    wait::until_true("the demo is ready", secs(30), || api.send("GET", "/health/ready", &[], b"").is_ok_and(|answer| answer.status == 200));
    assert!(started.elapsed() < secs(20), "it took {:?}", started.elapsed());

    let script = lines.join("\n");
    let output = Command::new("sh").arg("-euc").arg(&script).output().expect("sh");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}\n{told}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    for code in ["sip.algorithm.not_allowed", "sip.credentials.rejected", "sip.realm.mismatch"] {
        assert!(told.contains(code), "{code} is in the story: {told}");
    }
    assert!(told.contains("trunk_jkt_04") && told.contains("REGISTERED"), "{told}");
}

/// The commands of the walk, with their continuation lines.
fn curl_lines(log: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut open = false;
    for line in log.lines() {
        let words = line.trim().trim_start_matches("$ ");
        if open {
            let last = commands.last_mut().expect("an open command");
            last.push('\n');
            last.push_str(words);
        } else if words.starts_with("curl ") || words.contains("=$(curl ") {
            commands.push(words.to_owned());
        } else {
            continue;
        }
        open = words.ends_with('\\');
    }
    commands
}
