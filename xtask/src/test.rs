//! `cargo xtask test`: every suite, summed up.
//!
//! Nothing is skipped silently: a test that needs Kamailio or SIPp panics without it, and a test target of the workspace
//! that cargo did not run is a failure here.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::command::{cargo, output};
use crate::conformance::{self, Results, ended};
use crate::setup;

/// End-to-end tests wait far more than they compute (Timer F alone is 32 s), so they outnumber the cores.
pub const THREADS: &str = "8";

#[derive(clap::Args)]
pub struct Arguments {
    /// A package (`ua`), a test target (`e2e`), or `doc`; every suite if absent
    suite: Option<String>,
    /// Only tests whose name contains this
    filter: Option<String>,
    /// Further words for the test programs, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let started = Instant::now();
    let targets = Targets::read()?;
    let mut results = Vec::new();
    let mut failures = Vec::new();
    let mut tests = Results::new();
    let mut complaints = Vec::new();
    for mut command in commands(arguments, &targets)? {
        let run = stream(&mut command)?;
        complaints.extend(run.complaints);
        if !run.succeeded {
            failures.push(format!("cargo {} failed", words(&command)));
        }
        results.extend(run.suites);
        tests.extend(run.tests);
    }
    if arguments.suite.is_none() {
        failures.extend(targets.tests.iter().filter(|name| !ran(&results, name)).map(|name| format!("test target {name} did not run")));
        failures.extend(conformance::after(&tests)?);
    }
    summarise(&results, started.elapsed());
    if results.is_empty() {
        failures.push("no suite ran".to_owned());
    }
    failures.extend(results.iter().filter(|suite| !suite.ok).map(|suite| format!("{} failed", suite.name)));
    if failures.is_empty() {
        return Ok(());
    }
    // Once more at the end, which is what a log's reader sees first.
    for Complaint { test, lines } in &complaints {
        println!("\n{test} said last:");
        lines.iter().for_each(|line| println!("  {line}"));
    }
    bail!("tests failed:\n  {}", failures.join("\n  "))
}

fn commands(arguments: &Arguments, targets: &Targets) -> Result<Vec<Command>> {
    let test = |words: &[&str]| {
        let mut command = cargo();
        command.arg("test").args(words).env("RUST_TEST_THREADS", THREADS);
        if arguments.filter.is_some() || !arguments.rest.is_empty() {
            command.arg("--").args(&arguments.filter).args(&arguments.rest);
        }
        command
    };
    // `--workspace` throughout: another selection would unify features otherwise and build everything once more.
    Ok(match arguments.suite.as_deref() {
        None => vec![test(&["--workspace", "--all-targets", "--no-fail-fast"]), test(&["--workspace", "--doc", "--no-fail-fast"])],
        Some("doc") => vec![test(&["--workspace", "--doc", "--no-fail-fast"])],
        Some(name) if targets.tests.iter().any(|test| test == name) => vec![test(&["--workspace", "--test", name])],
        Some(name) if targets.packages.iter().any(|package| package == name) => {
            vec![test(&["--package", name, "--all-targets", "--no-fail-fast"])]
        }
        Some(name) => bail!("no suite {name:?}; there are doc, {}, {}", targets.packages.join(", "), targets.tests.join(", ")),
    })
}

/// The packages and integration-test targets of the workspace.
struct Targets {
    packages: Vec<String>,
    tests: Vec<String>,
}

impl Targets {
    fn read() -> Result<Self> {
        let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
        let metadata: Value = serde_json::from_str(&text).context("cargo metadata")?;
        let mut targets = Self { packages: Vec::new(), tests: Vec::new() };
        for package in metadata["packages"].as_array().into_iter().flatten() {
            targets.packages.extend(package["name"].as_str().map(str::to_owned));
            for target in package["targets"].as_array().into_iter().flatten() {
                let is_test = target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "test"));
                if is_test && target["test"] == true {
                    targets.tests.extend(target["name"].as_str().map(str::to_owned));
                }
            }
        }
        Ok(targets)
    }
}

/// One test program, and how it ended.
struct Suite {
    name: String,
    result: String,
    ok: bool,
}

struct Run {
    succeeded: bool,
    suites: Vec<Suite>,
    tests: Results,
    complaints: Vec<Complaint>,
}

/// What a failed test said last.
struct Complaint {
    test: String,
    lines: VecDeque<String>,
}

/// Lines that are kept of a failed test's output.
const COMPLAINT_LINES: usize = 40;

fn ran(suites: &[Suite], target: &str) -> bool {
    suites.iter().any(|suite| suite.name.contains(&format!("tests/{target}.rs")) || suite.name.contains(&format!("tests/{target}/")))
}

/// Runs cargo with all its output passed on, and reads off which program ended how.
fn stream(command: &mut Command) -> Result<Run> {
    println!("+ cargo {}", words(command));
    // One pipe for both: "Running" comes on standard error, "test result" on standard output, and their order counts.
    let (reader_end, writer) = std::io::pipe()?;
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn().context("cannot start cargo")?;
    // The command itself holds the last writing ends of the pipe in this process.
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut reader = Reader::default();
    for line in BufReader::new(reader_end).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        reader.line(&line);
    }
    let (tests, complaints) = (std::mem::take(&mut reader.tests), std::mem::take(&mut reader.complaints));
    Ok(Run { succeeded: child.wait()?.success(), suites: reader.suites(), tests, complaints })
}

