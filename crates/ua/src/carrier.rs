//! A carrier as an endpoint sees it: its profile, its next hops, how fast it may be asked and what it taught us.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::SipStatus;

use crate::answering::Ha2;
use crate::challenge::Asked;
use crate::desired::InCommon;
use crate::ping::Ping;
use crate::slab::Key;
use crate::slots::Slots;
use crate::targets::Targets;
use crate::wheel::TimerKey;
use crate::{Instant, Negotiated, NonceReuse, Pacing, Profile, Transport};

/// So many of what trunks may share are looked at.
const SHARED_MAX: usize = 8;
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
    /// When its registrations are to be refreshed.
    pub slots: Slots,
    /// So many registrations are with it.
    pub registrations: usize,
    /// A target that was down answers OPTIONS again: the first registration that succeeds releases those that wait (carriers.md, back-off).
    pub healing: bool,
    /// Our address as it saw it last, whichever trunk asked.
    pub public: Option<SocketAddr>,
    /// Which of its profiles this is, from 1.
    pub epoch: u32,
    /// What was asked and agreed upon last, whichever trunk's.
    terms: Vec<(Arc<Asked>, Arc<Negotiated>)>,
    /// The digest of method and URI that was used last.
    pub ha2: Ha2,
    /// The final answers that came last.
    statuses: Vec<Arc<SipStatus>>,
    /// What its trunks have in common.
    pub common: InCommon,
}

impl Carrier {
    /// Keeps what was asked once for all who were asked the same, and returns what is agreed upon by answering it.
    pub fn share(&mut self, asked: &mut Arc<Asked>) -> Arc<Negotiated> {
        if let Some((shared, terms)) = self.terms.iter().find(|(shared, _)| *shared == *asked) {
            *asked = Arc::clone(shared);
            return Arc::clone(terms);
        }
        let terms = asked.negotiated();
        let same = self.terms.iter().find(|(_, shared)| **shared == terms).map(|(_, shared)| Arc::clone(shared));
        let terms = same.unwrap_or_else(|| Arc::new(terms));
        keep(&mut self.terms, (Arc::clone(asked), Arc::clone(&terms)));
        terms
    }

    /// Keeps terms once for all who agreed upon the same.
    pub fn share_terms(&self, terms: Negotiated) -> Arc<Negotiated> {
        let same = self.terms.iter().find(|(_, shared)| **shared == terms);
        same.map_or_else(|| Arc::new(terms), |(_, shared)| Arc::clone(shared))
    }

    /// Keeps a final answer's status line once for all who saw the same.
    pub fn share_status(&mut self, code: u16, words: &[u8], make: impl FnOnce() -> SipStatus) -> Arc<SipStatus> {
        if let Some(shared) = self.statuses.iter().find(|shared| shared.code == code && shared.reason.as_bytes() == words) {
            return Arc::clone(shared);
        }
        let status = Arc::new(make());
        keep(&mut self.statuses, Arc::clone(&status));
        status
    }

    /// Begins to know a carrier.
    pub fn new(now: Instant, profile: Profile) -> Self {
        Carrier {
            targets: Targets::new(&profile, &Transport::CAN),
            pings: Vec::new(),
            pace: Pace::new(now, profile.pacing),
            nonces: Nonces::default(),
            slots: Slots::default(),
            registrations: 0,
            healing: false,
            public: None,
            epoch: 1,
            terms: Vec::new(),
            ha2: Ha2::default(),
            statuses: Vec::new(),
            common: InCommon::default(),
            profile,
        }
    }
}

/// Keeps one more of what is shared, and lets the oldest go.
fn keep<T>(shared: &mut Vec<T>, one: T) {
    if shared.len() >= SHARED_MAX {
        shared.remove(0);
    }
    shared.push(one);
}

/// Which REGISTER goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// A person waits for it.
    Ordered,
    /// A binding runs; the nearest to lapse goes first.
    Refresh {
        /// When it lapses.
        lapses_at: Instant,
    },
    /// Nothing is bound yet.
    First,
}

/// A token bucket of REGISTER datagrams, a cap of exchanges, and who waits.
///
/// An exchange pays its first datagram when it is admitted. What it sends beyond, answers to challenges and retransmissions, is paid at once
/// even where the bucket is empty, and goes out when its turn has come: before anybody else is admitted. So no second sees more than the rate.
#[derive(Debug)]
pub struct Pace {
    limits: Pacing,
    /// Thousandths of a datagram; below zero where datagrams are promised to times to come.
    tokens: i64,
    filled_at: Instant,
    in_flight: u32,
    waiting: BTreeMap<(Urgency, u64), Key>,
    order: u64,
    /// The last that was admitted went by order: a due refresh has its turn.
    ordered_last: bool,
    /// Wakes the queue.
    pub timer: Option<TimerKey>,
}

