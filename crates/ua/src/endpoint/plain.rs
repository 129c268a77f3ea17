//! The refresh that is as the one before it: what nearly all that an edge does consists of.
//!
//! It is a short cut and nothing else: it sends, takes in and tells, byte for byte, what the long way through [`Endpoint::send`] and
//! `succeeded` would. What a registration is marked by holds what they would have to find out anew. Where the carrier or the answer is
//! otherwise in anything, the exchange goes on by the long way, as if it had begun there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use diagnosis::SipStatus;
use sip::PlainReply;

use super::Endpoint;
use super::queue::{DATAGRAM_MAX, UNSAVED_MAX};
use crate::account::Holder;
use crate::answering::Answering;
use crate::carrier::Carrier;
use crate::drift;
use crate::granted::granted_plainly;
use crate::locate::Place;
use crate::registration::{Exchange, Intent, Large, Phase, Purpose, Registration, patience};
use crate::request::{CSEQ_MAX, Extension, Register};
use crate::slab::Key;
use crate::wire::{Outset, Owner};
use crate::{Instant, Local, NonceReuse, Transport};

/// CSeq and the nonce's count grow: a request that was so much shorter than a datagram may be stays below that.
const GROWS: usize = 16;
/// So many exchanges that are over are kept for the next ones.
const SPARE: usize = 256;

