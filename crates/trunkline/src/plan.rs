//! `trunkline plan FILE`: what a fleet asks of its carriers while something happens to it.

mod file;
mod for_api;
mod show;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use sim::planner::{Limits, forecast};

use crate::failure::Failure;
use crate::say::say_raw;

pub use for_api::planner;

/// The flags of `trunkline plan`.
#[derive(Args)]
#[command(
    after_help = "Example, docs/guide/planning.md has more:\n\n  edges = 4\n\n  [[carrier]]\n  name = \"nusantara\"\n  trunks = 200000\n  expires = 3600\n  registers-per-second = 500\n\n  [event]\n  kind = \"outage\"\n  seconds = 300\n\n  trunkline plan fleet.toml --svg fleet.svg"
)]
pub struct PlanArgs {
    /// TOML file of the fleet; - is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints JSON, with every second, in place of the table.
    #[arg(long)]
    json: bool,
    /// Draws REGISTER/s over time.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// On so many threads [default: as many as the machine has].
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
}

/// Plans, and tells what came out.
pub fn run(args: &PlanArgs) -> Result<ExitCode, Failure> {
    let failed = |text: String| Failure::Settings(format!("{}: {text}", args.file.display()));
    let text = match args.file.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(&args.file),
    };
    let fleet = file::read(&text.map_err(|error| failed(error.to_string()))?).map_err(failed)?;
    let bar = if std::io::stderr().is_terminal() { ProgressBar::new(1_000) } else { ProgressBar::hidden() };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent} % {elapsed} (left {eta})") {
        bar.set_style(style);
    }
    let threads = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into)).unwrap_or(1);
    let told = |done: f64| {
        bar.set_position((done * 1_000.0) as u64);
        true
    };
    let planned = forecast(&fleet, &Limits::COMMAND, threads, &told).map_err(|fault| failed(fault.to_string()))?;
    bar.finish_and_clear();
    if let Some(path) = &args.svg {
        std::fs::write(path, show::svg(&planned)).map_err(|error| Failure::Settings(format!("{}: {error}", path.display())))?;
    }
    say_raw(if args.json { format!("{}\n", show::json(&planned, usize::MAX)) } else { show::table(&planned) });
    Ok(ExitCode::SUCCESS)
}
