//! `cargo xtask fuzz`: builds the targets of `fuzz/` with libFuzzer and runs them.
//!
//! It works on the stable toolchain: `RUSTC_BOOTSTRAP=1` lets the pass be named that counts edges. What is found lies under
//! `TARGET/fuzz/findings`; a finding is a failure. New inputs stay in `TARGET/fuzz/corpus` and are not committed: what is worth keeping
//! is put into `fuzz/corpus` by hand, and is then run by `crates/ua/tests/corpus.rs` as an ordinary test.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, must, output, root};
use crate::setup;

/// A target, and the longest input that it is given: a datagram for the parsers, forty steps for the machine.
const TARGETS: &[(&str, u32)] =
    &[("message", 4096), ("challenge", 4096), ("stream", 4096), ("redaction", 2048), ("uri", 512), ("machine", 128)];

/// What counts edges, by name of the compiler's flags. Comparisons are not traced: that halves the pace of the machine, and the names that
/// libFuzzer would learn from it stand in `fuzz/sip.dict`.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1";

/// An input that takes longer hangs, as far as a user agent is concerned.
const INPUT_SECONDS_MAX: u32 = 20;
const MEMORY_MB_MAX: u32 = 1024;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only this target
    #[arg(long)]
    target: Option<String>,
    /// How long each target runs
    #[arg(long, default_value_t = 60, conflicts_with = "runs")]
    seconds: u32,
    /// How many inputs each target runs, in place of a time
    #[arg(long)]
    runs: Option<u64>,
    /// So many targets at a time; one for each core if absent
    #[arg(long)]
    jobs: Option<NonZeroUsize>,
}

/// When a target stops.
#[derive(Clone, Copy)]
pub enum Until {
    Seconds(u32),
    Runs(u64),
}

/// What a run of a target came to.
pub struct Figures {
    pub target: &'static str,
    pub executions: u64,
    pub took: Duration,
    /// Edges of the code that were reached.
    pub edges: u64,
    /// Inputs of the committed corpus that it began with.
    pub corpus: usize,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    setup::run()?;
    let until = arguments.runs.map_or(Until::Seconds(arguments.seconds), Until::Runs);
    for figures in all(arguments.target.as_deref(), until, arguments.jobs)? {
        println!(
            "fuzz {}: {} executions in {} s, {} edges, no finding",
            figures.target,
            figures.executions,
            figures.took.as_secs(),
            figures.edges
        );
    }
    Ok(())
}

/// Builds and runs the targets, so many at a time, or as many as there are cores. A finding is a failure; so is a target that could not be
/// built or run, or that ran no input of its own.
pub fn all(only: Option<&str>, until: Until, jobs: Option<NonZeroUsize>) -> Result<Vec<Figures>> {
    if let Some(name) = only.filter(|name| TARGETS.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = TARGETS.iter().map(|(known, _)| *known).collect();
        bail!("no target {name:?}; there are {}", known.join(", "));
    }
    let place = place()?;
    build(&place)?;
    // The slowest first, so that it does not run alone at the end.
    let waiting = Mutex::new(TARGETS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)).collect::<Vec<_>>());
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs.or_else(|| std::thread::available_parallelism().ok()).map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
                    let Some(&(target, length)) = next else { break };
                    let figures = one(&place, target, length, until);
                    done.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(figures);
                }
            });
        }
    });
    let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut figures = done.into_iter().collect::<Result<Vec<_>>>()?;
    figures.sort_by_key(|figures| TARGETS.iter().position(|(name, _)| *name == figures.target));
    Ok(figures)
}

/// Where the build, the findings and the grown corpus lie.
fn place() -> Result<PathBuf> {
    let text = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text).context("cargo metadata")?;
    Ok(Path::new(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?).join("fuzz"))
}

fn build(place: &Path) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--release", "--locked", "--target", &host()?]).current_dir(root().join("fuzz"));
    must(command.env("CARGO_TARGET_DIR", place).env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", FLAGS).env_remove("CARGO_ENCODED_RUSTFLAGS"))
}