/// Reads off cargo's output which program ended how.
#[derive(Default)]
struct Reader {
    open: Option<String>,
    ended: Vec<Suite>,
    tests: Results,
    complaints: Vec<Complaint>,
    /// Within the output of a failed test, the last of `complaints`.
    complains: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if self.complaint(line) {
            return;
        }
        let words = line.trim_start();
        if let Some(name) = words.strip_prefix("Running ").or_else(|| words.strip_prefix("Doc-tests ")) {
            self.ended.extend(self.open.take().map(unfinished));
            self.open = Some(shortened(name));
        } else if let Some(result) = words.strip_prefix("test result: ") {
            let name = self.open.take().unwrap_or_else(|| "?".to_owned());
            self.ended.push(Suite { name, ok: result.starts_with("ok"), result: result.to_owned() });
        } else if let (Some((test, passed)), Some(suite)) = (ended(line), &self.open) {
            let target = suite.split(": ").next().unwrap_or_default().to_owned();
            self.tests.insert((target, test.to_owned()), passed);
        }
    }

    /// Whether the line is of a failed test's output: what a program printed that a test ran is not cargo's word.
    fn complaint(&mut self, line: &str) -> bool {
        if let Some(test) = line.strip_prefix("---- ").and_then(|words| words.strip_suffix(" stdout ----")) {
            self.complaints.push(Complaint { test: test.to_owned(), lines: VecDeque::new() });
            self.complains = true;
        } else if line == "failures:" {
            self.complains = false;
        } else if let (true, Some(Complaint { lines, .. })) = (self.complains, self.complaints.last_mut()) {
            lines.push_back(line.to_owned());
            if lines.len() > COMPLAINT_LINES {
                lines.pop_front();
            }
        }
        self.complains
    }

    fn suites(mut self) -> Vec<Suite> {
        self.ended.extend(self.open.take().map(unfinished));
        self.ended
    }
}

fn unfinished(name: String) -> Suite {
    Suite { name, result: "ended without a result".to_owned(), ok: false }
}

/// `unittests src/lib.rs (target/debug/deps/sip-0123456789abcdef)` as `sip: unittests src/lib.rs`.
fn shortened(running: &str) -> String {
    let Some((source, program)) = running.split_once(" (") else { return running.to_owned() };
    let program = program.trim_end_matches(')').rsplit('/').next().unwrap_or_default();
    let program = program.rsplit_once('-').map_or(program, |(name, _)| name);
    format!("{program}: {source}")
}

fn summarise(suites: &[Suite], took: Duration) {
    let sum = |word: &str| suites.iter().map(|suite| count(suite, word)).sum::<u64>();
    println!("\nSuites:");
    for suite in suites.iter().filter(|suite| !suite.ok || count(suite, "passed") > 0) {
        println!("  {} {}: {}", if suite.ok { "ok    " } else { "FAILED" }, suite.name, suite.result);
    }
    println!("{} suites in {} s", suites.len(), took.as_secs());
    println!("{} passed, {} failed, {} skipped", sum("passed"), sum("failed"), sum("ignored"));
}

/// How many tests of a suite `passed`, `failed` or were `ignored`.
fn count(suite: &Suite, word: &str) -> u64 {
    let number = suite.result.split([';', '.']).map(str::trim).find_map(|part| part.strip_suffix(word));
    number.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn words(command: &Command) -> String {
    command.get_args().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_test_is_heard_and_what_it_ran_is_not_counted() {
        let mut reader = Reader::default();
        for line in [
            "     Running tests/e2e/main.rs (target/debug/deps/e2e-0123456789abcdef)",
            "test console::a_page ... FAILED",
            "failures:",
            "",
            "---- console::a_page stdout ----",
            "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "the script ended with exit status: 1",
            "",
            "failures:",
            "    console::a_page",
            "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ] {
            reader.line(line);
        }
        let [Complaint { test, lines }] = &reader.complaints[..] else { panic!("one complaint") };
        assert_eq!(test, "console::a_page");
        assert_eq!(lines[1], "the script ended with exit status: 1");
        let suites = reader.suites();
        assert_eq!((suites.len(), suites[0].ok, count(&suites[0], "failed")), (1, false, 1));
    }

    #[test]
    fn a_program_that_ended_without_a_result_has_failed() {
        let mut reader = Reader::default();
        for line in [
            "     Running unittests src/lib.rs (target/debug/deps/sip-0123456789abcdef)",
            "test message::tests::a_line_ends ... ok",
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "     Running tests/e2e/main.rs (target/debug/deps/e2e-0123456789abcdef)",
            "error: test failed, to rerun pass `-p trunkline --test e2e`",
        ] {
            reader.line(line);
        }
        assert_eq!(reader.tests, Results::from([(("sip".to_owned(), "message::tests::a_line_ends".to_owned()), true)]));
        let suites = reader.suites();
        assert_eq!(suites.iter().map(|suite| suite.ok).collect::<Vec<_>>(), [true, false]);
        assert_eq!((count(&suites[0], "passed"), count(&suites[0], "ignored")), (12, 3));
        assert!(ran(&suites, "e2e") && !ran(&suites, "prove"));
    }
}
