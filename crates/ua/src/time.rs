//! Time as an argument.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A point of a monotonic clock that goes on while the machine sleeps (CLOCK_BOOTTIME), in microseconds since an origin of the caller's choice.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// Makes a point so many microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Instant(micros)
    }

    /// Returns the microseconds since the origin.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Returns how long ago `earlier` was; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Instant) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// Returns how long it is until then; zero if it has come.
    #[must_use]
    pub fn until(self, later: Instant) -> Duration {
        later.since(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, span: Duration) -> Instant {
        Instant(self.0.saturating_add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// Stops at the origin.
    fn sub(self, span: Duration) -> Instant {
        Instant(self.0.saturating_sub(u64::try_from(span.as_micros()).unwrap_or(u64::MAX)))
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}