impl Endpoint {
    /// Marks a registration whose next refresh goes as the one that has just succeeded, if nothing changes until then.
    pub(super) fn mark_plain(&mut self, key: Key, exchange: &Exchange, request_bytes: usize) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return };
        let request = Register {
            account: &registration.assignment.account,
            address_of_record: &registration.assignment.account.address_of_record,
            identity: &registration.identity,
            branch: "",
            via: self.wire.advertised_text(exchange.local),
            transport: Transport::Udp,
            route: None,
            contacts: &[(&*exchange.contact, exchange.expires)],
            extension: Extension::None,
            answers: b"",
            user_agent: &self.wire.config.user_agent,
        };
        let short = (1..=DATAGRAM_MAX - GROWS).contains(&request_bytes);
        let plain = short && is_plain(registration, carrier, exchange) && request.is_harmless();
        registration.plain = if plain { carrier.epoch } else { 0 };
    }

    /// Sends the refresh of a marked registration, and tells whether it did. The carrier's pace has admitted it.
    pub(super) fn refresh_plainly(&mut self, now: Instant, key: Key) -> bool {
        let Some(registration) = self.registrations.at_mut(key) else { return false };
        let Some(carrier) = self.carriers.at_mut(registration.carrier) else { return false };
        let (Some(binding), Some(place)) = (&registration.binding, carrier.targets.sole()) else { return false };
        let version = binding.version;
        let same = registration.is_as_marked(carrier.epoch) && binding.registrar == place && registration.uses(version);
        if !same || registration.identity.cseq >= CSEQ_MAX {
            return false;
        }
        let [remembered] = registration.remembered.as_mut_slice() else { return false };
        let (age, reuse) = (now.since(remembered.issued_at), carrier.profile.nonce_reuse);
        let belongs = remembered.version == version && remembered.target == place && remembered.flow.is_none();
        if !belongs || reuse == NonceReuse::Never || !carrier.nonces.usable(now, age, reuse) {
            return false;
        }
        let (local, contact) = (remembered.local, binding.contact.clone());
        let spare = self.spare.pop().filter(|spare| carrier.targets.is_sole(&spare.target));
        let exchange = match spare {
            Some(spare) => spare,
            None => {
                let Some(target) = carrier.targets.sole_target() else { return false };
                let begun = Exchange::begun(now, key, target, local, contact.clone(), Vec::new());
                Box::new(Exchange { marked: true, fresh: false, ..begun })
            }
        };
        let lapses_at = binding.lapses_at;
        let account = &registration.assignment.account;
        let expires = registration.min_expires.map_or(account.expires, |least| account.expires.max(least));
        registration.identity.cseq += 1;
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let mut lines = std::mem::take(&mut self.wire.lines);
        lines.clear();
        let username = registration.assignment.credential_of(version).map_or("", |credential| &*credential.username);
        remembered.line_over(Some(&mut carrier.ha2), username, "REGISTER", &account.request_uri, &mut lines);
        let request = Register {
            account,
            address_of_record: &account.address_of_record,
            identity: &registration.identity,
            branch: &branch.text(),
            via: self.wire.advertised_text(local),
            transport: Transport::Udp,
            route: None,
            contacts: &[(&*contact, expires)],
            extension: Extension::None,
            answers: &lines,
            user_agent: &self.wire.config.user_agent,
        };
        let (bytes, from_at) = request.write_harmless(buffer);
        self.wire.lines = lines;
        let patience = patience(now, Some(lapses_at));
        let outset = Outset {
            owner: Owner::Registration(key),
            method: "REGISTER",
            identity: &registration.identity,
            local,
            target: place,
            flow: None,
            branch,
            bytes,
            from_at,
            at: now,
            patience,
            exact_source: carrier.profile.response_source_exact,
        };
        let transaction = self.wire.start(now, outset);
        self.wire.counters.registers += 1;
        let exchange = exchange.again(Refresh { at: now, transaction, local, contact, expires, version, age });
        let Some(registration) = self.registrations.at_mut(key) else { return true };
        registration.phase = Phase::Asking(exchange);
        let behind = registration.identity.cseq.wrapping_sub(registration.saved_cseq) >= UNSAVED_MAX;
        // Nearly always it is over before the binding can lapse.
        let watched = registration.timer.is_some() || lapses_at > now + patience;
        if !watched {
            self.arm(key);
        }
        if behind {
            self.save(key);
        }
        true
    }

    /// Takes in a datagram if it is the 2xx to a plain refresh and brings nothing new; tells whether it was.
    pub(super) fn renewed_plainly(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) -> bool {
        // A challenge is not worth the look.
        let Some(reply) = Some(bytes).filter(|bytes| bytes.starts_with(b"SIP/2.0 2")).and_then(PlainReply::read) else { return false };
        let Some((answered, key)) = self.wire.plainly_answered(source, &reply).filter(|_| !reply.says_more) else { return false };
        let (Some(registration), Ok(public)) = (self.registrations.at_mut(key), self.wire.seen(&reply)) else { return false };
        let carrier_key = registration.carrier;
        let Some(carrier) = self.carriers.at_mut(carrier_key) else { return false };
        let (Phase::Asking(exchange), Some(binding)) = (&registration.phase, &registration.binding) else { return false };
        let Some(age) = exchange.remembered else { return false };
        let as_before = exchange.transaction == answered
            && exchange.marked
            && exchange.is_untouched()
            && registration.is_as_marked(carrier.epoch)
            && !registration.again
            && exchange.began >= registration.traced_until
            && registration.uses(exchange.version)
            && binding.version == exchange.version
            && !carrier.healing
            && !carrier.targets.is_troubled();
        let shown = &registration.shown;
        let same_words = |status: &SipStatus| status.code == reply.code && status.reason.as_bytes() == reply.reason;
        let shows_same = shown.response.as_deref().is_some_and(same_words) && public.is_none_or(|public| shown.public == Some(public));
        let granted = reply.contact.and_then(|line| granted_plainly(line, &exchange.contact));
        let (true, true, Some(seconds)) = (as_before, shows_same, granted) else { return false };
        let time = Duration::from_secs(u64::from(seconds));
        // No binding is granted no time: zero is another one.
        if time != binding.granted || drift::is_of_grant(registration.granted, seconds) {
            return false;
        }
        let Some(sent_at) = self.wire.finish(answered) else { return false };
        let Phase::Asking(exchange) = std::mem::replace(&mut registration.phase, Phase::Idle) else { return false };
        carrier.targets.answered(now, exchange.target.place());
        carrier.targets.trust(exchange.target.place());
        carrier.public = registration.shown.public.or(carrier.public);
        carrier.nonces.accepted(age);
        carrier.pace.ended();
        registration.late = None;
        registration.accepted = true;
        registration.released = false;
        registration.shown.answered = true;
        registration.shown.refreshes += 1;
        // One request was sent: a second one is told of, which ends what the registration is marked by.
        registration.shown.round_trip = Some(now.since(sent_at));
        // Counted from sending (carriers.md B1).
        if let Some(binding) = &mut registration.binding {
            binding.lapses_at = sent_at + time;
        }
        let refresh_at = self.plan(now, carrier_key, sent_at, time);
        if let Some(registration) = self.registrations.at_mut(key) {
            registration.phase = Phase::Bound { refresh_at };
        }
        self.arm(key);
        self.tell_renewed(key);
        if self.spare.len() < SPARE {
            self.spare.push(exchange);
        }
        self.pump(now, carrier_key);
        true
    }
}

