//! The requests of a verification: OPTIONS for the evidence, and a REGISTER of one kind or another.

use std::time::Duration;

use std::sync::Arc;

use super::Endpoint;
use super::queue::DATAGRAM_MAX;
use super::riding::Mounted;
use crate::flows::Route;
use crate::probe::Asks;
use crate::registration::{Large, patience};
use crate::request::{Extension, Options, Register, contact_uri, instance};
use crate::slab::Key;
use crate::wire::{Outset, Owner, TIMER_F};
use crate::{Account, Flow, Instant, Local, Transport};

/// A target is given at least so long, however many are still to be asked.
const SHARE: Duration = Duration::from_secs(4);
/// So many targets that were not asked yet are thought of.
const UNTRIED_MAX: usize = 7;
/// A verification asks for a binding of its own for the account's time, but for no longer than this: it is removed at once, unless that fails.
const OWN_BINDING: (u32, u32) = (120, 3600);

impl Endpoint {
    /// Asks by OPTIONS whether the target answers at all.
    pub(super) fn probe_options(&mut self, now: Instant, key: Key) {
        let flow = self.probe_flow(now, key);
        let Some(probe) = self.probes.at_mut(key) else { return };
        let Some((target, local)) = &probe.hop else { return };
        let mut identity = self.wire.identity();
        identity.cseq = 1;
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let Some(via) = self.wire.advertised(*local) else { return };
        let request = Options {
            uri: &target.registrar,
            identity: &identity,
            branch: &branch.text(),
            via,
            transport: target.transport,
            user_agent: &self.wire.config.user_agent,
        };
        let bytes = request.write(buffer);
        let outset = Outset {
            owner: Owner::ProbeOptions(key),
            method: "OPTIONS",
            identity: &identity,
            local: *local,
            target: target.place(),
            flow,
            branch,
            bytes,
            from_at: 0,
            at: now,
            patience: TIMER_F.min(now.until(probe.deadline)),
            exact_source: probe.order.profile.response_source_exact,
        };
        probe.options = Some(self.wire.start(now, outset));
    }

    /// Sends the next REGISTER of a verification.
    pub(super) fn probe_register(&mut self, now: Instant, key: Key) {
        if let Some(Asks::Renewal(registration)) = self.probes.at(key).map(|probe| probe.asks)
            && matches!(self.mount(now, key, registration), Mounted::NotYet)
        {
            return;
        }
        let patience = self.probe_patience(now, key);
        let mut flow = self.probe_flow(now, key);
        let Some(probe) = self.probes.at(key) else { return };
        let Some((local, transport)) = probe.hop.as_ref().map(|(target, local)| (*local, target.transport)) else { return };
        let Some(via) = self.wire.advertised(local) else { return };
        let account = &probe.order.account;
        let gin = probe.order.profile.manners.gin;
        let contact: Option<(Arc<str>, u32)> = match probe.asks {
            Asks::Query => None,
            Asks::Binding => Some((
                contact_uri(account, &account.address_of_record, via, None, gin, transport).into(),
                account.expires.clamp(OWN_BINDING.0, OWN_BINDING.1),
            )),
            Asks::Unbinding => Some((contact_uri(account, &account.address_of_record, via, None, gin, transport).into(), 0)),
            Asks::Renewal(registration) => {
                self.renewed_contact(registration, account, local, transport).map(|contact| (contact, account.expires))
            }
        };
        let Some(probe) = self.probes.at_mut(key) else { return };
        let Some((target, _)) = &probe.hop else { return };
        let account = &probe.order.account;
        probe.identity.cseq += 1;
        let contact: Option<(&str, u32)> = contact.as_ref().map(|(uri, seconds)| (&**uri, *seconds));
        let username = probe.order.credential.as_ref().map_or("", |credential| &credential.username);
        let mut answers = std::mem::take(&mut self.wire.lines);
        answers.clear();
        probe.answers.iter_mut().for_each(|answer| answer.line(username, "REGISTER", &account.request_uri, &mut answers));
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let profile = &probe.order.profile;
        let route = (profile.route || profile.outbound_proxy.is_some()).then(|| format!("{};lr", target.registrar));
        let urn;
        let Some(mut place) = probe.place() else { return };
        let mut request = Register {
            account,
            address_of_record: &account.address_of_record,
            identity: &probe.identity,
            branch: &branch.text(),
            via: self.wire.advertised_text(local),
            transport: place.transport,
            route: route.as_deref(),
            contacts: contact.as_slice(),
            // A query binds nothing; a renewal of an outbound binding keeps what names it.
            extension: match (contact, profile.manners.gin, probe.order.trunk.as_deref()) {
                (Some(_), true, _) => Extension::Gin,
                (Some(_), false, Some(trunk)) if profile.manners.outbound => {
                    urn = instance(trunk, &account.address_of_record);
                    Extension::Outbound { instance: &urn }
                }
                _ => Extension::None,
            },
            answers: &answers,
            user_agent: &self.wire.config.user_agent,
        };
        let mut bytes = request.write(buffer);
        if bytes.len() > DATAGRAM_MAX && flow.is_none() && probe.large == Large::No && profile.may_use_tcp() {
            request.transport = Transport::Tcp;
            bytes.clear();
            bytes = request.write(bytes);
            probe.large = Large::OverTcp;
            place.transport = Transport::Tcp;
            flow = self.probe_flow(now, key);
        }
        self.wire.lines = answers;
        let Some(probe) = self.probes.at_mut(key) else { return };
        let profile = &probe.order.profile;
        let outset = Outset {
            owner: Owner::Probe(key),
            method: "REGISTER",
            identity: &probe.identity,
            local,
            target: place,
            flow,
            branch,
            bytes,
            from_at: 0,
            at: now,
            patience,
            exact_source: profile.response_source_exact,
        };
        probe.register = Some(self.wire.start(now, outset));
        self.wire.counters.registers += 1;
        self.charge_probe(now, key);
    }

