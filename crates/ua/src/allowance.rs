//! How many attempts are told.

use std::time::Duration;

use crate::Instant;

/// So many at once: more than the history of any one trunk.
const BURST: u32 = 1_000;
/// One more after that: 250 a second. Where a carrier fails with all its trunks, or all register for the first time, the exchanges tell the
/// same, and telling them must not slow the registrations down.
const EACH: Duration = Duration::from_millis(4);

/// Bounds how many attempts of the usual kinds are told; what was asked for (verifications, traces) or changed is always told.
pub struct Allowance {
    left: u32,
    filled_at: Instant,
    /// How many were not told.
    pub untold: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Allowance { left: BURST, filled_at: Instant::default(), untold: 0 }
    }
}

impl Allowance {
    /// Takes one, if one is left.
    pub fn take(&mut self, now: Instant) -> bool {
        let earned = now.since(self.filled_at).as_micros() / EACH.as_micros();
        if earned > 0 {
            self.left = self.left.saturating_add(u32::try_from(earned).unwrap_or(u32::MAX)).min(BURST);
            self.filled_at = now;
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                true
            }
            None => {
                self.untold += 1;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_told_and_then_so_many_a_second() {
        let mut allowance = Allowance::default();
        let start = Instant::from_micros(1_000_000);
        assert_eq!((0..BURST * 2).filter(|_| allowance.take(start)).count(), BURST as usize);
        let later = start + Duration::from_secs(1);
        assert_eq!((0..BURST).filter(|_| allowance.take(later)).count(), 250);
        assert_eq!(allowance.untold, u64::from(BURST) + 750);
        assert!(allowance.take(later + EACH));
    }

    #[test]
    fn who_asks_more_often_than_one_is_earned_does_not_lose_what_it_earns() {
        let mut allowance = Allowance::default();
        let start = Instant::from_micros(1_000_000);
        assert_eq!((0..BURST).filter(|_| allowance.take(start)).count(), BURST as usize);
        assert_eq!((1..=1000).filter(|ms| allowance.take(start + Duration::from_millis(*ms))).count(), 250);
    }
}
