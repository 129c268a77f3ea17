//! From names to addresses.

use std::time::Duration;

use super::{Endpoint, Inquirer};
use crate::locate::{Place, Question};
use crate::ping::Ping;
use crate::slab::Key;
use crate::wire::Timer;
use crate::{Instant, Query, Resolution, ResolveFault};

/// A look-up is waited for so long, whatever becomes of it: longer than an edge gives its name servers.
const LOOKUP_MAX: Duration = Duration::from_secs(20);

/// So many places of a carrier are asked by OPTIONS.
const PINGS_MAX: usize = 64;

impl Endpoint {
    /// Orders a carrier's look-ups.
    pub(super) fn look_up_carrier(&mut self, now: Instant, carrier: Key, questions: Vec<(usize, Question)>) {
        for (at, question) in questions {
            let query = self.look_up(now, Inquirer::Carrier(carrier), question.clone());
            if let Some(carrier) = self.carriers.at_mut(carrier) {
                carrier.targets.asked(at, &question, query);
            }
        }
    }

    /// Orders a verification's look-ups.
    pub(super) fn look_up_probe(&mut self, now: Instant, probe: Key, questions: Vec<(usize, Question)>) {
        for (at, question) in questions {
            let query = self.look_up(now, Inquirer::Probe(probe), question.clone());
            if let Some(probe) = self.probes.at_mut(probe) {
                probe.targets.asked(at, &question, query);
            }
        }
    }

    pub(super) fn look_up(&mut self, now: Instant, inquirer: Inquirer, question: Question) -> Query {
        let query = self.wire.look_up(question);
        let timer = self.wire.wheel.arm(now + LOOKUP_MAX, Timer::Query(query));
        self.queries.insert(query, (inquirer, timer));
        query
    }

    /// A look-up was ordered, and nothing came.
    pub(super) fn unanswered(&mut self, now: Instant, query: Query) {
        self.settle_query(now, query, Err(ResolveFault::Failed(format!("no answer within {} s", LOOKUP_MAX.as_secs()))));
    }

    pub(super) fn resolved(&mut self, now: Instant, query: Query, outcome: Result<Resolution, ResolveFault>) {
        // One that comes after its time has gone.
        if let Some((_, timer)) = self.queries.get(&query) {
            self.wire.wheel.disarm(*timer);
            self.settle_query(now, query, outcome);
        }
    }

    fn settle_query(&mut self, now: Instant, query: Query, outcome: Result<Resolution, ResolveFault>) {
        match self.queries.remove(&query) {
            Some((Inquirer::Carrier(key), _)) => {
                let Some(carrier) = self.carriers.at_mut(key) else { return };
                let troubled = carrier.targets.is_troubled();
                let ended = carrier.targets.resolved(now, query, outcome);
                let changed = carrier.targets.is_troubled() != troubled;
                let more = carrier.targets.follow_ups();
                self.look_up_carrier(now, key, more);
                if changed {
                    self.tell_carrier(now, key);
                }
                if ended {
                    self.keep_alive(now, key);
                    self.pump(now, key);
                }
            }
            Some((Inquirer::Probe(key), _)) => {
                let Some(probe) = self.probes.at_mut(key) else { return };
                let ended = probe.targets.resolved(now, query, outcome);
                let more = probe.targets.follow_ups();
                let begun = probe.hop.is_some();
                self.look_up_probe(now, key, more);
                // One that has begun goes on by itself.
                if ended && !begun {
                    self.probe_next(now, key);
                }
            }
            Some((Inquirer::Redirect(key), _)) => self.redirect_found(now, key, outcome),
            Some((Inquirer::ProbeRedirect(key), _)) => self.probe_redirect_found(now, key, outcome),
            None => {}
        }
    }

    /// Sees to it that every place of a carrier with registrations is asked by OPTIONS.
    pub(super) fn keep_alive(&mut self, now: Instant, key: Key) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let wanted: Vec<(Box<str>, Place)> = match (carrier.profile.options, carrier.registrations) {
            (None, _) | (_, 0) => Vec::new(),
            (Some(_), _) => {
                let mut wanted: Vec<(Box<str>, Place)> = Vec::new();
                for (uri, place) in carrier.targets.places() {
                    let new = !wanted.iter().any(|(_, known)| *known == place);
                    if new && wanted.len() < PINGS_MAX && self.wire.local_for(place.address).is_some() {
                        wanted.push((uri.as_ref().into(), place));
                    }
                }
                wanted
            }
        };
        if carrier.profile.options.is_some() && carrier.registrations > 0 && wanted.is_empty() {
            // The look-ups that it needs, before any REGISTER wants them.
            let hops = carrier.targets.stale(now);
            self.look_up_carrier(now, key, hops);
        }
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        if carrier.pings.len() == wanted.len() && carrier.pings.iter().zip(&wanted).all(|(ping, (_, place))| ping.target == *place) {
            return;
        }
        let mut old = std::mem::take(&mut carrier.pings);
        let mut pings = Vec::new();
        for (at, (uri, target)) in wanted.into_iter().enumerate() {
            let Some(local) = self.wire.local_for(target.address) else { continue };
            let known = old.iter().position(|ping| ping.target == target).map(|at| old.swap_remove(at));
            let mut ping = known.unwrap_or_else(|| Ping::new(target, &uri, local, self.wire.identity()));
            self.drop_ping(&mut ping);
            ping.timer = Some(self.wire.wheel.arm(now, Timer::Ping(key, at)));
            pings.push(ping);
        }
        for mut ping in old {
            self.drop_ping(&mut ping);
        }
        if let Some(carrier) = self.carriers.at_mut(key) {
            carrier.pings = pings;
        }
    }

    fn drop_ping(&mut self, ping: &mut Ping) {
        if let Some(timer) = ping.timer.take() {
            self.wire.wheel.disarm(timer);
        }
        if let Some(out) = ping.out.take() {
            self.wire.abandon(out);
        }
    }
}
