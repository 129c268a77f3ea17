//! OPTIONS keep-alive.

use super::{Endpoint, Reply, reason_of};
use crate::request::Options;
use crate::slab::Key;
use crate::wire::{Outset, Owner, TIMER_F, Timer, Transaction};
use crate::Instant;

impl Endpoint {
    /// Asks a target.
    pub(super) fn ping(&mut self, now: Instant, key: Key, at: usize) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let Some(limits) = carrier.profile.options else { return };
        let Some(ping) = carrier.pings.get_mut(at) else { return };
        ping.identity.cseq += 1;
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let Some(via) = self.wire.advertised(ping.local) else { return };
        let request =
            Options { uri: &ping.uri, identity: &ping.identity, branch: &branch.text(), via, user_agent: &self.wire.config.user_agent };
        let bytes = request.write(buffer);
        // The next one is not sent before this one has ended.
        let patience = limits.interval.min(TIMER_F);
        let outset = Outset {
            owner: Owner::Ping(key, at),
            method: "OPTIONS",
            identity: &ping.identity,
            local: ping.local,
            target: ping.target,
            branch,
            bytes,
            patience,
            exact_source: carrier.profile.response_source_exact,
        };
        ping.out = Some(self.wire.start(now, outset));
        ping.timer = Some(self.wire.wheel.arm(now + limits.interval, Timer::Ping(key, at)));
    }

    pub(super) fn ping_ended(&mut self, now: Instant, key: Key, at: usize, transaction: &Transaction, reply: &Reply<'_>) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let Some(limits) = carrier.profile.options else { return };
        let Some(ping) = carrier.pings.get_mut(at) else { return };
        ping.out = None;
        let changed = match reply {
            Reply::Answer(message) => {
                carrier.targets.answered(transaction.target);
                ping.answered(now, reason_of(message).0, now.since(transaction.sent_at), &limits)
            }
            Reply::Silence | Reply::NotSent(_) => ping.silent(now, &limits),
        };
        if changed {
            let with_it: Vec<Key> = self.registrations.iter().filter(|(_, registration)| registration.carrier == key).map(|(key, _)| key).collect();
            for registration in with_it {
                self.tell_status(now, registration);
            }
        }
    }
}
