//! The test programs of the woven package: built once, run many times.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{patience, processor_seconds};
use crate::command::output;

/// So many cases of each property.
const PROPERTY_CASES: &str = "12";
/// A mutant that takes more memory is stopped, and counts as noticed.
const MEMORY_KB_MAX: &str = "2000000";
/// Of the other package's tests those are asked that take no longer than this: there are many mutants to ask them about.
const OTHER_MAX: Duration = Duration::from_secs(20);
/// A test that takes longer is asked after all others.
const SLOW: Duration = Duration::from_secs(1);
/// What ends a program whose processor time is spent.
const SIGXCPU: i32 = 24;

/// What came of a mutant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Outcome {
    Caught,
    TimedOut,
    /// By a test of the other package alone.
    CaughtByOther,
    Missed,
}

/// What cargo made of a woven tree.
pub struct Built {
    pub programs: Vec<Program>,
    /// File, line and message of each place that an error names.
    pub errors: Vec<(String, usize, String)>,
}

/// A test program, and the package that it is of.
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    /// It is asked about what the package's own tests did not notice.
    other: bool,
}

pub fn build(tree: &Path, target: &Path, package: &str, other: Option<&str>) -> Result<Built> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["test", "--locked", "--no-run", "--message-format", "json", "--package", package]).current_dir(tree);
    command.args(other.iter().flat_map(|other| ["--package", other]));
    command.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
    // Of the workspace's own only: what comes from a registry is built as anywhere. Woven, the package is too large to be optimised.
    for (own, level) in [(package, 0), ("sip", 1)].into_iter().chain(other.map(|other| (other, 1))) {
        for setting in [format!("opt-level={level}"), "debug=0".to_owned()] {
            command.args(["--config", &format!("profile.dev.package.{own}.{setting}")]);
        }
    }
    let output = command.stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    let mut built = Built { programs: Vec::new(), errors: Vec::new() };
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else { continue };
        match message["reason"].as_str() {
            Some("compiler-message") if message["message"]["level"] == "error" => {
                let text = message["message"]["message"].as_str().unwrap_or_default();
                for span in message["message"]["spans"].as_array().into_iter().flatten().filter(|span| span["is_primary"] == true) {
                    places(span, text, &mut built.errors);
                }
            }
            Some("compiler-artifact") if message["profile"]["test"] == true => {
                let of = |name: &str| message["package_id"].as_str().is_some_and(|id| id.contains(&format!("/crates/{name}#")));
                let other = other.filter(|other| of(other));
                built.programs.extend(message["executable"].as_str().map(|path| Program {
                    path: path.into(),
                    folder: tree.join("crates").join(other.unwrap_or(package)),
                    other: other.is_some(),
                }));
            }
            _ => {}
        }
    }
    if !output.status.success() && built.errors.is_empty() {
        bail!("cargo ended with {} and named no error", output.status);
    }
    built.errors.sort();
    built.errors.dedup();
    Ok(built)
}

/// The place of an error, and those of the macros that it comes from.
fn places(span: &Value, text: &str, errors: &mut Vec<(String, usize, String)>) {
    if let (Some(file), Some(line)) = (span["file_name"].as_str(), span["line_start"].as_u64()) {
        errors.push((file.to_owned(), usize::try_from(line).unwrap_or(0), text.to_owned()));
    }
    if span["expansion"].is_object() {
        places(&span["expansion"]["span"], text, errors);
    }
}

/// A test: its program, its name, how long it takes.
#[derive(Clone)]
pub struct Test {
    program: usize,
    name: String,
    took: Duration,
}

pub struct Programs {
    programs: Vec<Program>,
    tests: Vec<Test>,
    trace: PathBuf,
}

