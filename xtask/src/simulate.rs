//! `cargo xtask simulate`: many seeds of a simulated night, in release, with progress and the failing seeds.

use anyhow::Result;

use crate::command::{cargo, must};

#[derive(clap::Args)]
pub struct Arguments {
    /// So many seeds
    #[arg(long, default_value_t = 2000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// On so many threads; one for each core if absent
    #[arg(long)]
    jobs: Option<usize>,
    /// Further flags of `trunkline simulate`, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let jobs = match arguments.jobs {
        Some(jobs) => jobs,
        None => std::thread::available_parallelism()?.get(),
    };
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--package", "sim", "--example", "seed", "--", "--night"]);
    command.args(["--seeds", &arguments.seeds.to_string(), "--seed", &arguments.start.to_string(), "--jobs", &jobs.to_string()]);
    must(command.args(&arguments.rest))
}
