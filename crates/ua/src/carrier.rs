//! A carrier as an endpoint sees it: its profile, its next hops, how fast it may be asked and what it taught us.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ping::Ping;
use crate::slab::Key;
use crate::targets::Targets;
use crate::wheel::TimerKey;
use crate::{Instant, NonceReuse, Pacing, Profile};

/// carriers.md C12: so many refusals of a remembered nonce running, without `stale`, switch reuse off.
const REUSE_REFUSALS: u8 = 2;
/// ... for so long. What was learnt of a nonce's age is forgotten after as long.
const REUSE_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// A carrier.
pub struct Carrier {
    /// What is known of it.
    pub profile: Profile,
    /// Its next hops.
    pub targets: Targets,
    /// OPTIONS keep-alive of each address.
    pub pings: Vec<Ping>,
    /// How fast it may be asked.
    pub pace: Pace,
    /// How long its nonces live.
    pub nonces: Nonces,
    /// So many registrations are with it.
    pub registrations: usize,
}

impl Carrier {
    /// Begins to know a carrier.
    pub fn new(now: Instant, profile: Profile) -> Self {
        Carrier {
            targets: Targets::new(&profile),
            pings: Vec::new(),
            pace: Pace::new(now, profile.pacing),
            nonces: Nonces::default(),
            registrations: 0,
            profile,
        }
    }
}

/// Which REGISTER goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A person waits for it.
    Ordered,
    /// A binding runs; the nearest to lapse goes first.
    Refresh { lapses_at: Instant },
    /// Nothing is bound yet.
    First,
}

/// A token bucket of REGISTER datagrams, a cap of transactions, and who waits.
///
/// A first request takes two tokens, one of them for the answer to its challenge, so that an answer never waits; what was not needed comes back.
#[derive(Debug)]
pub struct Pace {
    limits: Pacing,
    /// Thousandths of a datagram; below zero after retransmissions.
    tokens: i64,
    filled_at: Instant,
    in_flight: u32,
    waiting: BTreeMap<(Urgency, u64), Key>,
    order: u64,
    /// Wakes the queue.
    pub timer: Option<TimerKey>,
}

/// Tokens of a first request: itself and the answer to its challenge.
const FIRST: i64 = 2_000;
const ONE: i64 = 1_000;

impl Pace {
    fn new(now: Instant, limits: Pacing) -> Self {
        Pace { limits, tokens: burst(limits), filled_at: now, in_flight: 0, waiting: BTreeMap::new(), order: 0, timer: None }
    }

    /// Takes changed limits.
    pub fn limit(&mut self, limits: Pacing) {
        self.limits = limits;
    }

    /// Queues a registration; give the ticket back to leave the queue.
    pub fn enqueue(&mut self, urgency: Urgency, registration: Key) -> Ticket {
        self.order += 1;
        let ticket = Ticket(urgency, self.order);
        self.waiting.insert((urgency, self.order), registration);
        ticket
    }

    /// Takes a registration out of the queue.
    pub fn leave(&mut self, ticket: Ticket) {
        self.waiting.remove(&(ticket.0, ticket.1));
    }

    /// Returns how many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Returns how many ask.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Tells whether as many ask as may.
    pub fn is_full(&self) -> bool {
        self.in_flight >= self.limits.in_flight.max(1)
    }

    /// Tells whether nobody waits.
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Takes the next registration that may ask now; else says when to look again, if time alone brings it.
    pub fn admit(&mut self, now: Instant) -> Result<Key, Option<Instant>> {
        self.fill(now);
        if self.waiting.is_empty() || self.is_full() {
            return Err(None);
        }
        // A rate below two per second must still let one through.
        let needed = FIRST.min(burst(self.limits));
        if self.tokens < needed {
            let missing = u64::try_from(needed - self.tokens).unwrap_or(0);
            let rate = u64::from(self.limits.registers_per_second.max(1));
            return Err(Some(now + Duration::from_micros((missing * 1_000).div_ceil(rate))));
        }
        let Some((_, registration)) = self.waiting.pop_first() else { return Err(None) };
        self.tokens -= FIRST;
        self.in_flight += 1;
        Ok(registration)
    }

    /// Takes everybody out of the queue.
    pub fn drain(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// An exchange has ended after so many datagrams (of which `admit` paid two).
    pub fn ended(&mut self, datagrams: u32) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.tokens += FIRST - ONE * i64::from(datagrams);
    }

