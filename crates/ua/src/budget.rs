//! How many failed digests are allowed, so that no carrier bans the edge's address.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::slab::Key;
use crate::{FailureBudget, Instant};

/// So many failures at a carrier within `BREAKER_WINDOW`, of whatever user, hold new secrets: carriers ban addresses, not trunks.
const BREAKER: usize = 5;
const BREAKER_WINDOW: Duration = Duration::from_secs(60);
/// So many digests over new secrets may be out at a carrier, however many were accepted: what a sheet with a shifted column costs at most.
const OUT_MAX: usize = 100;
/// So many failures of a name, or at a carrier, are kept: beyond these nothing is decided.
const FAILURES_MAX: usize = 64;
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

/// Why no digest may be sent now.
#[derive(Debug, PartialEq, Eq)]
pub enum Denied {
    /// So many have failed; for so long.
    Spent(Duration),
    /// So many are out; what becomes of them is to be waited for.
    Busy(Narrows),
}

/// What lets so many digests out at once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Narrows {
    /// A carrier's breaker.
    Carrier(Arc<str>),
    /// A user name's allowance.
    Name(Arc<str>, Box<str>),
}

/// A digest that is out and may fail. It must come back by [`Budget::known`].
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub struct Risk {
    carrier: Arc<str>,
    username: Box<str>,
    /// The secret is new: it counts for the breaker too.
    new: bool,
}

/// Who waits for a digest's outcome before it sends its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiter {
    /// This registration.
    Registration(Key),
    /// This verification.
    Probe(Key),
}

/// What is known of a carrier.
#[derive(Default)]
struct Breaker {
    failures: VecDeque<Instant>,
    /// New secrets whose digest is out.
    out: usize,
    /// New secrets that were accepted since the last failure, and when the last was.
    accepted: usize,
    accepted_at: Instant,
}

/// Failed digests by carrier and user name, and those that are out.
#[derive(Default)]
pub struct Budget {
    names: HashMap<(Arc<str>, Box<str>), VecDeque<Instant>>,
    /// Those whose registration was refused last.
    refused: HashSet<(Arc<str>, Box<str>)>,
    out: HashMap<(Arc<str>, Box<str>), usize>,
    carriers: HashMap<Arc<str>, Breaker>,
    waiting: HashMap<Narrows, VecDeque<Waiter>>,
}

impl Budget {
    /// Lets a digest out that may fail; those that are out already count as if they failed. At a carrier whose new secrets are accepted more
    /// and more may be out at once, until one fails.
    ///
    /// # Errors
    /// How long not, or what is to be waited for.
    pub fn risk(&mut self, now: Instant, carrier: &Arc<str>, username: &str, asker: Asker, limits: &FailureBudget) -> Result<Risk, Denied> {
        let new = matches!(asker, Asker::Person | Asker::Machine { fresh: true });
        let breaker = self.carriers.entry(carrier.clone()).or_default();
        if new {
            forget(&mut breaker.failures, now, BREAKER_WINDOW);
            if let Some(wait) = wait(&breaker.failures, now, BREAKER, BREAKER_WINDOW) {
                return Err(Denied::Spent(wait));
            }
        }
        let name = (carrier.clone(), Box::from(username));
        let mut failed = 0;
        let allowed = match asker {
            Asker::Person => limits.failures,
            Asker::Machine { .. } => limits.failures.saturating_sub(1).max(1),
        } as usize;
        if let Some(failures) = self.names.get_mut(&name) {
            forget(failures, now, limits.window);
            if let Some(wait) = wait(failures, now, allowed, limits.window) {
                return Err(Denied::Spent(wait));
            }
            failed = failures.len();
        }
        if failed + self.out.get(&name).copied().unwrap_or(0) >= allowed.max(1) {
            return Err(Denied::Busy(Narrows::Name(name.0, name.1)));
        }
        if now.since(breaker.accepted_at) >= BREAKER_WINDOW {
            breaker.accepted = 0;
        }
        if new && breaker.out + breaker.failures.len() >= (BREAKER + breaker.accepted).min(OUT_MAX) {
            return Err(Denied::Busy(Narrows::Carrier(carrier.clone())));
        }
        breaker.out += usize::from(new);
        let risk = Risk { carrier: name.0.clone(), username: name.1.clone(), new };
        *self.out.entry(name).or_default() += 1;
        Ok(risk)
    }

