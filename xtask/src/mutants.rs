//! `cargo xtask mutants`: what `cargo mutants` would change in a package, all built at once and tried one by one.
//!
//! `cargo mutants` builds the tests anew for each mutant, which takes far longer than to run them. Here its list (`--list --json`) is woven
//! into one build: each function begins with a switch over its mutants, each of which is the function's text as `cargo mutants` would have
//! left it. Which is alive is said by the environment. A mutant that does not compile falls out, as it would there. Each test is run once by
//! itself to learn which functions it reaches; a mutant is then tried with the tests that reach it, the quickest first.

mod programs;
mod weave;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::command::{cargo, must, output, root};
use programs::{Outcome, Programs};

/// The version whose list is taken.
const VERSION: &str = "27.1.0";
/// How many tests are run before the others: most mutants die of the quickest.
const FIRST: usize = 12;

#[derive(clap::Args)]
pub struct Arguments {
    /// Whose mutants
    #[arg(long, default_value = "ua")]
    package: String,
    /// Only those of these files, as `cargo mutants --file` takes them; in this order
    #[arg(long)]
    file: Vec<String>,
    /// Not those of these
    #[arg(long)]
    exclude: Vec<String>,
    /// Only those whose name contains one of these
    #[arg(long)]
    name: Vec<String>,
    /// Only those whose names stand in this file, as the output of a run before has them
    #[arg(long)]
    names: Option<PathBuf>,
    /// Tests whose name contains one of these are not asked: what draws at random notices a mutant today and misses it tomorrow
    #[arg(long)]
    skip: Vec<String>,
    /// Whose tests are asked too about what the package's own did not notice
    #[arg(long)]
    also: Option<String>,
}

/// A mutant as `cargo mutants --list --json` says it.
#[derive(Deserialize)]
pub struct Mutant {
    pub name: String,
    file: String,
    function: Option<Function>,
    span: Span,
    replacement: String,
}

#[derive(Deserialize)]
struct Function {
    return_type: String,
    span: Span,
}

#[derive(Deserialize, Clone, Copy)]
struct Span {
    start: Place,
    end: Place,
}

/// Lines and columns from one; columns in characters.
#[derive(Deserialize, Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let place = target_directory()?.join("mutants");
    let tool = tool(&place)?;
    let tree = copy(&place.join("tree"))?;
    let mutants = listed(&tool, &tree, arguments)?;
    println!("mutants: {} in {}", mutants.len(), arguments.package);
    let (woven, left): (Vec<usize>, Vec<usize>) = (0..mutants.len()).partition(|&index| weave::can(&tree, &mutants[index]));
    let mut viable: BTreeSet<usize> = woven.into_iter().collect();
    let listed = viable.len();
    let programs = built(&place, &tree, arguments, &mutants, &mut viable)?;
    println!("mutants: {} compile, {} do not, {} cannot be woven in", viable.len(), listed - viable.len(), left.len());
    let started = Instant::now();
    let reached = programs.learn()?;
    println!("mutants: {} tests looked at in {} s", programs.count(), started.elapsed().as_secs());
    let mut found: BTreeMap<Outcome, Vec<&str>> = BTreeMap::new();
    for (done, &index) in viable.iter().enumerate() {
        let tests = reached.get(&weave::function(&mutants, index)).map_or(&[][..], Vec::as_slice);
        let outcome = programs.attempt(index, tests, FIRST)?;
        if outcome != Outcome::Caught {
            println!("{outcome:?}: {} ({} tests reach it)", mutants[index].name, tests.len());
        }
        found.entry(outcome).or_default().push(&mutants[index].name);
        if done % 25 == 24 {
            println!("  {} of {}, {} s", done + 1, viable.len(), started.elapsed().as_secs());
        }
    }
    for index in left {
        println!("NotWoven: {}", mutants[index].name);
    }
    let count = |outcome| found.get(&outcome).map_or(0, Vec::len);
    let (caught, timeout, missed) = (count(Outcome::Caught), count(Outcome::TimedOut), count(Outcome::Missed));
    let other =
        arguments.also.as_ref().map(|also| format!(", {} caught by {also} alone", count(Outcome::CaughtByOther))).unwrap_or_default();
    let seconds = started.elapsed().as_secs();
    println!("mutants: {} tried in {seconds} s: {caught} caught, {timeout} timed out{other}, {missed} missed", viable.len());
    if missed > 0 {
        bail!("{missed} mutants were not noticed by any test");
    }
    Ok(())
}

fn target_directory() -> Result<PathBuf> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata")?;
    Ok(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?.into())
}

