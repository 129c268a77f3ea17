//! How many failed digests are allowed, so that no carrier bans the edge's address.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::{FailureBudget, Instant};

/// So many failures at a carrier within `BREAKER_WINDOW`, of whatever user, hold new secrets: carriers ban addresses, not trunks.
const BREAKER: usize = 5;
const BREAKER_WINDOW: Duration = Duration::from_secs(60);
/// More names than any fleet of failing trunks should have; the oldest failures are forgotten first.
const NAMES_MAX: usize = 100_000;

/// Who is about to send a digest that may fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// By itself, with a secret that was never accepted (`fresh`) or was.
    Machine {
        /// Never accepted yet.
        fresh: bool,
    },
    /// A person's verification of a new secret, for whom one failure is reserved.
    Person,
}

/// Failed digests by carrier and user name.
#[derive(Default)]
pub struct Budget {
    names: HashMap<(Arc<str>, Box<str>), VecDeque<Instant>>,
    carriers: HashMap<Arc<str>, VecDeque<Instant>>,
}

impl Budget {
    /// Tells whether a digest may be sent, or how long not.
    ///
    /// # Errors
    /// The time until the oldest counted failure leaves its window.
    pub fn check(
        &mut self,
        now: Instant,
        carrier: &Arc<str>,
        username: &str,
        asker: Asker,
        limits: &FailureBudget,
    ) -> Result<(), Duration> {
        if matches!(asker, Asker::Person | Asker::Machine { fresh: true }) {
            let recent = self.carriers.entry(carrier.clone()).or_default();
            forget(recent, now, BREAKER_WINDOW);
            if let Some(wait) = wait(recent, now, BREAKER, BREAKER_WINDOW) {
                return Err(wait);
            }
        }
        let Some(failures) = self.names.get_mut(&(carrier.clone(), Box::from(username))) else { return Ok(()) };
        forget(failures, now, limits.window);
        let allowed = match asker {
            Asker::Person => limits.failures,
            Asker::Machine { .. } => limits.failures.saturating_sub(1).max(1),
        };
        wait(failures, now, allowed as usize, limits.window).map_or(Ok(()), Err)
    }

    /// Counts a failed digest.
    pub fn failed(&mut self, now: Instant, carrier: &Arc<str>, username: &str) {
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        let failures = self.names.entry((carrier.clone(), Box::from(username))).or_default();
        failures.push_back(now);
        // Beyond these nothing is decided.
        if failures.len() > 64 {
            failures.pop_front();
        }
        let recent = self.carriers.entry(carrier.clone()).or_default();
        recent.push_back(now);
        if recent.len() > 64 {
            recent.pop_front();
        }
    }

    /// Counts a digest that failed before this start: of that user name, not of the carrier's breaker, which looks back a minute only.
    pub fn remember(&mut self, at: Instant, carrier: &Arc<str>, username: &str) {
        let failures = self.names.entry((carrier.clone(), Box::from(username))).or_default();
        let place = failures.partition_point(|&other| other <= at);
        failures.insert(place, at);
    }

    /// Tells whether digests of anybody failed at a carrier within that time.
    pub fn has_failed(&self, now: Instant, carrier: &str, within: Duration) -> bool {
        self.carriers.get(carrier).and_then(|recent| recent.back()).is_some_and(|&at| now.since(at) <= within)
    }
}

fn forget(failures: &mut VecDeque<Instant>, now: Instant, window: Duration) {
    while failures.front().is_some_and(|&at| now.since(at) >= window) {
        failures.pop_front();
    }
}

/// Returns how long it is until fewer than `allowed` are left.
fn wait(failures: &VecDeque<Instant>, now: Instant, allowed: usize, window: Duration) -> Option<Duration> {
    let excess = failures.len().checked_sub(allowed)?;
    failures.get(excess).map(|&at| now.until(at + window))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn one_failure_of_three_is_kept_for_a_person() {
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let carrier: Arc<str> = "c".into();
        let mut budget = Budget::default();
        budget.failed(at(0), &carrier, "alice");
        assert_eq!(budget.check(at(1), &carrier, "alice", Asker::Machine { fresh: true }, &limits), Ok(()));
        budget.failed(at(100), &carrier, "alice");
        assert_eq!(budget.check(at(101), &carrier, "alice", Asker::Machine { fresh: true }, &limits), Err(Duration::from_secs(499)));
        assert_eq!(budget.check(at(101), &carrier, "alice", Asker::Person, &limits), Ok(()));
        budget.failed(at(200), &carrier, "alice");
        assert_eq!(budget.check(at(201), &carrier, "alice", Asker::Person, &limits), Err(Duration::from_secs(399)));
        assert_eq!(budget.check(at(600), &carrier, "alice", Asker::Person, &limits), Ok(()));
        assert_eq!(budget.check(at(201), &carrier, "bob", Asker::Machine { fresh: true }, &limits), Ok(()));
    }

    #[test]
    fn five_failures_in_a_minute_hold_new_secrets_of_everybody_at_that_carrier() {
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let (carrier, other): (Arc<str>, Arc<str>) = ("c".into(), "d".into());
        let mut budget = Budget::default();
        for n in 0..5 {
            budget.failed(at(n), &carrier, &format!("user{n}"));
        }
        assert_eq!(budget.check(at(10), &carrier, "new", Asker::Person, &limits), Err(Duration::from_secs(50)));
        assert_eq!(budget.check(at(10), &carrier, "new", Asker::Machine { fresh: false }, &limits), Ok(()), "refreshes go on");
        assert_eq!(budget.check(at(10), &carrier, "new", Asker::Machine { fresh: true }, &limits), Err(Duration::from_secs(50)));
        assert_eq!(budget.check(at(10), &other, "new", Asker::Person, &limits), Ok(()));
        assert_eq!(budget.check(at(61), &carrier, "new", Asker::Person, &limits), Ok(()));
    }
}
