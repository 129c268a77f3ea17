//! `cargo xtask prove NAME`: runs what an issue must show and writes docs/proofs/NAME.md.
use anyhow::{Result, bail};
#[derive(clap::Args)]
pub struct Arguments {
    name: String,
}
pub fn run(arguments: &Arguments) -> Result<()> {
    bail!("prove {}: not built yet", arguments.name)
}