    /// Takes a digest back whose outcome is known, or will never be; a failure is to be counted before. Returns what may let others out now.
    pub fn known(&mut self, now: Instant, risk: Risk, accepted: bool) -> [Narrows; 2] {
        let Risk { carrier, username, new } = risk;
        if let Some(breaker) = self.carriers.get_mut(&carrier).filter(|_| new) {
            breaker.out = breaker.out.saturating_sub(1);
            if accepted {
                breaker.accepted = (breaker.accepted + 1).min(OUT_MAX);
                breaker.accepted_at = now;
            }
        }
        let name = (carrier.clone(), username.clone());
        if accepted {
            self.refused.remove(&name);
        }
        if let Some(out) = self.out.get_mut(&name) {
            *out = out.saturating_sub(1);
            if *out == 0 {
                self.out.remove(&name);
            }
        }
        [Narrows::Name(carrier.clone(), username), Narrows::Carrier(carrier)]
    }

    /// As [`Budget::risk`], for each of these user names, or for none.
    ///
    /// # Errors
    /// As [`Budget::risk`], of the first that may not.
    pub fn risk_all<'n>(
        &mut self,
        now: Instant,
        carrier: &Arc<str>,
        usernames: impl Iterator<Item = &'n str>,
        asker: Asker,
        limits: &FailureBudget,
    ) -> Result<Vec<Risk>, Denied> {
        let mut risks: Vec<Risk> = Vec::new();
        for username in usernames {
            // Of two answers with one secret the second tells nothing new.
            if risks.iter().any(|risk| *risk.username == *username) {
                continue;
            }
            match self.risk(now, carrier, username, asker, limits) {
                Ok(risk) => risks.push(risk),
                Err(denied) => {
                    self.all_known(now, risks, false);
                    return Err(denied);
                }
            }
        }
        Ok(risks)
    }

    /// As [`Budget::known`], for each of them.
    pub fn all_known(&mut self, now: Instant, risks: Vec<Risk>, accepted: bool) -> Vec<Narrows> {
        risks.into_iter().flat_map(|risk| self.known(now, risk, accepted)).collect()
    }

    /// Puts one last among those who wait there.
    pub fn wait(&mut self, narrows: Narrows, waiter: Waiter) {
        self.waiting.entry(narrows).or_default().push_back(waiter);
    }

    /// Takes the first of those who wait there; if it may not go yet either, [`Budget::wait`] puts it back.
    pub fn next_waiter(&mut self, narrows: &Narrows) -> Option<Waiter> {
        let waiting = self.waiting.get_mut(narrows)?;
        let first = waiting.pop_front();
        if waiting.is_empty() {
            self.waiting.remove(narrows);
        }
        first
    }

    /// Tells whether somebody was the last to be put there.
    pub fn waits_last(&self, narrows: &Narrows, waiter: Waiter) -> bool {
        self.waiting.get(narrows).and_then(VecDeque::back) == Some(&waiter)
    }

    /// Tells whether the outcome of a digest that is out lets this one go on.
    pub fn is_waited_for(&self, waiter: Waiter) -> bool {
        self.waiting.iter().any(|(narrows, waiting)| {
            let out = match narrows {
                Narrows::Carrier(carrier) => self.carriers.get(carrier).map_or(0, |breaker| breaker.out),
                Narrows::Name(carrier, username) => self.out.get(&(carrier.clone(), username.clone())).copied().unwrap_or(0),
            };
            out > 0 && waiting.contains(&waiter)
        })
    }

    /// Returns how many digests are out that may fail.
    pub fn out(&self) -> usize {
        self.out.values().sum()
    }

    /// Counts a failed digest.
    pub fn failed(&mut self, now: Instant, carrier: &Arc<str>, username: &str) {
        if self.names.len() >= NAMES_MAX {
            self.names.clear();
        }
        count(self.names.entry((carrier.clone(), Box::from(username))).or_default(), now);
        let breaker = self.carriers.entry(carrier.clone()).or_default();
        breaker.accepted = 0;
        count(&mut breaker.failures, now);
    }

    /// Notes that it was a registration's digest that failed.
    pub fn refused(&mut self, carrier: &Arc<str>, username: &str) {
        if self.refused.len() >= NAMES_MAX {
            self.refused.clear();
        }
        self.refused.insert((carrier.clone(), Box::from(username)));
    }

    /// Tells whether the last digest of a registration of this user name failed, and none that might fail was accepted since.
    pub fn is_refused(&self, carrier: &Arc<str>, username: &str) -> bool {
        self.refused.contains(&(carrier.clone(), Box::from(username)))
    }

    /// Counts a digest that failed before this start: of that user name, not of the carrier's breaker, which looks back a minute only.
    pub fn remember(&mut self, at: Instant, carrier: &Arc<str>, username: &str) {
        let failures = self.names.entry((carrier.clone(), Box::from(username))).or_default();
        let place = failures.partition_point(|&other| other <= at);
        failures.insert(place, at);
    }

    /// Tells whether digests of anybody failed at a carrier within that time.
    pub fn has_failed(&self, now: Instant, carrier: &str, within: Duration) -> bool {
        self.carriers.get(carrier).and_then(|breaker| breaker.failures.back()).is_some_and(|&at| now.since(at) <= within)
    }
}

