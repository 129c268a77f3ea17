//! Answers to a registration's REGISTER, and what a 2xx grants.

use std::time::Duration;

use diagnosis::Code;
use sip::Message;

use super::{Endpoint, Reply, final_of, public_address, reason_of};
use crate::granted::{Granted, granted, lists};
use crate::registration::{Binding, Exchange, Intent, Phase, Purpose, Which, refresh_at};
use crate::slab::Key;
use crate::verdict::{End, names_cseq, status};
use crate::wire::Transaction;
use crate::{Event, Instant, NonceReuse};

/// carriers.md F4: a longer Min-Expires than a day is absurd.
const MIN_EXPIRES_MAX: u32 = 24 * 3600;
/// carriers.md F4: above this a warning.
const LONG: u32 = 3600;
/// carriers.md B4a.
const UNSUSTAINABLE: Duration = Duration::from_secs(20);
/// carriers.md F15.
const CSEQ_JUMP: u32 = 100_000;

impl Endpoint {
    pub(super) fn registration_ended(&mut self, now: Instant, key: Key, transaction: &Transaction, reply: &Reply<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier = registration.carrier;
        let mut exchange = match std::mem::replace(&mut registration.phase, Phase::Idle) {
            Phase::Asking(exchange) => exchange,
            other => {
                registration.phase = other;
                return;
            }
        };
        exchange.datagrams += transaction.retransmissions;
        match reply {
            Reply::Silence => self.failed(now, key, exchange, &End::Silence),
            Reply::NotSent(fault) => self.failed(now, key, exchange, &End::NotSent(*fault)),
            Reply::Answer(message) => self.answered(now, key, exchange, transaction, message),
        }
        self.pump(now, carrier);
    }

