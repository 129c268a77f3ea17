//! Digests that may fail and are out: while too many are, others wait for what becomes of them (carriers.md, failed digests).

use sip::Message;

use super::Endpoint;
use crate::Instant;
use crate::budget::{Narrows, Risk, Waiter};
use crate::registration::Phase;
use crate::slab::Key;

impl Endpoint {
    /// Takes digests back whose outcome is known, or will never be, and lets those go on who waited for it.
    pub(super) fn known(&mut self, now: Instant, risks: Vec<Risk>, accepted: bool) {
        let freed = self.budget.all_known(now, risks, accepted);
        self.let_go(now, &freed);
    }

    /// Lets those go on who waited there, as far as they may by now.
    pub(super) fn let_go(&mut self, now: Instant, freed: &[Narrows]) {
        for narrows in freed {
            while let Some(waiter) = self.budget.next_waiter(narrows) {
                match waiter {
                    Waiter::Registration(key) => self.unpark(now, key),
                    Waiter::Probe(key) => self.unpark_probe(now, key),
                }
                if self.budget.waits_last(narrows, waiter) {
                    break;
                }
            }
        }
    }

    /// Judges a challenge anew that waits to be answered.
    fn unpark(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let (exchange, answer) = match std::mem::replace(&mut registration.phase, Phase::Idle) {
            Phase::Parked { exchange, answer } => (exchange, answer),
            // It was taken back meanwhile.
            other => {
                registration.phase = other;
                return;
            }
        };
        if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
            carrier.pace.goes_on();
        }
        if let Ok(message) = Message::parse(&answer) {
            self.challenged(now, key, exchange, &message);
        }
    }

    fn unpark_probe(&mut self, now: Instant, key: Key) {
        let Some(answer) = self.probes.at_mut(key).and_then(|probe| probe.parked.take()) else { return };
        if let Ok(message) = Message::parse(&answer) {
            self.probe_challenged(now, key, &message);
        }
    }
}
