//! The refresh that is as the one before it: what nearly all that an edge does consists of.
//!
//! It is a short cut and nothing else: it sends, takes in and tells, byte for byte, what the long way through [`Endpoint::send`] and
//! `succeeded` would. What a registration is marked by holds what they would have to find out anew. Where the carrier or the answer is
//! otherwise in anything, the exchange goes on by the long way, as if it had begun there.

use sip::{Message, Name};

use super::Endpoint;
use super::queue::{DATAGRAM_MAX, UNSAVED_MAX};
use crate::account::Holder;
use crate::answering::Answering;
use crate::carrier::Carrier;
use crate::drift;
use crate::granted::{Granted, granted};
use crate::locate::Place;
use crate::registration::{Exchange, Intent, Large, Phase, Purpose, Registration, patience, seconds_of};
use crate::request::{CSEQ_MAX, Extension, Register};
use crate::slab::Key;
use crate::wire::{Outset, Owner, Transaction};
use crate::{Instant, NonceReuse, Transport};

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
        let Some(target) = carrier.targets.sole_target() else { return false };
        let local = remembered.local;
        let contact = binding.contact.clone();
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
            patience: patience(now, Some(lapses_at)),
            exact_source: carrier.profile.response_source_exact,
        };
        let transaction = self.wire.start(now, outset);
        self.wire.counters.registers += 1;
        let mut spare = self.spare.pop();
        let tried = spare.as_mut().map(|spare| std::mem::take(&mut spare.tried));
        let begun = Exchange::begun(now, transaction, target, local, contact, tried.unwrap_or_default());
        let begun = Exchange { expires, version, marked: true, fresh: false, remembered: Some(age), ..begun };
        let exchange = match spare {
            Some(mut spare) => {
                *spare = begun;
                spare
            }
            None => Box::new(begun),
        };
        let Some(registration) = self.registrations.at_mut(key) else { return true };
        registration.phase = Phase::Asking(exchange);
        let behind = registration.identity.cseq.wrapping_sub(registration.saved_cseq) >= UNSAVED_MAX;
        self.arm(key);
        if behind {
            self.save(key);
        }
        true
    }

    /// Takes in the 2xx to a plain refresh that brings nothing new; gives back an exchange that is to go on by the long way.
    pub(super) fn renewed_plainly(
        &mut self,
        now: Instant,
        key: Key,
        exchange: Box<Exchange>,
        transaction: &Transaction,
        message: &Message<'_>,
    ) -> Result<(), Box<Exchange>> {
        let Some(registration) = self.registrations.at_mut(key) else { return Err(exchange) };
        let carrier_key = registration.carrier;
        let Some(carrier) = self.carriers.at_mut(carrier_key) else { return Err(exchange) };
        let (Some(binding), Some(age)) = (&registration.binding, exchange.remembered) else { return Err(exchange) };
        let as_before = exchange.marked
            && exchange.is_untouched()
            && registration.is_as_marked(carrier.epoch)
            && !registration.again
            && exchange.began >= registration.traced_until
            && registration.uses(exchange.version)
            && binding.version == exchange.version
            && !carrier.healing
            && !carrier.targets.is_troubled();
        if !as_before || tells_more(message) {
            return Err(exchange);
        }
        let Granted::Bound { time, rewritten: None } = granted(message, &exchange.contact, None, exchange.expires) else {
            return Err(exchange);
        };
        if time.is_zero() || time != binding.granted || drift::of_grant(registration.granted, seconds_of(time)).is_some() {
            return Err(exchange);
        }
        carrier.targets.trust(exchange.target.place());
        carrier.nonces.accepted(age);
        carrier.pace.ended();
        registration.accepted = true;
        registration.released = false;
        registration.shown.refreshes += 1;
        // Counted from sending (carriers.md B1).
        let sent_at = transaction.sent_at;
        if let Some(binding) = &mut registration.binding {
            binding.lapses_at = sent_at + time;
        }
        let refresh_at = self.plan(now, carrier_key, sent_at, time);
        let Some(registration) = self.registrations.at_mut(key) else { return Ok(()) };
        registration.phase = Phase::Bound { refresh_at };
        self.arm(key);
        self.tell_renewed(key);
        if self.spare.len() < SPARE {
            self.spare.push(exchange);
        }
        Ok(())
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

/// Tells whether a 2xx says anything that outlives it, beside what it grants.
fn tells_more(message: &Message<'_>) -> bool {
    [Name::AuthenticationInfo, Name::ServiceRoute, Name::PAssociatedUri].into_iter().any(|name| message.header(name).is_some())
}

impl Registration {
    /// Tells whether nothing has changed since it was marked for this epoch of its carrier.
    fn is_as_marked(&self, epoch: u32) -> bool {
        self.plain == epoch && self.told != 0 && self.intent == Intent::Keep && self.stray.is_none() && self.ridden.is_none()
    }
}

impl Exchange {
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
