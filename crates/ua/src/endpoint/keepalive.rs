//! OPTIONS keep-alive.

use std::time::Duration;

use super::{Endpoint, Reply, reason_of};
use crate::flows::Route;
use crate::registration::{Phase, Wait};
use crate::request::Options;
use crate::slab::Key;
use crate::wire::{Outset, Owner, T1, TIMER_F, Timer, Transaction};
use crate::{Flow, Instant, OptionsState, Transport};

/// Whatever a profile says, no target is asked more often.
const INTERVAL_MIN: Duration = Duration::from_secs(1);

impl Endpoint {
    /// Asks a target.
    pub(super) fn ping(&mut self, now: Instant, key: Key, at: usize) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let Some(limits) = carrier.profile.options else { return };
        let Some(ping) = carrier.pings.get_mut(at) else { return };
        let flow = (ping.target.transport != Transport::Udp).then(|| {
            let route = Route {
                carrier: carrier.profile.id.clone(),
                place: ping.target,
                name: carrier.targets.name_of(ping.target),
                tls: carrier.profile.tls.clone(),
                local: ping.local,
            };
            self.wire.flow_for(now, &route, None, Flow::default())
        });
        ping.identity.cseq += 1;
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let Some(via) = self.wire.advertised(ping.local) else { return };
        let request = Options {
            uri: &ping.uri,
            identity: &ping.identity,
            branch: &branch.text(),
            via,
            transport: ping.target.transport,
            user_agent: &self.wire.config.user_agent,
        };
        let bytes = request.write(buffer);
        let interval = limits.interval.max(INTERVAL_MIN);
        // The next one is not sent before this one has ended.
        let patience = (interval - T1).min(TIMER_F);
        let outset = Outset {
            owner: Owner::Ping(key, at),
            method: "OPTIONS",
            identity: &ping.identity,
            local: ping.local,
            target: ping.target,
            flow,
            branch,
            bytes,
            from_at: 0,
            at: now,
            patience,
            exact_source: carrier.profile.response_source_exact,
        };
        ping.out = Some(self.wire.start(now, outset));
        ping.timer = Some(self.wire.wheel.arm(now + interval, Timer::Ping(key, at)));
    }

    pub(super) fn ping_ended(&mut self, now: Instant, key: Key, at: usize, transaction: &Transaction, reply: &Reply<'_>) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let Some(limits) = carrier.profile.options else { return };
        let Some(ping) = carrier.pings.get_mut(at) else { return };
        ping.out = None;
        let place = ping.target;
        let before = ping.status.state;
        let changed = match reply {
            Reply::Answer(message) => {
                carrier.targets.answered(now, place);
                ping.answered(now, reason_of(message).0, now.since(transaction.sent_at), &limits)
            }
            Reply::Silence | Reply::NotSent(_) | Reply::Lost(_) => ping.silent(now, &limits),
        };
        if !changed {
            return;
        }
        let healed = before == OptionsState::Down && ping.status.state == OptionsState::Up;
        if healed {
            carrier.targets.trust(place);
        }
        self.tell_carrier(now, key);
        if healed {
            self.send_canary(now, key);
        }
    }

    /// Tells the state of every registration that is with a carrier.
    pub(super) fn tell_carrier(&mut self, now: Instant, key: Key) {
        let with_it: Vec<Key> =
            self.registrations.iter().filter(|(_, registration)| registration.carrier == key).map(|(key, _)| key).collect();
        for registration in with_it {
            self.tell_status(now, registration);
        }
    }

    /// carriers.md, back-off: one REGISTER tries a carrier that answers OPTIONS again, before all do.
    fn send_canary(&mut self, now: Instant, key: Key) {
        let waiting = self.waiting_for_carrier(key);
        let soonest = waiting.into_iter().min_by_key(|&key| {
            let lapse = self.registrations.at(key).and_then(|registration| registration.binding.as_ref()).map(|binding| binding.lapses_at);
            (lapse.is_none(), lapse)
        });
        let (Some(canary), Some(carrier)) = (soonest, self.carriers.at_mut(key)) else { return };
        carrier.healing = true;
        self.enqueue(now, canary, true);
    }

    /// The canary lives: those that wait for the carrier ask, as fast as its pace allows.
    pub(super) fn release(&mut self, now: Instant, key: Key) {
        for registration in self.waiting_for_carrier(key) {
            self.enqueue(now, registration, false);
        }
    }

    /// Those that wait because the carrier could not be asked; not those that it told to wait.
    fn waiting_for_carrier(&self, key: Key) -> Vec<Key> {
        let waits = |phase: &Phase| matches!(phase, Phase::Waiting { why: Wait::Network | Wait::Temporary, .. });
        self.registrations
            .iter()
            .filter(|(_, registration)| registration.carrier == key && waits(&registration.phase))
            .map(|(key, _)| key)
            .collect()
    }
}
