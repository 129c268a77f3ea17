//! Many seeds, on several threads.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::{Plan, Report};

/// What came of many seeds.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// So many were simulated.
    pub seeds: u64,
    /// Those that broke a rule, in order.
    pub broken: Vec<u64>,
    /// Simulated time, all together.
    pub simulated: Duration,
    /// REGISTER requests, all together.
    pub registers: u64,
    /// Datagrams that edges sent, all together.
    pub datagrams: u64,
    /// Bindings that were granted, and that lapsed.
    pub granted: u64,
    /// Bindings that lapsed, by cause.
    pub lapses: crate::Lapses,
    /// Restarts in order, and others.
    pub restarts: (u64, u64),
    /// So long it took, by the wall clock.
    pub took: Duration,
}

/// Simulates a plan with so many seeds from its own on, on so many threads. Every report is shown as it comes; their order is chance.
pub fn sweep(plan: &Plan, seeds: u64, jobs: usize, mut each: impl FnMut(&Report, &Sweep)) -> Sweep {
    let began = Instant::now();
    let next = AtomicU64::new(0);
    let (told, reports) = mpsc::channel();
    let mut sum = Sweep::default();
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, 256) {
            let (told, next) = (told.clone(), &next);
            scope.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= seeds {
                        return;
                    }
                    let report = crate::run(Plan { seed: plan.seed.wrapping_add(number), ..plan.clone() });
                    // Whoever collects may have gone.
                    if told.send(report).is_err() {
                        return;
                    }
                }
            });
        }
        drop(told);
        for report in reports {
            sum.add(&report);
            sum.took = began.elapsed();
            each(&report, &sum);
        }
    });
    sum.broken.sort_unstable();
    sum.took = began.elapsed();
    sum
}

impl Sweep {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        if !report.broken.is_empty() {
            self.broken.push(report.seed);
        }
        self.simulated += report.simulated;
        self.registers += report.registers;
        self.datagrams += report.datagrams;
        self.granted += report.granted;
        self.lapses.add(report.lapses);
        self.restarts.0 += report.restarts.0;
        self.restarts.1 += report.restarts.1;
    }
}

impl fmt::Display for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} seeds, {:.0} h simulated in {:.1} s; {} broke a rule",
            self.seeds,
            self.simulated.as_secs_f64() / 3600.0,
            self.took.as_secs_f64(),
            self.broken.len()
        )?;
        write!(
            f,
            "  {} datagrams, {} REGISTER requests, {} bindings granted, {} lapsed ({} late), {} clean and {} unclean restarts",
            self.datagrams,
            self.registers,
            self.granted,
            self.lapses.total(),
            self.lapses.late,
            self.restarts.0,
            self.restarts.1
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_seed_is_simulated_once_and_as_it_is_alone() {
        let plan = Plan { trunks: 2, chaos: Duration::from_secs(300), ..Plan::new(40) };
        let mut hashes = Vec::new();
        let sum = sweep(&plan, 5, 3, |report, _| hashes.push((report.seed, report.trace_hash)));
        hashes.sort_unstable();
        let alone: Vec<_> = (40..45).map(|seed| (seed, crate::run(Plan { seed, ..plan.clone() }).trace_hash)).collect();
        assert_eq!((hashes, sum.seeds, sum.broken), (alone, 5, vec![]));
    }
}
