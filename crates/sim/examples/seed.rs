//! Simulates plans from the command line: `cargo run -p sim --example seed -- --seed 1 --trunks 50`, or `--seeds 100` for many.

use std::io::Write;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let mut seeds = 1;
    if let Some(at) = args.iter().position(|arg| arg == "--seeds") {
        seeds = args.get(at + 1).ok_or("--seeds wants a number")?.parse()?;
        args.drain(at..=at + 1);
    }
    let plan = sim::Plan::parse(&args)?;
    let began = Instant::now();
    let mut broken = 0;
    let mut out = std::io::stdout().lock();
    for seed in plan.seed..plan.seed + seeds {
        let report = sim::run(sim::Plan { seed, ..plan.clone() });
        if !report.broken.is_empty() || seeds == 1 {
            broken += u64::from(!report.broken.is_empty());
            write!(out, "{report}")?;
        }
    }
    writeln!(out, "{seeds} seeds, {broken} broken, {:.1} s", began.elapsed().as_secs_f64())?;
    Ok(())
}
