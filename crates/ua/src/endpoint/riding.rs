//! A verification that renews the trunk's own binding (carriers.md B11): in line with refreshes, by the registration's Call-ID and CSeq.

use std::time::Duration;

use sip::Message;

use super::Endpoint;
use crate::Instant;
use crate::granted::{Granted, granted};
use crate::probe::Asks;
use crate::registration::{Binding, Phase};
use crate::slab::Key;
use crate::wire::{Timer, Transaction};

/// A refresh that is on is waited for in such steps.
const STEP: Duration = Duration::from_millis(100);

/// What became of a wish to ride.
pub(super) enum Mounted {
    /// The registration's identity is the verification's for one request.
    Yes,
    /// A refresh or another verification is on; it looks again soon.
    NotYet,
    /// The registration, or its binding, has gone.
    Gone,
}

impl Endpoint {
    /// Takes the registration's identity for the next request.
    pub(super) fn mount(&mut self, now: Instant, probe_key: Key, key: Key) -> Mounted {
        let Some(probe) = self.probes.at_mut(probe_key) else { return Mounted::Gone };
        let mounted =
            self.registrations.at_mut(key).filter(|registration| registration.ridden == Some(probe_key) || registration.binding.is_some());
        let Some(registration) = mounted else {
            // It went meanwhile; a binding of our own is as good.
            probe.asks = Asks::Binding;
            probe.identity = self.wire.identity();
            probe.answers.clear();
            return Mounted::Gone;
        };
        let busy = registration.ridden.is_none() && matches!(registration.phase, Phase::Asking(_) | Phase::Queued(_));
        if busy || registration.ridden.is_some_and(|rider| rider != probe_key) {
            let again = self.wire.wheel.arm(probe.deadline.min(now + STEP), Timer::Probe(probe_key));
            if let Some(timer) = probe.timer.replace(again) {
                self.wire.wheel.disarm(timer);
            }
            return Mounted::NotYet;
        }
        registration.ridden = Some(probe_key);
        probe.identity = registration.identity.clone();
        registration.identity.cseq += 1;
        self.arm(key);
        Mounted::Yes
    }

    /// The renewal was granted: the binding runs on from there.
    pub(super) fn rode(&mut self, now: Instant, probe_key: Key, key: Key, transaction: &Transaction, message: &Message<'_>) {
        let Some(probe) = self.probes.at(probe_key) else { return };
        let (account, proven) = (&probe.order.account, !probe.answers.is_empty());
        let version = probe.order.credential.as_ref().map(|credential| credential.version);
        let contact = self.renewed_contact(key, account, transaction.local, transaction.target.transport);
        let (Some(registration), Some(contact)) = (self.registrations.at_mut(key), contact) else { return };
        let (Granted::Bound { time, .. } | Granted::Unlisted { time }) = granted(message, &contact, None, account.expires) else { return };
        if time.is_zero() {
            return;
        }
        let old = registration.binding.as_ref();
        registration.binding = Some(Binding {
            address_of_record: account.address_of_record.clone(),
            registrar: transaction.target,
            granted: time,
            lapses_at: transaction.sent_at + time,
            registered_at: old.map_or(now, |binding| binding.registered_at),
            version: version.or(old.map(|binding| binding.version)).unwrap_or_default(),
            authenticated: proven,
            contact,
        });
        let (carrier, rests) = (registration.carrier, matches!(registration.phase, Phase::Bound { .. }));
        let refresh_at = self.plan(now, carrier, transaction.sent_at, time);
        if let (true, Some(registration)) = (rests, self.registrations.at_mut(key)) {
            registration.phase = Phase::Bound { refresh_at };
        }
        self.arm(key);
        self.tell_status(now, key);
        self.save(key);
    }

    /// Lets the registration go on by itself.
    pub(super) fn dismount(&mut self, now: Instant, probe: Key, key: Key) {
        let Some(registration) = self.registrations.at_mut(key).filter(|registration| registration.ridden == Some(probe)) else { return };
        registration.ridden = None;
        let again = std::mem::take(&mut registration.again);
        self.arm(key);
        // Its CSeq has risen.
        self.save(key);
        if again {
            self.enqueue(now, key, true);
        } else {
            // While it was ridden it could not say when it acts next.
            self.tell_status(now, key);
        }
    }
}
