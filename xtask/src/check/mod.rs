//! `cargo xtask check`: what must hold besides the tests.

mod arrows;
mod codes;
mod paths;
mod purity;
pub mod sources;
mod tracked;

use anyhow::{Result, bail};

use crate::command::{cargo, must};

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these checks; all if absent
    names: Vec<String>,
}

/// What a check found: one line for each fault, naming the place and what to do.
type Faults = Vec<String>;

type Check = (&'static str, fn() -> Result<Faults>);

const CHECKS: &[Check] = &[
    ("fmt", format),
    ("length", sources::length),
    ("tracked", tracked::check),
    ("paths", paths::check),
    ("arrows", arrows::check),
    ("codes", codes::check),
    ("conformance", crate::conformance::check),
    ("purity", purity::check),
    ("clippy", clippy),
];

/// Runs every check, even after one has failed, and fails if any did.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(name) = arguments.names.iter().find(|name| !CHECKS.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = CHECKS.iter().map(|(known, _)| *known).collect();
        bail!("no check {name:?}; there are {}", known.join(", "));
    }
    let mut failed = Vec::new();
    for (name, check) in CHECKS {
        if !arguments.names.is_empty() && !arguments.names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let faults = check().unwrap_or_else(|error| vec![format!("{error:#}")]);
        println!("check {name}: {}", if faults.is_empty() { "ok" } else { "FAILED" });
        for fault in &faults {
            println!("  {fault}");
        }
        if !faults.is_empty() {
            failed.push(*name);
        }
    }
    if failed.is_empty() {
        return Ok(());
    }
    bail!("failed checks: {}", failed.join(", "))
}

fn format() -> Result<Faults> {
    must(cargo().args(["fmt", "--all", "--check"]))?;
    Ok(Faults::new())
}

fn clippy() -> Result<Faults> {
    must(cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]))?;
    Ok(Faults::new())
}