/// `cargo-mutants` of the right version, installed where it is missing.
fn tool(place: &Path) -> Result<PathBuf> {
    let tool = place.join("tool/bin/cargo-mutants");
    let is_there = |tool: &Path| {
        let said = output(Command::new(tool).args(["mutants", "--version"]));
        said.is_ok_and(|text| text.trim().ends_with(VERSION))
    };
    for known in [Path::new("cargo-mutants"), &tool] {
        if is_there(known) {
            return Ok(known.to_owned());
        }
    }
    let root = place.join("tool");
    must(cargo().args(["install", "cargo-mutants", "--locked", "--version", VERSION, "--root"]).arg(&root))?;
    Ok(tool)
}

/// The files of the working tree, where they may be changed.
fn copy(tree: &Path) -> Result<PathBuf> {
    let names = output(Command::new("git").args(["ls-files", "-z"]).current_dir(root()))?;
    for name in names.split('\0').filter(|name| !name.is_empty() && root().join(name).is_file()) {
        let (from, to) = (root().join(name), tree.join(name));
        let text = fs::read(&from).with_context(|| from.display().to_string())?;
        // What is as it was keeps its time, and is not built again.
        if fs::read(&to).is_ok_and(|there| there == text) {
            continue;
        }
        fs::create_dir_all(to.parent().unwrap_or(tree))?;
        fs::write(&to, text).with_context(|| to.display().to_string())?;
    }
    Ok(tree.to_owned())
}

fn listed(tool: &Path, tree: &Path, arguments: &Arguments) -> Result<Vec<Mutant>> {
    let mut command = Command::new(tool);
    command.args(["mutants", "--list", "--json", "--package", &arguments.package, "--dir"]).arg(tree);
    command.args(arguments.file.iter().flat_map(|file| ["--file", file]));
    command.args(arguments.exclude.iter().flat_map(|file| ["--exclude", file]));
    let mut mutants: Vec<Mutant> = serde_json::from_str(&output(&mut command)?).context("the list of cargo mutants")?;
    let named = arguments.names.as_ref().map(|path| fs::read_to_string(path).with_context(|| path.display().to_string())).transpose()?;
    mutants.retain(|mutant| {
        let by_part = arguments.name.is_empty() || arguments.name.iter().any(|part| mutant.name.contains(part));
        // A line of an earlier run: the outcome before the name, the number of tests behind it.
        by_part && named.as_ref().is_none_or(|text| text.lines().any(|line| line.contains(&mutant.name)))
    });
    let rank = |mutant: &Mutant| arguments.file.iter().position(|file| mutant.file.ends_with(file.trim_start_matches(['*', '/'])));
    mutants.sort_by_key(|mutant| rank(mutant).unwrap_or(usize::MAX));
    Ok(mutants)
}

/// Weaves and builds until what does not compile has fallen out.
fn built(place: &Path, tree: &Path, arguments: &Arguments, mutants: &[Mutant], viable: &mut BTreeSet<usize>) -> Result<Programs> {
    let package = format!("crates/{}", arguments.package);
    loop {
        let woven = weave::all(tree, mutants, viable)?;
        for (name, file) in &woven {
            fs::write(tree.join(name), &file.text)?;
        }
        let library = tree.join(&package).join("src/lib.rs");
        let text = fs::read_to_string(&library)?;
        if !text.contains(weave::SWITCH) {
            fs::write(&library, format!("{text}\n{}", weave::SWITCH))?;
        }
        // A mutant is not written to please a lint.
        let manifest = tree.join(&package).join("Cargo.toml");
        fs::write(&manifest, fs::read_to_string(&manifest)?.replace("[lints]\nworkspace = true\n", ""))?;
        let started = Instant::now();
        let built = programs::build(tree, &place.join("build"), &arguments.package, arguments.also.as_deref())?;
        // The tree again as it was, for the next round's places and the next run.
        copy(tree)?;
        if built.errors.is_empty() {
            println!("mutants: built in {} s", started.elapsed().as_secs());
            return Programs::new(built.programs, &arguments.skip, place);
        }
        let before = viable.len();
        for (file, line, message) in &built.errors {
            let Some(index) = woven.get(file).and_then(|woven| woven.at(*line)) else { continue };
            if viable.remove(&index) {
                println!("NotCompiling: {}: {message}", mutants[index].name);
            }
        }
        if viable.len() == before {
            bail!("the woven tree does not compile, and no mutant is to blame: {:?}", built.errors);
        }
    }
}

/// How much processor time a mutant may take, in seconds: one that runs in a circle spends it however busy the machine is.
fn processor_seconds(usual: Duration) -> u64 {
    10 + usual.as_secs() * 4
}

/// How long a mutant may take, by how long its tests take.
fn patience(usual: Duration) -> Duration {
    Duration::from_secs(30) + usual * 20
}
