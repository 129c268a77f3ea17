//! A verification that renews the trunk's own binding (carriers.md B11): in line with refreshes, by the registration's Call-ID and CSeq.

use std::time::Duration;

use sip::Message;

use super::Endpoint;
use crate::granted::{Granted, granted};
use crate::registration::{Phase, refresh_at};
use crate::slab::Key;
use crate::wire::{Timer, Transaction};
use crate::Instant;

/// A refresh that is on is waited for in such steps.
const STEP: Duration = Duration::from_millis(100);

impl Endpoint {
    /// Takes the registration's identity for the next request. While a refresh is on it says no, and looks again soon.
    pub(super) fn mount(&mut self, now: Instant, probe_key: Key, key: Key) -> bool {
        let Some(probe) = self.probes.at_mut(probe_key) else { return false };
        let Some(registration) = self.registrations.at_mut(key).filter(|registration| registration.binding.is_some()) else {
            // It went meanwhile; a binding of our own is as good.
            probe.asks = crate::probe::Asks::Binding;
            return true;
        };
        if matches!(registration.phase, Phase::Asking(_) | Phase::Queued(_)) {
            if let Some(timer) = probe.timer.take() {
                self.wire.wheel.disarm(timer);
            }
            probe.timer = Some(self.wire.wheel.arm(probe.deadline.min(now + STEP), Timer::Probe(probe_key)));
            return false;
        }
        registration.ridden = true;
        probe.identity = registration.identity.clone();
        registration.identity.cseq += 1;
        if probe.timer.is_none() {
            probe.timer = Some(self.wire.wheel.arm(probe.deadline, Timer::Probe(probe_key)));
        }
        true
    }

    /// The renewal was granted: the binding runs on from there.
    pub(super) fn rode(&mut self, now: Instant, key: Key, transaction: &Transaction, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let asked = registration.assignment.account.expires;
        let Some(binding) = &mut registration.binding else { return };
        if let Granted::Bound { time, .. } | Granted::Unlisted { time } = granted(message, &binding.contact, asked)
            && !time.is_zero()
        {
            binding.granted = time;
            binding.lapses_at = transaction.sent_at + time;
            if let Phase::Bound { refresh_at: at } = &mut registration.phase {
                *at = refresh_at(transaction.sent_at, time, &mut self.wire.jitter);
            }
            self.arm(key);
            self.tell_status(now, key);
            self.save(key);
        }
    }

    /// Lets the registration go on by itself.
    pub(super) fn dismount(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.ridden = false;
        if std::mem::take(&mut registration.again) {
            self.enqueue(now, key, true);
        }
    }
}
