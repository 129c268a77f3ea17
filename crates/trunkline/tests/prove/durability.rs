//! A thousand kills.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::figures::Figures;
use crate::support::durability::lives::{Lives, Outcome, lives};

/// So many stores, each killed [`KILLS`] times.
const STORES: u64 = 10;
/// So many of them at the same time: each waits for its disk more than it computes.
const AT_ONCE: u64 = 5;
const KILLS: u32 = 100;

#[test]
#[ignore = "long; cargo xtask prove durability"]
fn durability() {
    let mut figures = Figures::default();
    let began = Instant::now();
    let mut all = Outcome::default();
    let outcomes = Mutex::new(Vec::new());
    let next = AtomicU64::new(1);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > STORES {
                        return;
                    }
                    let outcome = lives(Lives { seed, kills: KILLS, longest: Duration::from_millis(500) });
                    eprintln!("store {seed}: {outcome:?}");
                    outcomes.lock().expect("no panic").push(outcome);
                }
            });
        }
    });
    for outcome in outcomes.into_inner().expect("no panic") {
        all.kills += outcome.kills;
        all.while_starting += outcome.while_starting;
        all.tally.add(outcome.tally);
        all.records += outcome.records;
        all.starts += outcome.starts;
        all.slowest_start = all.slowest_start.max(outcome.slowest_start);
    }
    figures.section("`kill -9` under a mixed write load through the API");
    figures.row("stores; seeds", format!("{STORES}, {AT_ONCE} at a time; 1 to {STORES}"));
    figures.row("SIGKILLs at instants drawn by seed", all.kills);
    figures.row("of them while the server was starting", all.while_starting);
    figures.row("changes acknowledged, all of them there after each start", all.tally.acknowledged);
    figures.row("of them lines of an import, each by its result line", all.tally.lines);
    figures.row("changes in doubt when the server was killed", all.tally.in_doubt);
    figures.row("of them done wholly, with their audit records", all.tally.in_doubt_done);
    figures.row("of them not done at all", all.tally.in_doubt - all.tally.in_doubt_done);
    figures.row("changes lost, or half done", 0);
    figures.row("looks at a thing, its versions and its number of audit records after a start", all.tally.things_checked);
    figures.row("calls sent again under their Idempotency-Key after a start, none done twice", all.tally.replayed);
    figures.row("audit records at the end; after each start the chain held, and held the head signed before the kill", all.records);
    figures
        .row("a start until ready, mean", format!("{:.0} ms", all.starts.as_secs_f64() * 1e3 / f64::from(all.kills - all.while_starting)));
    figures.row("a start until ready, slowest", format!("{:.0} ms", all.slowest_start.as_secs_f64() * 1e3));
    figures.row("time", format!("{:.0} s", began.elapsed().as_secs_f64()));
    figures.keep();
    assert!(all.kills >= 1_000 && all.tally.in_doubt > 0 && all.tally.in_doubt_done > 0, "{all:?}");
}
