//! `cargo xtask prove NAME`: runs what an issue must show, with the release binary, and writes `docs/proofs/NAME.md`.
//!
//! The work is done by an ignored test of `crates/trunkline/tests/prove/` or `crates/sim/tests/prove/`, which leaves its figures in a file.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{cargo, must, output, root};
use crate::setup;

/// What can be proved, and what it shows.
const PROOFS: &[(&str, &str)] = &[
    ("registration", "Trunks register with a real Kamailio, and their credentials are set live through the API."),
    ("simulation", "The user agent in simulated worlds: many seeds of bad days, foul weather, a carrier dark for an hour, forged answers."),
    (
        "diagnosis",
        "Every refusal says who refused, where, why and what to do; an attempt can be read by others; no password is ever shown.",
    ),
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
    let figures = std::env::temp_dir().join(format!("trunkline-figures-{}", std::process::id()));
    let proved = must(
        cargo()
            .args(["test", "--release", "--package", package_of(name), "--test", "prove", "--", "--ignored", "--exact", "--nocapture"])
            .arg(format!("{name}::{name}"))
            .env("TRUNKLINE_FIGURES", &figures),
    );
    let text = fs::read_to_string(&figures);
    fs::remove_file(&figures).ok();
    proved?;
    // cargo succeeds too where no test has that name.
    let text = text.context("the proof left no figures")?;
    if Source::now()? != source {
        bail!("the sources changed while they were proved: prove {name} again, in a checkout of its own");
    }
    let page = root().join("docs/proofs").join(format!("{name}.md"));
    fs::create_dir_all(page.parent().unwrap_or(&page))?;
    fs::write(&page, format!("{}{text}", head(name, shows, &source)?)).with_context(|| page.display().to_string())?;
    println!("prove {name}: written to docs/proofs/{name}.md");
    Ok(())
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
    Ok(format!(
        "# Proof: {name}\n\n{shows}\n\n- Command: `cargo xtask prove {name}`\n- Commit: {}{changed}\n- Date: {}\n\
         - Machine: {cores} cores, loopback; release binary; Debian's Kamailio {kamailio}\n",
        source.commit,
        date.trim()
    ))
}
