//! `cargo xtask bench`: measurements. A benchmark that is not built yet says so and fails.

use anyhow::{Result, bail};
use clap::Subcommand;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Cycles per CPU-second, memory and time to register N trunks
    Registrations {
        /// How many registrations
        #[arg(long, default_value_t = 100_000)]
        n: u32,
    },
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match arguments.bench {
        Bench::Registrations { n } => bail!("bench registrations --n {n}: not built yet"),
    }
}