    /// Returns the connection that a verification asks on, opened for it alone (carriers.md N9: an old one may be what is refused); a
    /// datagram where there is none.
    fn probe_flow(&mut self, now: Instant, key: Key) -> Option<Flow> {
        let probe = self.probes.at_mut(key)?;
        let place = probe.place()?;
        if place.transport == Transport::Udp {
            return None;
        }
        if let Some(flow) = probe.flow.filter(|&flow| self.wire.flows.at(flow).is_some()) {
            return Some(flow);
        }
        let (target, local) = probe.hop.as_ref()?;
        let profile = &probe.order.profile;
        let route = Route { carrier: profile.id.clone(), place, name: target.name.clone(), tls: profile.tls.clone(), local: *local };
        let flow = self.wire.open(now, route, true);
        probe.flow = Some(flow);
        Some(flow)
    }

    /// Counts a verification's REGISTER at its carrier's pace.
    pub(super) fn charge_probe(&mut self, now: Instant, key: Key) {
        let Some(probe) = self.probes.at(key) else { return };
        if let Some(carrier) = self.carrier_names.get(&probe.order.profile.id).and_then(|&key| self.carriers.at_mut(key)) {
            carrier.pace.charge(now);
        }
    }

    /// How long a request of a verification may take: what is left, shared with the targets that were not asked yet; and a renewal leaves
    /// the registration time for its own refresh.
    fn probe_patience(&self, now: Instant, key: Key) -> Duration {
        let Some(probe) = self.probes.at(key) else { return TIMER_F };
        let left = now.until(probe.deadline);
        // A registrar whose name is still being looked up needs its share too.
        let untried = probe.targets.places().filter(|(_, place)| !probe.tried.contains(place)).count() + probe.targets.unheard();
        let untried = untried.min(UNTRIED_MAX);
        let shared = if probe.answers.is_empty() { left / u32::try_from(untried + 1).unwrap_or(u32::MAX) } else { left };
        let lapses_at = match probe.asks {
            Asks::Renewal(registration) => {
                self.registrations.at(registration).and_then(|registration| registration.binding.as_ref()).map(|binding| binding.lapses_at)
            }
            Asks::Query | Asks::Binding | Asks::Unbinding => None,
        };
        shared.max(SHARE.min(left)).min(patience(now, lapses_at))
    }

    /// The Contact that a renewal renews.
    pub(super) fn renewed_contact(&self, key: Key, account: &Account, local: Local, over: Transport) -> Option<Arc<str>> {
        let bound =
            self.registrations.at(key).and_then(|registration| registration.binding.as_ref()).map(|binding| binding.contact.clone());
        bound.or_else(|| {
            let gin = self
                .registrations
                .at(key)
                .and_then(|registration| self.carriers.at(registration.carrier))
                .is_some_and(|carrier| carrier.profile.manners.gin);
            Some(contact_uri(account, &account.address_of_record, self.wire.advertised(local)?, None, gin, over).into())
        })
    }
}
