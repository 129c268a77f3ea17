//! Simulates plans from the command line: `cargo run -p sim --example seed -- --seed 1 --trunks 50`, or `--seeds 100 --jobs 2` for many.
//! `cargo xtask simulate` is the comfortable way.

use std::io::{self, Write};
use std::process::ExitCode;

use sim::Plan;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let seeds: u64 = taken(&mut args, "--seeds")?.unwrap_or(1);
    let jobs: usize = taken(&mut args, "--jobs")?.unwrap_or(1);
    let plan = Plan::parse(&args)?;
    let mut out = io::stdout().lock();
    let mut fault = Ok(());
    let sum = sim::sweep(&plan, seeds, jobs, |report, sum| {
        if !report.broken.is_empty() || seeds == 1 {
            fault = write!(out, "{report}");
        }
        let _ = write!(io::stderr(), "\r{} of {seeds} seeds, {} broken, {:.0} s ", sum.seeds, sum.broken.len(), sum.took.as_secs_f64());
    });
    fault?;
    let _ = writeln!(io::stderr());
    writeln!(out, "{sum}")?;
    // How each is seen again; the arguments but for the seed are the same.
    let mut rest = args.clone();
    let _: Option<u64> = taken(&mut rest, "--seed")?;
    for seed in &sum.broken {
        writeln!(out, "  broken: trunkline simulate --seed {seed} {}", rest.join(" "))?;
    }
    Ok(if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes an argument with its value out.
fn taken<T: std::str::FromStr>(args: &mut Vec<String>, name: &str) -> Result<Option<T>, String> {
    let Some(at) = args.iter().position(|arg| arg == name) else { return Ok(None) };
    let value = args.get(at + 1).and_then(|value| value.parse().ok()).ok_or(format!("{name} wants a number"))?;
    args.drain(at..=at + 1);
    Ok(Some(value))
}