impl Programs {
    /// All tests but those whose name contains one of `skip`.
    pub fn new(programs: Vec<Program>, skip: &[String], place: &Path) -> Result<Self> {
        let mut tests = Vec::new();
        for (at, program) in programs.iter().enumerate() {
            let list = |more: &[&str]| {
                output(Command::new(&program.path).args(["--list", "--format", "terse"]).args(more).current_dir(&program.folder))
            };
            let (all, ignored) = (list(&[])?, list(&["--ignored"])?);
            let names = |text: &str| text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect::<Vec<_>>();
            let ignored = names(&ignored);
            let asked = |name: &String| !ignored.contains(name) && !skip.iter().any(|part| name.contains(part.as_str()));
            let names = names(&all).into_iter().filter(asked);
            tests.extend(names.map(|name| Test { program: at, name, took: Duration::ZERO }));
        }
        Ok(Self { programs, tests, trace: place.join("trace") })
    }

    pub fn count(&self) -> usize {
        self.tests.len()
    }

    /// The tests that reach each function, the quickest first.
    pub fn learn(&self) -> Result<BTreeMap<usize, Vec<Test>>> {
        let mut reached: BTreeMap<usize, Vec<Test>> = BTreeMap::new();
        for test in &self.tests {
            fs::remove_file(&self.trace).ok();
            let started = Instant::now();
            let mut command = self.command(test.program, &[test]);
            let status = command.env("MUTANT_TRACE", &self.trace).status()?;
            let other = self.programs[test.program].other;
            if other && (status.signal() == Some(SIGXCPU) || started.elapsed() > OTHER_MAX) {
                continue;
            }
            if !status.success() {
                bail!("{} fails without a mutant", test.name);
            }
            let test = Test { took: started.elapsed(), ..test.clone() };
            for function in fs::read_to_string(&self.trace).unwrap_or_default().lines().filter_map(|line| line.parse().ok()) {
                reached.entry(function).or_default().push(test.clone());
            }
        }
        reached.values_mut().for_each(|tests| tests.sort_by_key(|test| test.took));
        Ok(reached)
    }

    /// Runs the tests that may notice a mutant until one does; those of the other package last.
    pub fn attempt(&self, index: usize, tests: &[Test], first: usize) -> Result<Outcome> {
        let (own, other): (Vec<&Test>, Vec<&Test>) = tests.iter().partition(|test| !self.programs[test.program].other);
        let (quick, more) = own.split_at(first.min(own.len()));
        let (more, slow) = more.split_at(more.partition_point(|test| test.took < SLOW));
        for tests in [quick, more, slow] {
            match self.run(index, tests)? {
                Outcome::Missed => {}
                noticed => return Ok(noticed),
            }
        }
        Ok(match self.run(index, &other)? {
            Outcome::Missed => Outcome::Missed,
            Outcome::Caught | Outcome::TimedOut | Outcome::CaughtByOther => Outcome::CaughtByOther,
        })
    }

    fn run(&self, index: usize, tests: &[&Test]) -> Result<Outcome> {
        for program in 0..self.programs.len() {
            let own: Vec<&Test> = tests.iter().copied().filter(|test| test.program == program).collect();
            if own.is_empty() {
                continue;
            }
            let usual = own.iter().map(|test| test.took).sum();
            let mut command = self.command(program, &own);
            let mut child = command.env("MUTANT", (index + 1).to_string()).spawn()?;
            let started = Instant::now();
            let status = loop {
                if let Some(status) = child.try_wait()? {
                    break Some(status);
                }
                if started.elapsed() > patience(usual) {
                    child.kill()?;
                    child.wait()?;
                    break None;
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            match status {
                None => return Ok(Outcome::TimedOut),
                Some(status) if status.signal() == Some(SIGXCPU) => return Ok(Outcome::TimedOut),
                Some(status) if !status.success() => return Ok(Outcome::Caught),
                Some(_) => {}
            }
        }
        Ok(Outcome::Missed)
    }

    fn command(&self, program: usize, tests: &[&Test]) -> Command {
        let mut command = Command::new("sh");
        let seconds = processor_seconds(tests.iter().map(|test| test.took).sum());
        let limits = format!("ulimit -v {MEMORY_KB_MAX}; ulimit -t {seconds}; exec \"$0\" \"$@\"");
        let Program { path, folder, .. } = &self.programs[program];
        command.args(["-c", &limits]).arg(path);
        command.args(["--exact", "--test-threads", "1"]).args(tests.iter().map(|test| &test.name));
        command.current_dir(folder).env("PROPTEST_CASES", PROPERTY_CASES).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }
}
