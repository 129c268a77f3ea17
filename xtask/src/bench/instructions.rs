//! `cargo xtask bench instructions`: what a refresh and a challenged cycle cost the user agent in instructions, against what they cost before.
//!
//! Instructions are the same on every machine and beside every load, where times are not. They belong to a compiler and a processor's
//! features all the same: after a change of either, `--update` takes what is counted now for the measure.
//!
//! Counted is what one more costs: the difference of a long run and a short one, so that neither a start nor a first refresh, which goes the
//! long way, is in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command::{cargo, must, root};

/// So much more than before is let pass, in hundredths: the order of a hash map is drawn anew each time.
const TOLERANCE: u64 = 5;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many registrations
    #[arg(long, default_value_t = 500)]
    trunks: u32,
    /// How many refreshes are counted, after two of each registration
    #[arg(long, default_value_t = 2_000)]
    refreshes: u64,
    /// Take what is counted for what is compared with from now on
    #[arg(long)]
    update: bool,
    /// Keep callgrind's files there, to be read with `callgrind_annotate`
    #[arg(long)]
    keep: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    must(cargo().args(["build", "--quiet", "--release", "-p", "sim", "--example", "instructions"]))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    let program = target.join("release/examples/instructions");
    let counted = [("refresh", None), ("challenged_cycle", Some("never"))]
        .into_iter()
        .map(|(name, word)| Ok((name, count(arguments, &program, name, word)?)))
        .collect::<Result<Vec<(&str, u64)>>>()?;
    let file = root().join("docs/proofs/instructions.json");
    if arguments.update {
        let all: serde_json::Map<String, Value> = counted.iter().map(|&(name, count)| (name.to_owned(), json!(count))).collect();
        std::fs::write(&file, format!("{:#}\n", Value::from(all))).with_context(|| file.display().to_string())?;
    }
    let before: Value = serde_json::from_str(&std::fs::read_to_string(&file).with_context(|| file.display().to_string())?)?;
    let mut grown = Vec::new();
    for (name, count) in counted {
        let before = before[name].as_u64().with_context(|| format!("{} says nothing of {name}", file.display()))?;
        println!("{name}: {count} instructions, {before} before");
        if count * 100 > before * (100 + TOLERANCE) {
            grown.push(format!("{name} from {before} to {count}"));
        }
    }
    if !grown.is_empty() {
        bail!("instructions have grown by more than {TOLERANCE} %: {}", grown.join(", "));
    }
    Ok(())
}

/// Instructions for each refresh more.
fn count(arguments: &Arguments, program: &Path, name: &str, word: Option<&str>) -> Result<u64> {
    let short = u64::from(arguments.trunks) * 2;
    let (fewer, least) = run_counted(arguments, program, name, word, short)?;
    let (more, most) = run_counted(arguments, program, name, word, short + arguments.refreshes)?;
    match (most.checked_sub(least), more.checked_sub(fewer)) {
        (Some(instructions), Some(refreshes)) if refreshes > 0 => Ok(instructions / refreshes),
        _ => bail!("{least} instructions for {fewer} refreshes and {most} for {more}"),
    }
}

/// Refreshes that a run came to, and the instructions that they cost.
fn run_counted(arguments: &Arguments, program: &Path, name: &str, word: Option<&str>, refreshes: u64) -> Result<(u64, u64)> {
    let kept = arguments.keep.as_ref().map_or_else(|| PathBuf::from("/dev/null"), |dir| dir.join(format!("{name}.callgrind")));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--toggle-collect=*measured*"]).arg(format!("--callgrind-out-file={}", kept.display()));
    command.arg(program).arg(arguments.trunks.to_string()).arg(refreshes.to_string()).args(word);
    let output = command.output().context("cannot start valgrind")?;
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("valgrind ended with {}: {told}", output.status);
    }
    let collected = told.lines().find_map(|line| line.split_once("Collected :")).and_then(|(_, number)| number.trim().parse::<u64>().ok());
    let refreshes = String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().ok().filter(|&count| count > 0);
    let (Some(collected), Some(refreshes)) = (collected, refreshes) else { bail!("callgrind counted nothing: {told}") };
    Ok((refreshes, collected))
}
