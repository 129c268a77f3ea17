//! 3xx to a REGISTER (carriers.md F8): followed to hosts that the profile lists, and to no others.

use std::net::SocketAddr;

use sip::{Host, Message, Uri};

use super::{Endpoint, Inquirer, final_of};
use crate::chance::lot;
use crate::locate::{Place, Question, Records};
use crate::probe::{Asks, Redirect};
use crate::registration::{Exchange, Large, Phase, Purpose, Registration};
use crate::slab::Key;
use crate::verdict::End;
use crate::{Instant, Profile, Resolution, ResolveFault};

/// So often within an attempt; a longer chain is a loop.
const REDIRECTS_MAX: u8 = 2;

impl Endpoint {
    /// Goes to the first Contact at a listed host, if the answer has one; gives the exchange back otherwise.
    ///
    /// Another scheme than `sip` is not followed: it would be another transport.
    pub(super) fn redirected(
        &mut self,
        now: Instant,
        key: Key,
        mut exchange: Box<Exchange>,
        message: &Message<'_>,
    ) -> Result<(), Box<Exchange>> {
        let Some(registration) = self.registrations.at_mut(key) else { return Ok(()) };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return Ok(()) };
        // A removal is asked of who holds the binding.
        if exchange.redirects >= REDIRECTS_MAX || exchange.purpose != Purpose::Bind {
            return Err(exchange);
        }
        let Some((uri, host, port)) = place(message, &carrier.profile) else { return Err(exchange) };
        exchange.redirects += 1;
        exchange.redirected = Some(Box::new(final_of(message)));
        exchange.target.registrar = uri.into();
        exchange.target.name = host.as_str().into();
        registration.phase = Phase::Asking(exchange);
        self.look_up(now, Inquirer::Redirect(key), Question::Host { name: host.into(), port });
        self.arm(key);
        Ok(())
    }

    /// Asks the host of a redirection, once its addresses are known; the edge's gate has judged them.
    pub(super) fn redirect_found(&mut self, now: Instant, key: Key, outcome: Result<Resolution, ResolveFault>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier = registration.carrier;
        let mut exchange = match std::mem::replace(&mut registration.phase, Phase::Idle) {
            Phase::Asking(exchange) if exchange.redirects > 0 => exchange,
            // It was taken back meanwhile.
            other => {
                registration.phase = other;
                return;
            }
        };
        // Over the transport of who redirected: another would be another place.
        let transport = exchange.target.transport;
        let untried = |address: &&SocketAddr| !exchange.tried.contains(&Place { transport, address: **address });
        let ports = self.carriers.at(carrier).map_or(1, |carrier| carrier.profile.manners.source_ports);
        let lot = lot(&registration.assignment.trunk);
        let socket = |address: &SocketAddr| self.wire.local_of(*address, ports, lot).map(|local| (*address, local));
        let addresses = outcome.map(|found| match found.records {
            Records::Addresses(addresses) => addresses,
            Records::Srv(_) | Records::Naptr(_) => Vec::new(),
        });
        match addresses.map(|addresses| addresses.iter().filter(untried).find_map(socket)) {
            Ok(Some((address, local))) => {
                exchange.target.address = address;
                exchange.tried.push(exchange.target.place());
                exchange.local = local;
                // A nonce belongs to the target that issued it.
                exchange.answers.clear();
                self.send(now, key, exchange);
            }
            // Round in a circle.
            Ok(None) => {
                let answer = exchange.redirected.take().map(|answer| *answer).unwrap_or_default();
                self.failed(now, key, exchange, &End::Final(answer));
            }
            Err(fault) => self.failed(now, key, exchange, &End::Unresolved(fault)),
        }
        self.pump(now, carrier);
    }
}

