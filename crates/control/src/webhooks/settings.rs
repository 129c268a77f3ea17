use std::time::Duration;

use link::UnixMicros;

/// How long and how often a delivery is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookLimits {
    /// After a first failure; each further one doubles it.
    pub first_retry: Duration,
    /// The longest time between two tries.
    pub longest_retry: Duration,
    /// Then a delivery is a dead letter.
    pub give_up: Duration,
    /// So long an answer is waited for.
    pub patience: Duration,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        WebhookLimits {
            first_retry: Duration::from_secs(5),
            longest_retry: Duration::from_secs(3_600),
            give_up: Duration::from_secs(86_400),
            patience: Duration::from_secs(10),
        }
    }
}

impl WebhookLimits {
    /// When to try again what has failed so often, at least once: 5, 10, 20 ... seconds, up to an hour, each up to a fifth longer by
    /// `chance` (0 to 255), so that deliveries that failed together do not come back together.
    pub fn retry_at(&self, now: UnixMicros, tries: u32, chance: u8) -> UnixMicros {
        let doubled = self.first_retry.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
        let wait = doubled.min(self.longest_retry);
        let wait = wait + wait * u32::from(chance) / (5 * 255);
        now.saturating_add(i64::try_from(wait.as_micros()).unwrap_or(i64::MAX))
    }

    /// Tells whether a delivery that waits since `created` is given up.
    pub fn is_over(&self, created: UnixMicros, now: UnixMicros) -> bool {
        now.saturating_sub(created) >= i64::try_from(self.give_up.as_micros()).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_apart_and_end() {
        let limits = WebhookLimits::default();
        let seconds = |tries: u32, chance: u8| limits.retry_at(0, tries, chance) / 1_000_000;
        assert_eq!([1, 2, 3, 10, 11, 40, u32::MAX].map(|tries| seconds(tries, 0)), [5, 10, 20, 2_560, 3_600, 3_600, 3_600]);
        assert_eq!((seconds(1, 255), seconds(11, 255)), (6, 4_320));
        assert!(!limits.is_over(0, 86_399_999_999) && limits.is_over(0, 86_400_000_000));
    }
}
