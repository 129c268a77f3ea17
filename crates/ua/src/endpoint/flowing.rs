//! Connections that open, answer, and end.

use super::{Endpoint, Loss, Reply};
use crate::registration::{Phase, Registration};
use crate::slab::Key;
use crate::{Flow, FlowFault, Instant, Transport};

impl Endpoint {
    pub(super) fn ponged(&mut self, flow: Flow) {
        if let Some(connection) = self.wire.flows.at_mut(flow) {
            connection.ponged();
        }
    }

    /// A ping was not answered, or nobody says whether the connection is open: it is taken for dead.
    pub(super) fn unresponsive(&mut self, now: Instant, flow: Flow) {
        self.lost(now, flow, &FlowFault::Timeout, true);
    }

    /// A connection could not be opened, or has ended.
    pub(super) fn closed(&mut self, now: Instant, flow: Flow, fault: &FlowFault) {
        self.lost(now, flow, fault, false);
    }

    fn lost(&mut self, now: Instant, flow: Flow, fault: &FlowFault, closes: bool) {
        let Some(connection) = self.wire.drop_flow(flow, closes) else { return };
        let loss = Loss { fault, was_open: connection.opening.is_some(), asked_at: connection.asked_at };
        // Before anybody asks anew: none of them may count on it any more.
        let seated: Vec<Key> =
            self.registrations.iter().filter(|(_, registration)| registration.seat == Some(flow)).map(|(key, _)| key).collect();
        for &key in &seated {
            if let Some(registration) = self.registrations.at_mut(key) {
                registration.seat = None;
            }
        }
        for key in self.wire.waiting_on(flow) {
            if let Some(transaction) = self.wire.end(key) {
                self.ended(now, transaction, &Reply::Lost(&loss));
            }
        }
        self.renew_bound_to(now, seated);
    }

    /// carriers.md N7: who can be reached over the connection alone is renewed, as fast as the carrier's pace allows, nearest lapse first.
    fn renew_bound_to(&mut self, now: Instant, seated: Vec<Key>) {
        let mut renewed: Vec<_> = seated
            .into_iter()
            .filter_map(|key| {
                let registration = self.registrations.at(key)?;
                let bound = matches!(registration.phase, Phase::Bound { .. }) && self.is_flow_bound(registration);
                bound.then_some((registration.binding.as_ref()?.lapses_at, key))
            })
            .collect();
        renewed.sort_unstable_by_key(|&(lapses_at, _)| lapses_at);
        for (_, key) in renewed {
            self.enqueue(now, key, false);
        }
    }

    /// Tells whether a registrar reaches a binding over our connection alone: RFC 5626, or a Contact that is the connection's own address.
    pub(super) fn is_flow_bound(&self, registration: &Registration) -> bool {
        let Some(binding) = &registration.binding else { return false };
        let manners = self.carriers.at(registration.carrier).map(|carrier| &carrier.profile.manners);
        binding.registrar.transport != Transport::Udp && manners.is_some_and(|manners| manners.outbound || manners.nat_rewrite)
    }

    /// Gives a registration's seat on a connection up.
    pub(super) fn unseat(&mut self, key: Key) {
        let seat = self.registrations.at_mut(key).and_then(|registration| registration.seat.take());
        if let Some(connection) = seat.and_then(|flow| self.wire.flows.at_mut(flow)) {
            connection.seats = connection.seats.saturating_sub(1);
        }
    }
}