fn count(failures: &mut VecDeque<Instant>, now: Instant) {
    failures.push_back(now);
    if failures.len() > FAILURES_MAX {
        failures.pop_front();
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

    /// What the budget says of a digest that comes back at once.
    fn check(budget: &mut Budget, now: Instant, carrier: &Arc<str>, username: &str, asker: Asker) -> Result<(), Denied> {
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let risk = budget.risk(now, carrier, username, asker, &limits)?;
        budget.known(now, risk, false);
        Ok(())
    }

    fn spent(seconds: u64) -> Result<(), Denied> {
        Err(Denied::Spent(Duration::from_secs(seconds)))
    }

    #[test]
    fn one_failure_of_three_is_kept_for_a_person() {
        let carrier: Arc<str> = "c".into();
        let mut budget = Budget::default();
        budget.failed(at(0), &carrier, "alice");
        assert_eq!(check(&mut budget, at(1), &carrier, "alice", Asker::Machine { fresh: true }), Ok(()));
        budget.failed(at(100), &carrier, "alice");
        assert_eq!(check(&mut budget, at(101), &carrier, "alice", Asker::Machine { fresh: true }), spent(499));
        assert_eq!(check(&mut budget, at(101), &carrier, "alice", Asker::Person), Ok(()));
        budget.failed(at(200), &carrier, "alice");
        assert_eq!(check(&mut budget, at(201), &carrier, "alice", Asker::Person), spent(399));
        assert_eq!(check(&mut budget, at(600), &carrier, "alice", Asker::Person), Ok(()));
        assert_eq!(check(&mut budget, at(201), &carrier, "bob", Asker::Machine { fresh: true }), Ok(()));
    }

    #[test]
    fn five_failures_in_a_minute_hold_new_secrets_of_everybody_at_that_carrier() {
        let (carrier, other): (Arc<str>, Arc<str>) = ("c".into(), "d".into());
        let mut budget = Budget::default();
        for n in 0..5 {
            budget.failed(at(n), &carrier, &format!("user{n}"));
        }
        assert_eq!(check(&mut budget, at(10), &carrier, "new", Asker::Person), spent(50));
        assert_eq!(check(&mut budget, at(10), &carrier, "new", Asker::Machine { fresh: false }), Ok(()), "refreshes go on");
        assert_eq!(check(&mut budget, at(10), &carrier, "new", Asker::Machine { fresh: true }), spent(50));
        assert_eq!(check(&mut budget, at(10), &other, "new", Asker::Person), Ok(()));
        assert_eq!(check(&mut budget, at(61), &carrier, "new", Asker::Person), Ok(()));
    }

    #[test]
    fn of_two_answers_with_one_secret_one_may_fail_and_of_two_secrets_both_or_none() {
        let carrier: Arc<str> = "c".into();
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let mut budget = Budget::default();
        let risks = |budget: &mut Budget, names: [&str; 2]| budget.risk_all(at(9), &carrier, names.into_iter(), Asker::Person, &limits);
        let same = risks(&mut budget, ["alice", "alice"]).unwrap();
        assert_eq!((same.len(), budget.out()), (1, 1));
        budget.all_known(at(9), same, false);
        let both = risks(&mut budget, ["alice", "proxy"]).unwrap();
        assert_eq!((both.len(), budget.out()), (2, 2));
        budget.all_known(at(9), both, false);
        (0..3).for_each(|second| budget.failed(at(second), &carrier, "proxy"));
        assert_eq!(risks(&mut budget, ["alice", "proxy"]), Err(Denied::Spent(Duration::from_secs(591))));
        assert_eq!(budget.out(), 0, "what was let out before is taken back");
    }

    #[test]
    fn failures_of_before_the_start_count_for_their_name_alone_and_pass_in_their_order() {
        let carrier: Arc<str> = "c".into();
        let machine = Asker::Machine { fresh: true };
        let mut budget = Budget::default();
        budget.failed(at(700), &carrier, "alice");
        budget.remember(at(400), &carrier, "alice");
        assert_eq!(check(&mut budget, at(701), &carrier, "alice", machine), spent(299));
        assert_eq!(check(&mut budget, at(1000), &carrier, "alice", machine), Ok(()), "the older one is over");
        (0..9).for_each(|_| budget.remember(at(1000), &carrier, "bob"));
        assert_eq!(check(&mut budget, at(1001), &carrier, "carol", machine), Ok(()), "the breaker knows nothing of them");
        assert!(!budget.has_failed(at(1001), &carrier, Duration::from_secs(60)));
    }

    #[test]
    fn the_names_that_were_refused_are_known_until_one_that_may_fail_is_accepted() {
        let carrier: Arc<str> = "c".into();
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let mut budget = Budget::default();
        ["alice", "bob"].iter().for_each(|name| budget.refused(&carrier, name));
        assert_eq!(["alice", "bob", "carol"].map(|name| budget.is_refused(&carrier, name)), [true, true, false]);
        for accepted in [false, true] {
            let risk = budget.risk(at(1), &carrier, "alice", Asker::Person, &limits).unwrap();
            budget.known(at(1), risk, accepted);
            assert_eq!(["alice", "bob"].map(|name| budget.is_refused(&carrier, name)), [!accepted, true]);
        }
    }

    #[test]
    fn who_waits_is_waited_for_as_long_as_a_digest_is_out_whose_outcome_lets_it_go_on() {
        let carrier: Arc<str> = "c".into();
        let limits = FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 };
        let mut slab = crate::slab::Slab::default();
        let [first, other] = [1, 2].map(|one| Waiter::Registration(slab.insert(one)));
        for narrows in [Narrows::Carrier(carrier.clone()), Narrows::Name(carrier.clone(), "alice".into())] {
            let mut budget = Budget::default();
            budget.wait(narrows.clone(), first);
            assert!(!budget.is_waited_for(first), "nothing is out");
            let risk = budget.risk(at(1), &carrier, "alice", Asker::Person, &limits).unwrap();
            assert!(budget.is_waited_for(first) && !budget.is_waited_for(other));
            budget.known(at(2), risk, true);
            assert!(!budget.is_waited_for(first));
        }
    }

    #[test]
    fn no_more_failures_are_kept_than_decide_anything() {
        let mut failures = VecDeque::new();
        (0..100).for_each(|second| count(&mut failures, at(second)));
        assert_eq!((failures.len(), failures.front()), (FAILURES_MAX, Some(&at(36))));
    }
}
