//! The one clock of an edge.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use link::UnixMicros;
use nix::time::{ClockId, clock_gettime};
use ua::Instant;

/// So long before the machine's start is the origin of [`Instant`], so that times from before a reboot have a place.
const HEADROOM: Duration = Duration::from_secs(400 * 86_400);

/// Differences below this between two readings of the wall clock are noise, in microseconds.
const NOISE: i64 = 2_000;

/// Reads CLOCK_BOOTTIME, and converts between it and the wall clock.
///
/// The two are compared by [`Clock::compare`] only, so that one instant keeps one wall-clock time until somebody sets the clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    /// Wall clock less `Instant`, in microseconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let clock = Clock { offset: Arc::new(AtomicI64::new(0)) };
        clock.offset.store(clock.measure(), Ordering::Relaxed);
        clock
    }

    pub(crate) fn now(&self) -> Instant {
        let boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).expect("Linux has CLOCK_BOOTTIME since 2.6.39");
        Instant::from_micros(0) + HEADROOM + boot
    }

    /// Takes over that the wall clock was set, if it was.
    pub(crate) fn compare(&self) {
        let measured = self.measure();
        if (measured - self.offset.load(Ordering::Relaxed)).abs() > NOISE {
            self.offset.store(measured, Ordering::Relaxed);
        }
    }

    pub(crate) fn unix(&self, at: Instant) -> UnixMicros {
        micros(at).saturating_add(self.offset.load(Ordering::Relaxed))
    }

    pub(crate) fn instant(&self, at: UnixMicros) -> Instant {
        let since_origin = at.saturating_sub(self.offset.load(Ordering::Relaxed));
        Instant::from_micros(u64::try_from(since_origin).unwrap_or(0))
    }

    fn measure(&self) -> i64 {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(wall.as_micros()).unwrap_or(i64::MAX).saturating_sub(micros(self.now()))
    }
}

fn micros(at: Instant) -> i64 {
    i64::try_from(at.micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_goes_to_the_wall_clock_and_back() {
        let clock = Clock::new();
        let now = clock.now();
        assert_eq!(clock.instant(clock.unix(now)), now);
        let month_ago = clock.unix(now) - 30 * 86_400 * 1_000_000;
        assert_eq!(clock.unix(clock.instant(month_ago)), month_ago, "times before the machine's start have a place");
        assert_eq!(clock.instant(0), Instant::from_micros(0), "older ones stop at the origin");
    }

    #[test]
    fn two_comparisons_in_a_row_change_nothing() {
        let clock = Clock::new();
        let at = clock.now();
        let before = clock.unix(at);
        clock.compare();
        assert_eq!(clock.unix(at), before);
    }
}
