//! `cargo xtask bench`: measurements. They print figures and judge none: a slow machine fails nothing.

mod instructions;
mod kamailio;
mod measured;
mod plot;
mod process;
mod registrations;

use anyhow::Result;
use clap::Subcommand;

use crate::bench_api;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// What an edge with many registrations costs, against a registrar that is not the bottleneck
    Registrations(registrations::Arguments),
    /// What a refresh costs the user agent in instructions, by callgrind, against what it cost before
    Instructions(instructions::Arguments),
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
    /// What a browser waits for the console's pages, with many trunks
    Console {
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
        Bench::Registrations(arguments) => registrations::run(arguments),
        Bench::Instructions(arguments) => instructions::run(arguments),
        Bench::Import { lines, common } => bench_api::import(common, *lines),
        Bench::Pages { trunks, common } => bench_api::pages(common, *trunks),
        Bench::Console { trunks, common } => bench_api::console(common, *trunks),
        Bench::Latency { load, common } => bench_api::latency(common, load),
    }
}
