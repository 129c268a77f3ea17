//! The reference model: what a registration must be, kept beside the machine from what crosses the network and what is ordered.
//!
//! It knows nothing of the machine's insides. Each rule is checked where it can first be broken; see [`Rule`].

mod digests;
mod lapse;
mod liveness;
mod pace;
mod reach;
mod requests;
mod responses;
mod restart;
mod status;
#[cfg(test)]
mod tests;
mod transactions;
mod watched;

use std::time::Duration;

use ua::{Instant, RegistrationState};

use crate::Plan;
use crate::report::{Report, Rule, Violation};
use crate::roster::Roster;
use crate::trace::{Line, Trace, clock};
use digests::Digests;
use pace::Pace;
use reach::Reach;
pub use requests::Way;
use transactions::Transactions;
pub use watched::Want;
use watched::Watched;

/// So often a broken rule is listed; beyond that it is counted.
const LISTED: u64 = 2;

/// What is expected, what was seen, and what was wrong.
#[derive(Debug)]
pub struct Model {
    roster: Roster,
    facts: Vec<Facts>,
    transactions: Transactions,
    digests: Digests,
    paces: Vec<Pace>,
    reach: Vec<Reach>,
    darkness: Vec<Reach>,
    edge: Reach,
    trunks: Vec<Watched>,
    /// Nothing is lost at present, and was not for the last minutes.
    fair_since: Option<Instant>,
    /// What is reported in the end.
    pub report: Report,
    /// The last lines of each trunk, and the hash of everything.
    pub trace: Trace,
}

/// What is known of a carrier in advance.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The realm that the credentials pin.
    pub realm: Option<String>,
    /// So many addresses.
    pub nodes: usize,
    /// REGISTER datagrams per second.
    pub rate: u32,
    /// Transactions in flight.
    pub in_flight: u32,
}

impl Model {
    /// Begins to watch.
    pub fn new(plan: &Plan, roster: Roster, facts: Vec<Facts>) -> Self {
        Model {
            roster,
            transactions: Transactions::default(),
            digests: Digests::default(),
            paces: facts.iter().map(|facts| Pace::new(facts.rate, facts.in_flight)).collect(),
            reach: facts.iter().map(|_| Reach::default()).collect(),
            darkness: facts.iter().map(|_| Reach::default()).collect(),
            facts,
            edge: Reach::default(),
            trunks: (0..roster.trunks).map(|_| Watched::default()).collect(),
            fair_since: None,
            report: Report { seed: plan.seed, trunks: plan.trunks, ..Report::default() },
            trace: Trace::new(roster.trunks, plan.traced.map(|trunk| trunk as usize % roster.trunks)),
        }
    }

    /// Takes down that a rule is broken.
    pub fn violated(&mut self, now: Instant, rule: Rule, trunk: Option<usize>, what: String) {
        let times = self.report.broken.entry(rule).or_default();
        *times += 1;
        if *times <= LISTED {
            let trace = trunk.map(|trunk| self.trace.of(trunk)).unwrap_or_default();
            self.report.violations.push(Violation { at: now, rule, trunk, what, trace });
        }
    }

    /// Notes what went wrong in the world, or ended.
    pub fn tell(&mut self, now: Instant, what: impl std::fmt::Display) {
        self.report.story.push(format!("{} {what}", clock(now)));
    }

    /// Notes what was done to a trunk.
    pub fn note(&mut self, now: Instant, trunk: usize, what: &str) {
        self.trace.write(now, trunk, Line::Noted(what.to_owned()));
    }

    /// Notes whether a carrier can be reached, or answers as it should.
    pub fn reachable(&mut self, now: Instant, carrier: usize, reachable: bool) {
        self.reach[carrier].set(now, reachable);
    }

    /// Notes whether datagrams get lost.
    pub fn weather(&mut self, now: Instant, fair: bool) {
        self.fair_since = if fair { self.fair_since.or(Some(now)) } else { None };
    }

    /// Notes an order that renews a trunk, or changes what it registers.
    pub fn ordered(&mut self, now: Instant, trunk: usize, want: Want, fresh_secret: bool) {
        let watched = &mut self.trunks[trunk];
        // Whatever else is changed of a held version, it stays held.
        watched.held &= !fresh_secret && watched.want == want;
        watched.want = want;
        watched.ordered_at = Some(now);
        watched.acted_at = now;
        if fresh_secret {
            watched.failed_digests = 0;
            watched.proven = false;
        }
    }

    /// Notes that a verification began or ended.
    pub fn verifying(&mut self, now: Instant, trunk: usize, on: bool) {
        let watched = &mut self.trunks[trunk];
        watched.verifying = on;
        watched.riding = false;
        // What waited for it goes on now.
        watched.ordered_at = Some(now);
        watched.acted_at = now;
    }

    /// Notes that an operator releases a trunk.
    pub fn released(&mut self, now: Instant, trunk: usize) {
        self.ordered(now, trunk, Want::Kept, true);
        self.trunks[trunk].released = true;
    }

    /// Notes whether a carrier is dark: nothing that it is sent has an answer.
    pub fn dark(&mut self, now: Instant, carrier: usize, dark: bool) {
        self.darkness[carrier].set(now, !dark);
    }

    /// Tells since when the edge believes a trunk bound, if it does and no answer is out, or lost, that may have ended it: of a renewal
    /// whose answer never came nobody knows for how long it was granted.
    pub fn believed(&self, now: Instant, trunk: usize) -> Option<Instant> {
        let watched = &self.trunks[trunk];
        let removed = |sent_at| watched.removal_at.is_some_and(|at| at >= sent_at);
        let grant = watched.grant.as_ref().filter(|_| watched.want == Want::Kept && watched.open.is_none())?;
        (now < grant.lapses_at && !watched.unheard && !removed(grant.sent_at)).then_some(grant.sent_at)
    }

    /// Tells whether a trunk is held.
    pub fn is_held(&self, trunk: usize) -> bool {
        let watched = &self.trunks[trunk];
        // A held trunk that was withdrawn and given back says so by its status alone.
        watched.held || (watched.want == Want::Kept && watched.state == Some(RegistrationState::AuthHeld))
    }

    fn slack(&self, carrier: usize) -> Duration {
        let trunks = u64::try_from(self.trunks.len() / self.reach.len().max(1)).unwrap_or(u64::MAX);
        let facts = &self.facts[carrier];
        // Where nobody answers, as many as may be in flight wait for their timer F before the next ones have their turn; and no more than five
        // whose secret may fail, as all may after a crash (seed 1734 of the 2,000 nights).
        let turns = trunks / u64::from(facts.in_flight.clamp(1, 5));
        Duration::from_secs(90 + trunks * 2 / u64::from(facts.rate.max(1)))
            + transactions::TIMER_F * u32::try_from(turns).unwrap_or(u32::MAX)
    }
}
