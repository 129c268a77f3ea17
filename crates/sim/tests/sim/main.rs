//! Simulated days: seeds, restarts, weather, darkness, orders, forgers. Those of the full size run in release, by `-- --ignored`.

mod bugs;
mod darkness;
mod digests;
mod forgers;
mod orders;
mod planner;
mod restarts;
mod seeds;
mod weather;

use std::time::Duration;

use sim::{Plan, Report};

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// Runs a plan that must break no rule.
#[track_caller]
fn held(plan: Plan) -> Report {
    let report = sim::run(plan);
    assert!(report.broken.is_empty(), "{report}");
    report
}