const ONE: i64 = 1_000;

impl Pace {
    /// Begins with a full bucket.
    pub fn new(now: Instant, limits: Pacing) -> Self {
        Pace {
            limits,
            tokens: burst(limits),
            filled_at: now,
            in_flight: 0,
            waiting: BTreeMap::new(),
            order: 0,
            ordered_last: false,
            timer: None,
        }
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
        if self.tokens < ONE {
            return Err(Some(now + self.time_for(ONE - self.tokens)));
        }
        let Some(registration) = self.take_next() else { return Err(None) };
        self.tokens -= ONE;
        self.in_flight += 1;
        Ok(registration)
    }

    /// Admits one that asks while nobody waits, without a place in the queue; tells whether it did.
    pub fn admit_at_once(&mut self, now: Instant, urgency: Urgency) -> bool {
        if !self.waiting.is_empty() || self.is_full() {
            return false;
        }
        self.fill(now);
        if self.tokens < ONE {
            return false;
        }
        // As if it had waited.
        self.order += 1;
        self.ordered_last = urgency == Urgency::Ordered;
        self.tokens -= ONE;
        self.in_flight += 1;
        true
    }

    /// Takes who is next. Orders go first, but a due refresh has every second turn: a bulk of orders must not let bindings lapse.
    fn take_next(&mut self) -> Option<Key> {
        let (&(urgency, _), _) = self.waiting.first_key_value()?;
        if urgency == Urgency::Ordered && self.ordered_last {
            self.ordered_last = false;
            let due = self.waiting.range((Urgency::Refresh { lapses_at: Instant::default() }, 0)..).next();
            if let Some((&place @ (Urgency::Refresh { .. }, _), _)) = due {
                return self.waiting.remove(&place);
            }
        }
        let ((urgency, _), registration) = self.waiting.pop_first()?;
        self.ordered_last = urgency == Urgency::Ordered;
        Some(registration)
    }

    /// Takes everybody out of the queue.
    pub fn drain(&mut self) -> Vec<Key> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// An exchange has ended.
    pub fn ended(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// An exchange goes on that had ended for the pace's part; it waits for nobody.
    pub fn goes_on(&mut self) {
        self.in_flight += 1;
    }

    /// Pays one more datagram of an exchange, and says when it may go.
    pub fn spend(&mut self, now: Instant) -> Instant {
        self.fill(now);
        self.tokens -= ONE;
        now + self.time_for(-self.tokens)
    }

    /// Takes a paid datagram back that did not go.
    pub fn give_back(&mut self) {
        self.tokens += ONE;
    }

    /// Counts a verification's datagram, which waits for nobody.
    pub fn charge(&mut self, now: Instant) {
        self.fill(now);
        self.tokens -= ONE;
    }

    /// How long it takes to gain so many tokens.
    fn time_for(&self, tokens: i64) -> Duration {
        let rate = u64::from(self.limits.registers_per_second.max(1));
        Duration::from_micros(u64::try_from(tokens).unwrap_or(0).saturating_mul(1_000).div_ceil(rate))
    }

    fn fill(&mut self, now: Instant) {
        let rate = u128::from(self.limits.registers_per_second.max(1));
        let gained = now.since(self.filled_at).as_micros().saturating_mul(rate) / 1_000;
        self.tokens = self.tokens.saturating_add(i64::try_from(gained).unwrap_or(i64::MAX)).min(burst(self.limits));
        // Only the time that it took: a remainder counts next time.
        let taken = u64::try_from(gained.saturating_mul(1_000) / rate).unwrap_or(u64::MAX);
        self.filled_at = self.filled_at + Duration::from_micros(taken);
    }
}

/// A bucket holds a twentieth of a second, so that a second never sees much more than its rate; and at least a request and its answer.
fn burst(limits: Pacing) -> i64 {
    (i64::from(limits.registers_per_second) * ONE / 20).max(2 * ONE)
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
        let (mut now, mut admitted, mut sent) = (ms(0), Vec::new(), Vec::new());
        while !pace.is_idle() {
            match pace.admit(now) {
                Ok(key) => {
                    admitted.push((now, key));
                    sent.extend([now, pace.spend(now)]);
                    pace.ended();
                }
                Err(at) => now = at.expect("only time is missing"),
            }
        }
        assert!(admitted.iter().map(|(_, key)| *key).eq(all.iter().rev().copied()));
        for second in 0..10 {
            let datagrams = sent.iter().filter(|at| at.micros() / 1_000_000 == second).count();
            assert!(datagrams <= 105, "{datagrams} in second {second}");
        }
    }

