//! Waiting for what must become true.

use std::thread;
use std::time::{Duration, Instant};

/// Between two looks at a condition.
const BETWEEN: Duration = Duration::from_millis(10);

/// Looks until there is something to see; panics, naming what was awaited, when `patience` is over.
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + patience;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < give_up, "waited {patience:?} in vain: {what}");
        thread::sleep(BETWEEN);
    }
}

/// As [`until`], for a condition without a value.
pub fn until_true(what: &str, patience: Duration, mut look: impl FnMut() -> bool) {
    until(what, patience, || look().then_some(()));
}

/// Watches for `period` that a condition holds at every look.
pub fn holds_for(what: &str, period: Duration, mut look: impl FnMut() -> bool) {
    let end = Instant::now() + period;
    while Instant::now() < end {
        assert!(look(), "no longer true: {what}");
        thread::sleep(BETWEEN);
    }
}

/// Whole seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
