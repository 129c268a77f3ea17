//! `cargo xtask prove NAME`: runs what an issue must show, with the release binary or, where assertions may find more, the one of the tests, and writes `docs/proofs/NAME.md`.
//!
//! The work is done by an ignored test of `crates/trunkline/tests/prove/` or `crates/sim/tests/prove/`, which leaves its figures in a file; of `fuzzing`, by libFuzzer.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, must, output, root};
use crate::{fuzz, setup};

/// What can be proved, and what it shows.
const PROOFS: &[(&str, &str)] = &[
    ("registration", "Trunks register with a real Kamailio, and their credentials are set live through the API."),
    ("simulation", "The user agent in simulated worlds: many seeds of bad days, foul weather, a carrier dark for an hour, forged answers."),
    (
        "diagnosis",
        "Every refusal says who refused, where, why and what to do; an attempt can be read by others; no password is ever shown.",
    ),
    (
        "durability",
        "A thousand times killed with SIGKILL under a mixed load of changes: every acknowledged change is there, none by half, the audit chain whole.",
    ),
    (
        "schemathesis",
        "Every answer of the running server is as the document says that it serves: 20,000 cases made up by schemathesis, in part from answers before, without an answer of 5xx.",
    ),
    ("fuzzing", "A million inputs made up by libFuzzer for each target of `fuzz/`, without a finding."),
];

#[derive(clap::Args)]
pub struct Arguments {
    /// Which proof
    name: String,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let name = arguments.name.as_str();
    let Some((_, shows)) = PROOFS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = PROOFS.iter().map(|(known, _)| *known).collect();
        bail!("no proof {name:?}; there are {}", known.join(", "));
    };
    setup::run()?;
    // Before the build: what is proved is what lies here now.
    let source = Source::now()?;
    let text = match name {
        "fuzzing" => fuzzing()?,
        _ => tested(name)?,
    };
    if Source::now()? != source {
        bail!("the sources changed while they were proved: prove {name} again, in a checkout of its own");
    }
    let page = root().join("docs/proofs").join(format!("{name}.md"));
    fs::create_dir_all(page.parent().unwrap_or(&page))?;
    fs::write(&page, format!("{}{text}", head(name, shows, &source)?)).with_context(|| page.display().to_string())?;
    println!("prove {name}: written to docs/proofs/{name}.md");
    Ok(())
}

/// How many inputs each fuzz target runs.
const FUZZ_RUNS: u64 = 1_000_000;

fn fuzzing() -> Result<String> {
    let mut text =
        String::from("\n| target | executions | seconds | edges reached | committed corpus | findings |\n|---|---|---|---|---|---|\n");
    for fuzz::Figures { target, executions, took, edges, corpus } in fuzz::all(None, fuzz::Until::Runs(FUZZ_RUNS), None)? {
        if executions < FUZZ_RUNS {
            bail!("{target} ran {executions} inputs only");
        }
        text.push_str(&format!("| `{target}` | {executions} | {} | {edges} | {corpus} inputs | none |\n", took.as_secs()));
    }
    Ok(text)
}

/// The figures that an ignored test of `crates/trunkline/tests/prove/` leaves.
fn tested(name: &str) -> Result<String> {
    let figures = std::env::temp_dir().join(format!("trunkline-figures-{}", std::process::id()));
    let mut test = cargo();
    test.arg("test");
    if !asserts(name) {
        test.arg("--release");
    }
    let proved = must(
        test.args(["--package", package_of(name), "--test", "prove", "--", "--ignored", "--exact", "--nocapture"])
            .arg(format!("{name}::{name}"))
            .env("TRUNKLINE_FIGURES", &figures),
    );
    let text = fs::read_to_string(&figures);
    fs::remove_file(&figures).ok();
    proved?;
    // cargo succeeds too where no test has that name.
    text.context("the proof left no figures")
}

/// Whether a proof is of the binary with its assertions and overflow checks on: what they find is an answer of 500.
fn asserts(name: &str) -> bool {
    name == "schemathesis"
}

/// Where the test of a proof lies: that of the simulation needs no server.
fn package_of(name: &str) -> &'static str {
    if name == "simulation" { "sim" } else { "trunkline" }
}

/// Which sources a proof is of.
#[derive(PartialEq, Eq)]
struct Source {
    commit: String,
    changes: String,
}

impl Source {
    fn now() -> Result<Self> {
        let git = |words: &[&str]| output(Command::new("git").args(words).current_dir(root()));
        // The page itself is what a proof writes: it is no change of the sources.
        let changes = git(&["diff", "HEAD", "--", ".", ":!docs/proofs"])?;
        Ok(Self { commit: git(&["rev-parse", "HEAD"])?.trim().to_owned(), changes })
    }
}

fn head(name: &str, shows: &str, source: &Source) -> Result<String> {
    let changed = if source.changes.is_empty() { "" } else { " and uncommitted changes" };
    let date = output(Command::new("date").args(["-u", "+%F %H:%M UTC"]))?;
    let kamailio = output(Command::new("dpkg-query").args(["-W", "-f", "${Version}", "kamailio"]))?;
    let cores = std::thread::available_parallelism()?;
    let binary = if asserts(name) { "binary with its assertions on" } else { "release binary" };
    Ok(format!(
        "# Proof: {name}\n\n{shows}\n\n- Command: `cargo xtask prove {name}`\n- Commit: {}{changed}\n- Date: {}\n\
         - Machine: {cores} cores, loopback; {binary}; Debian's Kamailio {kamailio}\n",
        source.commit,
        date.trim()
    ))
}
