//! Traces that are switched on, in memory: each exchange of such a trunk is kept, not only what fails.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use link::UnixMicros;

/// What an edge saw while a trace was on may arrive so much later: 60 s, in microseconds.
const LATE_MICROS: i64 = 60_000_000;

/// Whose trace is on, and until when.
#[derive(Debug, Default)]
pub struct Traces {
    until: RwLock<HashMap<String, UnixMicros>>,
}

impl Traces {
    /// Switches a trunk's trace on.
    pub fn begin(&self, trunk: &str, until: UnixMicros, now: UnixMicros) {
        let mut all = self.until.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, until| *until + LATE_MICROS > now);
        all.insert(trunk.to_owned(), until);
    }

    /// Switches a trunk's trace off; tells whether it was on.
    pub fn end(&self, trunk: &str) -> bool {
        self.until.write().unwrap_or_else(PoisonError::into_inner).remove(trunk).is_some()
    }

    /// Returns until when a trunk's trace is on.
    pub fn until(&self, trunk: &str, now: UnixMicros) -> Option<UnixMicros> {
        self.of(trunk).filter(|until| *until > now)
    }

    /// Returns for how many seconds a trunk's trace is still on.
    pub fn seconds_left(&self, trunk: &str, now: UnixMicros) -> Option<u32> {
        let left = self.until(trunk, now)? - now;
        Some(u32::try_from(left / 1_000_000 + 1).unwrap_or(u32::MAX))
    }

    /// Tells whether an exchange that began at a time belongs to a trace.
    pub fn covers(&self, trunk: &str, began: UnixMicros) -> bool {
        self.of(trunk).is_some_and(|until| began <= until)
    }

    fn of(&self, trunk: &str) -> Option<UnixMicros> {
        self.until.read().unwrap_or_else(PoisonError::into_inner).get(trunk).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_ends_by_itself_and_late_reports_of_it_are_kept() {
        let traces = Traces::default();
        traces.begin("t1", 10_000_000, 0);
        assert_eq!((traces.until("t1", 9_999_999), traces.seconds_left("t1", 9_000_000)), (Some(10_000_000), Some(2)));
        assert_eq!((traces.until("t1", 10_000_000), traces.until("t2", 0)), (None, None));
        assert!(traces.covers("t1", 9_000_000) && !traces.covers("t1", 11_000_000));
        traces.begin("t2", 100_000_000, 10_000_000 + LATE_MICROS);
        assert!(!traces.covers("t1", 9_000_000), "forgotten once nothing can be late any more");
        assert!(traces.end("t2") && !traces.end("t2"));
    }
}