    #[test]
    fn orders_leave_every_second_turn_to_refreshes_that_are_due() {
        let mut keys = Slab::default();
        let mut pace = Pace::new(ms(0), Pacing { registers_per_second: 100_000, in_flight: 1000 });
        let mut wait = |urgency| {
            let key = keys.insert(());
            pace.enqueue(urgency, key);
            key
        };
        let orders: Vec<Key> = (0..4).map(|_| wait(Urgency::Ordered)).collect();
        let first = wait(Urgency::First);
        let due: Vec<Key> = (0..2).map(|n| wait(Urgency::Refresh { lapses_at: ms(100 - n) })).collect();
        let admitted: Vec<Key> = std::iter::from_fn(|| pace.admit(ms(0)).ok()).collect();
        assert_eq!(admitted, [orders[0], due[1], orders[1], due[0], orders[2], orders[3], first]);
    }

    #[test]
    fn what_trunks_have_in_common_is_kept_once_and_no_more_than_so_many_of_it() {
        let mut carrier = Carrier::new(ms(0), crate::endpoint::given::profile());
        let asked = |realm: &str| {
            Arc::new(Asked {
                source: sip::ChallengeSource::Registrar,
                holder: crate::account::Holder::Account,
                realm: realm.into(),
                algorithm: sip::digest::Algorithm::MD5,
                spelled: None,
                qop: sip::digest::Qop::Auth,
                userhash: false,
                utf8: false,
                offered: vec!["MD5".into()],
            })
        };
        let terms = |realm: &str| asked(realm).negotiated();
        let (mut first, mut second) = (asked("a"), asked("a"));
        let (agreed, again) = (carrier.share(&mut first), carrier.share(&mut second));
        assert!(Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&agreed, &again) && *agreed == terms("a"));
        assert!(Arc::ptr_eq(&carrier.share_terms(terms("a")), &agreed));
        assert_eq!(*carrier.share_terms(terms("b")), terms("b"));
        // Asked otherwise, agreed upon the same.
        let mut spelled = Arc::new(Asked { spelled: Some("md5".into()), ..(*asked("a")).clone() });
        assert!(Arc::ptr_eq(&carrier.share(&mut spelled), &agreed) && !Arc::ptr_eq(&spelled, &first));
        let mut status =
            |code: u16, words: &str| carrier.share_status(code, words.as_bytes(), || SipStatus { code, reason: words.to_owned() });
        let ok = status(200, "OK");
        assert!(Arc::ptr_eq(&status(200, "OK"), &ok) && !Arc::ptr_eq(&status(200, "Fine"), &ok) && !Arc::ptr_eq(&status(202, "OK"), &ok));
        for code in 0..SHARED_MAX {
            status(300 + code as u16, "No");
        }
        assert!(!Arc::ptr_eq(&status(200, "OK"), &ok), "the oldest has gone");
        assert!(carrier.statuses.len() == SHARED_MAX && carrier.terms.len() <= SHARED_MAX);
    }

    #[test]
    fn who_asks_while_nobody_waits_is_admitted_as_if_it_had_waited() {
        let limits = Pacing { registers_per_second: 1, in_flight: 3 };
        let mut keys = Slab::default();
        let mut pace = Pace::new(ms(0), limits);
        // Two tokens, and one more a second later, to the very moment.
        assert!(pace.admit_at_once(ms(0), Urgency::First) && pace.admit_at_once(ms(0), Urgency::First));
        assert!(!pace.admit_at_once(ms(999), Urgency::First) && pace.admit_at_once(ms(1000), Urgency::First));
        assert!(pace.in_flight() == 3 && !pace.admit_at_once(ms(9000), Urgency::First), "as many ask as may");
        pace.ended();
        assert!(pace.admit_at_once(ms(9000), Urgency::Ordered));
        pace.ended();
        // An order has had its turn: the due refresh has the next, and nobody overtakes who waits.
        let order = pace.enqueue(Urgency::Ordered, keys.insert(()));
        let due = keys.insert(());
        pace.enqueue(Urgency::Refresh { lapses_at: ms(60_000) }, due);
        assert!(!pace.admit_at_once(ms(20_000), Urgency::Ordered));
        assert_eq!(pace.admit(ms(20_000)), Ok(due));
        pace.leave(order);
        assert!(pace.is_idle());
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