    /// Counts a verification's datagram, which waits for nobody.
    pub fn charge(&mut self, datagrams: u32) {
        self.tokens -= ONE * i64::from(datagrams);
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.since(self.filled_at);
        let gained = passed.as_micros().saturating_mul(u128::from(self.limits.registers_per_second)) / 1_000;
        let gained = i64::try_from(gained).unwrap_or(i64::MAX);
        if gained > 0 {
            self.tokens = self.tokens.saturating_add(gained).min(burst(self.limits));
            self.filled_at = now;
        }
    }
}

/// A bucket holds a twentieth of a second, so that a second never sees much more than its rate.
fn burst(limits: Pacing) -> i64 {
    (i64::from(limits.registers_per_second) * ONE / 20).max(FIRST)
}

/// A place in a carrier's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(Urgency, u64);

/// How long a carrier's nonces may be used again (carriers.md C1, C12).
#[derive(Debug, Default)]
pub struct Nonces {
    /// The smallest age at which one was refused.
    too_old: Option<Duration>,
    learnt_at: Instant,
    refusals: u8,
    off_until: Instant,
}

impl Nonces {
    /// Tells whether a nonce of that age is worth sending unasked. Where nothing is known it is: a refusal costs what asking would.
    pub fn usable(&self, now: Instant, age: Duration, reuse: NonceReuse) -> bool {
        match reuse {
            NonceReuse::Never => false,
            NonceReuse::Always => true,
            NonceReuse::Auto => {
                let forgotten = now.since(self.learnt_at) >= REUSE_PAUSE;
                now >= self.off_until && (forgotten || self.too_old.is_none_or(|limit| age < limit))
            }
        }
    }

    /// A remembered nonce was accepted.
    pub fn accepted(&mut self, age: Duration) {
        self.refusals = 0;
        // The limit was some other cause, or has been raised.
        if self.too_old.is_some_and(|limit| age >= limit) {
            self.too_old = None;
        }
    }

    /// A remembered nonce was refused.
    pub fn refused(&mut self, now: Instant, age: Duration, stale: bool) {
        self.too_old = Some(self.too_old.map_or(age, |limit| limit.min(age)));
        self.learnt_at = now;
        if stale {
            self.refusals = 0;
            return;
        }
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals >= REUSE_REFUSALS {
            self.off_until = now + REUSE_PAUSE;
            self.refusals = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slab::Slab;

    fn ms(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    #[test]
    fn no_second_sees_more_than_the_rate_and_the_nearest_to_lapse_goes_first() {
        let mut keys = Slab::default();
        let mut pace = Pace::new(ms(0), Pacing { registers_per_second: 100, in_flight: 1000 });
        let all: Vec<Key> = (0..500).map(|n| keys.insert(n)).collect();
        for (n, &key) in all.iter().enumerate() {
            pace.enqueue(Urgency::Refresh { lapses_at: ms(1_000_000 - n as u64) }, key);
        }
        let first = pace.enqueue(Urgency::First, keys.insert(1000));
        pace.leave(first);
        let (mut now, mut admitted) = (ms(0), Vec::new());
        while !pace.is_idle() {
            match pace.admit(now) {
                Ok(key) => {
                    admitted.push((now, key));
                    pace.ended(2);
                }
                Err(at) => now = at.expect("only time is missing"),
            }
        }
        assert!(admitted.iter().map(|(_, key)| *key).eq(all.iter().rev().copied()));
        for second in 0..10 {
            let datagrams = admitted.iter().filter(|(at, _)| at.micros() / 1_000_000 == second).count() * 2;
            assert!(datagrams <= 106, "{datagrams} in second {second}");
        }
    }

    #[test]
    fn two_refusals_without_stale_switch_reuse_off_for_a_day() {
        let mut nonces = Nonces::default();
        let age = Duration::from_secs(30);
        assert!(nonces.usable(ms(0), age, NonceReuse::Auto));
        nonces.refused(ms(0), age, false);
        assert!(!nonces.usable(ms(1), age, NonceReuse::Auto), "that age is known to be too old");
        assert!(nonces.usable(ms(1), age / 2, NonceReuse::Auto));
        nonces.refused(ms(2), age / 2, false);
        assert!(!nonces.usable(ms(3), Duration::ZERO, NonceReuse::Auto));
        assert!(nonces.usable(ms(24 * 3600 * 1000 + 3), age, NonceReuse::Auto), "a day later it is tried again");
        assert!(nonces.usable(ms(3), age, NonceReuse::Always));
    }
}