/// Tells whether the next refresh can do without finding out anything.
fn is_plain(registration: &Registration, carrier: &Carrier, exchange: &Exchange) -> bool {
    let (Some(binding), [remembered]) = (&registration.binding, registration.remembered.as_slice()) else { return false };
    let place = exchange.target.place();
    let manners = &carrier.profile.manners;
    let plain_carrier = !manners.nat_rewrite
        && !manners.outbound
        && !manners.gin
        && manners.binding_limit != Some(1)
        && !carrier.profile.route
        && carrier.profile.outbound_proxy.is_none()
        && !carrier.targets.is_troubled();
    let plain_exchange = place.transport == Transport::Udp && exchange.flow.is_none() && exchange.large == Large::No && !exchange.plain;
    let plain_binding = binding.authenticated
        && binding.registrar == place
        && binding.version == exchange.version
        && registration.uses(exchange.version)
        && is_of(remembered, exchange.version, place)
        && remembered.local == exchange.local;
    let at_rest = matches!(registration.phase, Phase::Bound { .. })
        && registration.intent == Intent::Keep
        && registration.told != 0
        && registration.granted != 0
        && registration.drifted.is_empty()
        && registration.shown.routes.is_none();
    let reported = registration.reported.as_ref();
    let as_reported = reported.is_some_and(|(version, terms)| *version == binding.version && *terms == registration.shown.negotiated);
    plain_carrier && plain_exchange && plain_binding && at_rest && as_reported
}

fn is_of(remembered: &Answering, version: u32, place: Place) -> bool {
    let own = remembered.choice.holder == Holder::Account;
    own && remembered.version == version && remembered.target == place && remembered.flow.is_none()
}

impl Registration {
    /// Tells whether nothing has changed since it was marked for this epoch of its carrier.
    fn is_as_marked(&self, epoch: u32) -> bool {
        self.plain == epoch && self.told != 0 && self.intent == Intent::Keep && self.stray.is_none() && self.ridden.is_none()
    }
}

/// A plain refresh that goes out.
struct Refresh {
    at: Instant,
    transaction: Key,
    local: Local,
    contact: Arc<str>,
    expires: u32,
    version: u32,
    /// Of the nonce that goes along.
    age: Duration,
}

impl Exchange {
    /// Goes as the next refresh to the same place: one that has ended untouched differs from that in this alone.
    fn again(mut self: Box<Self>, refresh: Refresh) -> Box<Self> {
        let Refresh { at, transaction, local, contact, expires, version, age } = refresh;
        (self.began, self.transaction, self.local, self.contact) = (at, transaction, local, contact);
        (self.expires, self.version, self.remembered) = (expires, version, Some(age));
        self
    }

    /// Tells whether nothing has happened to it since it was begun as a plain refresh.
    fn is_untouched(&self) -> bool {
        self.purpose == Purpose::Bind
            && self.answers.is_empty()
            && self.risks.is_empty()
            && self.flow.is_none()
            && (self.stale, self.interval, self.redirects, self.cseq) == (0, 0, 0, 0)
    }
}

#[cfg(test)]
mod tests;
