//! `sip` and `ua` are the protocol on paper: no runtime, no serialisation, no log, no clock, no dice.

use anyhow::Result;

use super::{Faults, sources};
use crate::command::{cargo, output};

const PURE: &[&str] = &["sip", "ua"];
const NO_CRATES: &[&str] = &["tokio", "serde", "tracing", "getrandom", "rand"];
const NO_WORDS: &[&str] = &["Instant::now", "SystemTime::now", "thread_rng", "getrandom", "OsRng", "rand::rng"];

pub fn check() -> Result<Faults> {
    let mut faults = Faults::new();
    for pure in PURE {
        let tree = output(cargo().args(["tree", "--package", pure, "--edges", "normal", "--prefix", "none"]))?;
        let needed: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        faults.extend(NO_CRATES.iter().filter(|name| needed.contains(name)).map(|name| format!("{pure} depends on {name}")));
        let folder = format!("crates/{pure}/src/");
        for path in sources::files()?.iter().filter(|path| path.starts_with(&folder)) {
            for (index, line) in sources::text(path)?.unwrap_or_default().lines().enumerate() {
                if line.trim_start().starts_with("//") {
                    continue;
                }
                faults.extend(
                    NO_WORDS
                        .iter()
                        .filter(|word| line.contains(*word))
                        .map(|word| format!("{path}:{} uses {word}: time and chance are arguments", index + 1)),
                );
            }
        }
    }
    Ok(faults)
}
