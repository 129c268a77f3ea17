//! From names to addresses.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Endpoint, Inquirer};
use crate::ping::Ping;
use crate::slab::Key;
use crate::wire::Timer;
use crate::{Instant, Query, Resolution, ResolveFault};

impl Endpoint {
    /// Orders a carrier's look-ups.
    pub(super) fn look_up_carrier(&mut self, carrier: Key, hops: Vec<(usize, Arc<str>, u16)>) {
        for (at, host, port) in hops {
            let query = self.wire.look_up(host, port);
            self.queries.insert(query, Inquirer::Carrier(carrier));
            if let Some(carrier) = self.carriers.at_mut(carrier) {
                carrier.targets.asked(at, query);
            }
        }
    }

    /// Orders a verification's look-ups.
    pub(super) fn look_up_probe(&mut self, probe: Key, hops: Vec<(usize, Arc<str>, u16)>) {
        for (at, host, port) in hops {
            let query = self.wire.look_up(host, port);
            self.queries.insert(query, Inquirer::Probe(probe));
            if let Some(probe) = self.probes.at_mut(probe) {
                probe.targets.asked(at, query);
            }
        }
    }

    pub(super) fn resolved(&mut self, now: Instant, query: Query, outcome: Result<Resolution, ResolveFault>) {
        match self.queries.remove(&query) {
            Some(Inquirer::Carrier(key)) => {
                let Some(carrier) = self.carriers.at_mut(key) else { return };
                if carrier.targets.resolved(now, query, outcome) {
                    self.keep_alive(now, key);
                    self.pump(now, key);
                }
            }
            Some(Inquirer::Probe(key)) => {
                let Some(probe) = self.probes.at_mut(key) else { return };
                // One that has begun goes on by itself.
                if probe.targets.resolved(now, query, outcome) && probe.hop.is_none() {
                    self.probe_next(now, key);
                }
            }
            None => {}
        }
    }

    /// Sees to it that every address of a carrier with registrations is asked by OPTIONS.
    pub(super) fn keep_alive(&mut self, now: Instant, key: Key) {
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let wanted: Vec<(Box<str>, SocketAddr)> = match (carrier.profile.options, carrier.registrations) {
            (None, _) | (_, 0) => Vec::new(),
            (Some(_), _) => {
                let reachable = |&(_, address): &(&str, SocketAddr)| self.wire.local_for(address).is_some();
                carrier.targets.addresses().filter(reachable).map(|(uri, address)| (uri.into(), address)).collect()
            }
        };
        if carrier.profile.options.is_some() && carrier.registrations > 0 && wanted.is_empty() {
            // The look-ups that it needs, before any REGISTER wants them.
            let hops = carrier.targets.stale(now);
            self.look_up_carrier(key, hops);
        }
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        if carrier.pings.len() == wanted.len() && carrier.pings.iter().zip(&wanted).all(|(ping, (_, address))| ping.target == *address) {
            return;
        }
        let mut old = std::mem::take(&mut carrier.pings);
        let mut pings = Vec::new();
        for (at, (uri, target)) in wanted.into_iter().enumerate() {
            let Some(local) = self.wire.local_for(target) else { continue };
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