fn host() -> Result<String> {
    let version = output(Command::new("rustc").arg("-vV"))?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc does not say its host")
}

fn one(place: &Path, target: &'static str, length: u32, until: Until) -> Result<Figures> {
    let committed = root().join("fuzz/corpus").join(target);
    let (grown, findings) = (place.join("corpus").join(target), place.join("findings").join(target));
    for folder in [&grown, &findings] {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let stop = match until {
        Until::Seconds(seconds) => format!("-max_total_time={seconds}"),
        Until::Runs(runs) => format!("-runs={runs}"),
    };
    let log = place.join(format!("{target}.log"));
    println!("+ {target} {stop}");
    let started = Instant::now();
    let status = Command::new(place.join(host()?).join("release").join(target))
        .args([&grown, &committed])
        .arg(format!("-artifact_prefix={}/", findings.display()))
        .args([stop, format!("-max_len={length}"), format!("-timeout={INPUT_SECONDS_MAX}"), format!("-rss_limit_mb={MEMORY_MB_MAX}")])
        .arg(format!("-dict={}", root().join("fuzz/sip.dict").display()))
        // Weighing inputs by how rare their features are takes libFuzzer longer than the machine takes to run them.
        .args(["-entropic=0", "-reduce_inputs=0", "-print_final_stats=1"])
        .stdout(fs::File::create(&log)?)
        .stderr(fs::File::options().append(true).open(&log)?)
        .status()
        .with_context(|| format!("cannot start {target}"))?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    if !status.success() {
        let tail: Vec<&str> = text.lines().rev().take(40).collect();
        bail!(
            "{target} ended with {status}: the input lies in {}\n{}",
            findings.display(),
            tail.into_iter().rev().collect::<Vec<_>>().join("\n")
        );
    }
    let figures = Figures {
        target,
        executions: stat(&text, "number_of_executed_units").context("libFuzzer did not say how many inputs it ran")?,
        took: started.elapsed(),
        edges: edges(&text),
        corpus: fs::read_dir(&committed)?.count(),
    };
    // Without edges to count, it would go on guessing blindly and find nothing.
    if figures.edges == 0 || figures.executions <= loaded(&text) {
        bail!("{target} ran {} inputs and reached {} edges: see {}", figures.executions, figures.edges, log.display());
    }
    Ok(figures)
}

/// How many inputs it had run when the corpus was loaded: `#42 INITED cov: …`.
fn loaded(text: &str) -> u64 {
    let line = text.lines().find(|line| line.split_whitespace().nth(1) == Some("INITED"));
    line.and_then(|line| line.strip_prefix('#')?.split_whitespace().next()?.parse().ok()).unwrap_or(u64::MAX)
}

/// `stat::NAME: 4242`.
fn stat(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok())
}

/// The last `cov: 4242` of libFuzzer's lines.
fn edges(text: &str) -> u64 {
    let mut found = text.lines().rev().filter_map(|line| line.split_once(" cov: ")?.1.split_whitespace().next()?.parse().ok());
    found.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_off_what_libfuzzer_prints() {
        let text = "#8\tINITED cov: 12 ft: 13 corp: 1/1b\n#4242\tDONE   cov: 99 ft: 100 corp: 2/2b\nstat::number_of_executed_units: 4242\n";
        assert_eq!((stat(text, "number_of_executed_units"), stat(text, "peak_rss_mb"), edges(text)), (Some(4242), None, 99));
        assert_eq!((loaded(text), loaded("#8\tpulse  cov: 12 ft: 13\n")), (8, u64::MAX));
    }

    #[test]
    fn every_target_has_a_program_and_a_corpus() {
        let mut folders: Vec<String> =
            fs::read_dir(root().join("fuzz/corpus")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        folders.sort();
        let mut names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert_eq!(folders, names);
        for name in names {
            assert!(root().join(format!("fuzz/targets/{name}.rs")).is_file(), "{name}");
        }
    }
}
