//! `cargo xtask bench`: measurements. A benchmark that is not built yet says so and fails.

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::bench_api;

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
    /// Lines of an import through the API into an empty store, 10,000 changed, all removed
    Import {
        /// How many lines
        #[arg(default_value_t = 100_000)]
        lines: u64,
        #[command(flatten)]
        common: bench_api::Common,
    },
    /// Pages and walks of large listings
    Pages {
        /// How many trunks
        #[arg(default_value_t = 1_000_000)]
        trunks: u64,
        #[command(flatten)]
        common: bench_api::Common,
    },
    /// Latency of reads and writes at fixed rates, open loop, with a million trunks present
    Latency {
        #[command(flatten)]
        load: bench_api::Load,
        #[command(flatten)]
        common: bench_api::Common,
    },
}

pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.bench {
        Bench::Registrations { n } => bail!("bench registrations --n {n}: not built yet"),
        Bench::Import { lines, common } => bench_api::import(common, *lines),
        Bench::Pages { trunks, common } => bench_api::pages(common, *trunks),
        Bench::Latency { load, common } => bench_api::latency(common, load),
    }
}