impl Endpoint {
    /// Goes to the first Contact at a listed host, once in a verification. Tells whether it does.
    pub(super) fn probe_redirected(&mut self, now: Instant, key: Key, message: &Message<'_>) -> bool {
        let Some(probe) = self.probes.at_mut(key) else { return true };
        // A renewal is asked of who holds the binding.
        if probe.redirect != Redirect::No || !matches!(probe.asks, Asks::Query | Asks::Binding) {
            return false;
        }
        let Some((uri, host, port)) = place(message, &probe.order.profile) else { return false };
        let Some((target, _)) = &mut probe.hop else { return false };
        target.registrar = uri.into();
        target.name = host.as_str().into();
        probe.redirect = Redirect::LookedUp(Box::new(final_of(message)));
        self.look_up(now, Inquirer::ProbeRedirect(key), Question::Host { name: host.into(), port });
        true
    }

    /// Asks the host of a redirection, once its addresses are known.
    pub(super) fn probe_redirect_found(&mut self, now: Instant, key: Key, outcome: Result<Resolution, ResolveFault>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        let Redirect::LookedUp(answer) = std::mem::replace(&mut probe.redirect, Redirect::Past) else { return };
        if probe.concluded.is_some() {
            return;
        }
        let (ports, lot) = (probe.order.profile.manners.source_ports, probe.lot());
        let Some((target, local)) = &mut probe.hop else { return };
        let found = match outcome.map(|found| found.records) {
            Ok(Records::Addresses(addresses)) => addresses,
            Ok(Records::Srv(_) | Records::Naptr(_)) => Vec::new(),
            Err(fault) => {
                probe.seen.registrar = target.registrar.to_string();
                return self.probe_failed(now, key, End::Unresolved(fault));
            }
        };
        let transport = target.transport;
        let untried = found.into_iter().filter(|&address| !probe.tried.contains(&Place { transport, address }));
        let Some((address, from)) = untried.filter_map(|address| Some((address, self.wire.local_of(address, ports, lot)?))).next() else {
            // Round in a circle.
            return self.probe_failed(now, key, End::Final(*answer));
        };
        (target.address, *local) = (address, from);
        probe.redirect = Redirect::There;
        probe.tried.push(target.place());
        probe.seen.registrar = target.registrar.to_string();
        probe.seen.target = Some(target.place());
        probe.seen.source = self.wire.address(from);
        // A nonce belongs to the target that issued it.
        probe.answers.clear();
        probe.large = Large::default();
        if let Some(flow) = probe.flow.take() {
            self.wire.drop_flow(flow, true);
        }
        self.probe_register(now, key);
    }
}

/// The realm that a redirected registrar must challenge: what the credentials name, else what was answered before, else the domain's own.
pub(super) fn realm_there(registration: &Registration) -> Option<Box<str>> {
    let named = registration.credential().and_then(|credential| credential.realm.clone());
    named.or_else(|| registration.shown.negotiated.as_ref().map(|negotiated| negotiated.realm.as_str().into())).or_else(|| {
        let domain = Uri::parse(&registration.assignment.account.address_of_record).ok()?.host.to_string();
        Some(domain.into())
    })
}

/// Host without brackets, and port; the URI's own, so no SRV record is asked for.
fn hop(uri: &str) -> Option<(String, u16)> {
    let uri = Uri::parse(uri).ok()?;
    let host = match uri.host {
        Host::Name(name) => name.trim_end_matches('.').to_owned(),
        Host::V4(address) => address.to_string(),
        Host::V6(address) => address.to_string(),
    };
    Some((host, uri.port.unwrap_or(5060)))
}

/// The first Contact at a listed host: its URI, and where that leads.
fn place(message: &Message<'_>, profile: &Profile) -> Option<(String, String, u16)> {
    let listed = |host: &str| {
        profile.manners.redirect_hosts.iter().any(|listed| listed.trim_matches(['[', ']']).trim_end_matches('.').eq_ignore_ascii_case(host))
    };
    let sip = |uri: &str| uri.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip:"));
    message.contacts().filter_map(Result::ok).map(|contact| contact.uri()).filter(|uri| sip(uri)).find_map(|uri| {
        let (host, port) = hop(uri)?;
        listed(&host).then(|| (crate::challenge::printable(uri), host, port))
    })
}