    fn answered(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, transaction: &Transaction, message: &Message<'_>) {
        let (code, reason) = reason_of(message);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let shown = &mut registration.shown;
        shown.answered = true;
        shown.response = Some(status(code, &reason));
        shown.public = public_address(message).or(shown.public);
        // After a retransmission nobody knows which request was answered (as RFC 6298 3, Karn).
        if transaction.retransmissions == 0 {
            shown.round_trip = Some(now.since(transaction.sent_at));
        }
        if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
            carrier.targets.answered(exchange.target.address);
        }
        match code {
            200..=299 => self.succeeded(now, key, exchange, transaction, message),
            401 | 407 => self.challenged(now, key, exchange, message),
            423 => self.too_brief(now, key, exchange, message),
            400 | 500 if names_cseq(&reason) && exchange.cseq < 2 => {
                // carriers.md F15: once much higher, then under a new Call-ID.
                exchange.cseq += 1;
                if exchange.cseq == 1 {
                    registration.identity.cseq = registration.identity.cseq.saturating_add(CSEQ_JUMP);
                } else {
                    registration.identity = self.wire.identity();
                }
                self.send(now, key, exchange);
            }
            _ => self.failed(now, key, exchange, &End::Final(final_of(message))),
        }
    }

    fn too_brief(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, message: &Message<'_>) {
        let answer = final_of(message);
        let sensible = answer.min_expires.filter(|&least| least > exchange.expires && least <= MIN_EXPIRES_MAX);
        let doubled = exchange.expires.saturating_mul(2).min(MIN_EXPIRES_MAX);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        match (sensible, exchange.interval) {
            (Some(least), 0) => {
                registration.min_expires = Some(least);
                exchange.expires = least;
            }
            (None, 0) if doubled > exchange.expires => exchange.expires = doubled,
            _ => return self.failed(now, key, exchange, &End::Final(answer)),
        }
        exchange.interval += 1;
        self.send(now, key, exchange);
    }

    fn succeeded(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, transaction: &Transaction, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier_key = registration.carrier;
        if let Some(carrier) = self.carriers.at_mut(carrier_key) {
            carrier.targets.trust(exchange.target.address);
            if let Some(age) = exchange.remembered {
                carrier.nonces.accepted(age);
            }
        }
        match exchange.purpose {
            Purpose::Bind => {}
            Purpose::Unbind => {
                registration.binding = None;
                let wanted_again = registration.intent == Intent::Keep;
                self.unpace(carrier_key, exchange.datagrams);
                return if wanted_again { self.enqueue(now, key, true) } else { self.unbound(now, key) };
            }
            Purpose::UnbindStray => {
                registration.stray = None;
                self.unpace(carrier_key, exchange.datagrams);
                return self.settle(now, key);
            }
        }
        let (time, unlisted, rewritten) = match granted(message, &exchange.contact, exchange.expires) {
            Granted::Bound { time, .. } if time.is_zero() => return self.unkept(now, key, exchange, &End::GrantedNothing),
            Granted::Bound { time, rewritten } => (time, false, rewritten),
            Granted::Unlisted { time } if time.is_zero() => return self.unkept(now, key, exchange, &End::GrantedNothing),
            Granted::Unlisted { time } => (time, true, None),
            Granted::Missing { listed } => return self.unkept(now, key, exchange, &End::BindingMissing { listed }),
        };
        let authenticated = exchange.remembered.is_some() || !exchange.answers.is_empty();
        // Counted from sending (carriers.md B1): the registrar's clock started no sooner.
        let lapses_at = transaction.sent_at + time;
        let renewed = registration.binding.is_some();
        registration.binding = Some(Binding {
            address_of_record: registration.assignment.account.address_of_record.clone(),
            contact: exchange.contact.clone(),
            registrar: exchange.target.address,
            granted: time,
            lapses_at,
            registered_at: registration.binding.as_ref().map_or(now, |binding| binding.registered_at),
            version: exchange.version,
            authenticated,
        });
        self.remember(now, key, &mut exchange, message);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.failures = 0;
        registration.failed_digests = 0;
        registration.accepted = true;
        registration.shown.lapsed = false;
        registration.shown.diagnosis = None;
        registration.shown.refreshes += u64::from(renewed);
        let mut warnings = self.warnings(key, authenticated);
        warnings.extend([(unlisted, Code::BindingUnlisted), (rewritten.is_some(), Code::ContactRewritten), (time < UNSUSTAINABLE, Code::IntervalUnsustainable)]
            .into_iter()
            .filter_map(|(holds, code)| holds.then_some(code)));
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if registration.min_expires.is_some_and(|least| least > LONG) {
            warnings.push(Code::IntervalLong);
        }
        registration.shown.warnings = warnings;
        self.accept(key, &exchange, authenticated);
        // carriers.md B12: the new Contact holds; the old one goes, if it is still there.
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if registration.stray.as_ref().is_some_and(|stray| *stray != exchange.contact && lists(message, stray)) {
            exchange.purpose = Purpose::UnbindStray;
            exchange.answers.clear();
            return self.send(now, key, exchange);
        }
        registration.stray = None;
        self.unpace(carrier_key, exchange.datagrams);
        self.settle(now, key);
    }

    /// A 2xx that binds nothing.
    fn unkept(&mut self, now: Instant, key: Key, exchange: Box<Exchange>, end: &End) {
        if let Some(registration) = self.registrations.at_mut(key) {
            registration.binding = None;
        }
        self.failed(now, key, exchange, end);
        self.save(key);
    }

    /// Bound and at rest: plans the refresh, tells and saves.
    pub(super) fn settle(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(binding) = &registration.binding else {
            registration.phase = Phase::Idle;
            return self.enqueue(now, key, false);
        };
        let sent_at = binding.lapses_at - binding.granted;
        registration.phase = Phase::Bound { refresh_at: refresh_at(sent_at, binding.granted, &mut self.wire.jitter) };
        let again = std::mem::take(&mut registration.again) || registration.intent.removes();
        self.arm(key);
        self.tell_status(now, key);
        self.save(key);
        if again {
            self.enqueue(now, key, true);
        }
    }

    /// Keeps the nonce for the next refresh, or the one that the carrier names for it.
    fn remember(&mut self, now: Instant, key: Key, exchange: &mut Exchange, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let reuse = self.carriers.at(registration.carrier).map_or(NonceReuse::Never, |carrier| carrier.profile.nonce_reuse);
        // Where a proxy and the registrar both challenged, both are asked anew.
        if let (Some(answering), true) = (exchange.answers.pop(), exchange.answers.is_empty()) {
            registration.shown.negotiated = Some(answering.choice.negotiated());
            registration.remembered = Some(Box::new(answering));
        } else if exchange.remembered.is_none() {
            registration.remembered = None;
        }
        let next = message.authentication_info().ok().flatten().and_then(|info| info.nextnonce());
        if let (Some(next), Some(remembered)) = (next, &mut registration.remembered) {
            remembered.next_nonce(next, now);
        }
        if reuse == NonceReuse::Never {
            registration.remembered = None;
        }
    }

    fn warnings(&self, key: Key, authenticated: bool) -> Vec<Code> {
        let Some(registration) = self.registrations.at(key) else { return Vec::new() };
        if !authenticated {
            return vec![Code::RegistrationUnauthenticated];
        }
        let used = registration.shown.negotiated.as_ref().and_then(|negotiated| sip::digest::Algorithm::from_token(&negotiated.algorithm));
        let Some(used) = used else { return Vec::new() };
        let pinned = registration.credential().filter(|credential| credential.pinned).and_then(|credential| credential.algorithm);
        [
            (used.hash == sip::digest::Hash::Md5, Code::AlgorithmWeak),
            (!registration.assignment.policy.allowed.contains(&used.hash), Code::AlgorithmDisallowedActive),
            (pinned.is_some_and(|pinned| used.hash < pinned.hash), Code::AlgorithmDowngraded),
        ]
        .into_iter()
        .filter_map(|(holds, code)| holds.then_some(code))
        .collect()
    }

    /// Judges the terms of the running binding anew: the policy may have changed since they were negotiated.
    pub(super) fn warn_of_terms(&mut self, key: Key) {
        let Some(authenticated) = self.registrations.at(key).and_then(|registration| Some(registration.binding.as_ref()?.authenticated)) else { return };
        let mut warnings = self.warnings(key, authenticated);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let of_terms = [Code::RegistrationUnauthenticated, Code::AlgorithmWeak, Code::AlgorithmDisallowedActive, Code::AlgorithmDowngraded];
        warnings.extend(registration.shown.warnings.iter().copied().filter(|code| !of_terms.contains(code)));
        registration.shown.warnings = warnings;
    }

    /// Tells that a version was accepted, the first time and when the terms change.
    fn accept(&mut self, key: Key, exchange: &Exchange, authenticated: bool) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let terms = registration.shown.negotiated.clone().filter(|_| authenticated);
        let report = (exchange.version, terms);
        if registration.reported.as_ref() == Some(&report) {
            return;
        }
        let event = Event::Accepted {
            trunk: registration.assignment.trunk.clone(),
            generation: registration.assignment.generation,
            version: exchange.version,
            authenticated,
            negotiated: report.1.clone(),
        };
        registration.reported = Some(report);
        if registration.which == Which::Active {
            registration.standby_refused = false;
        }
        if registration.intent != Intent::LeaveUnseen {
            self.wire.tell(event);
        }
    }
}
