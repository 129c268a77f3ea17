//! Answers to a registration's REGISTER, and what a 2xx grants.

use std::sync::Arc;
use std::time::Duration;

use diagnosis::Code;
use sip::{ChallengeSource, Message, Start};

use super::evidence::note;
use super::{Endpoint, Loss, Reply, final_of, reason_of};
use crate::account::Holder;
use crate::answering::Answering;
use crate::granted::{Granted, granted, lists, others};
use crate::registration::{Binding, Exchange, Intent, Large, Late, Phase, Purpose, Registration, Which, refresh_window, seconds_of};
use crate::request::{contact_uri, instance};
use crate::routes::routes;
use crate::slab::{Key, Slab};
use crate::verdict::{End, names_cseq, status};
use crate::wire::Transaction;
use crate::{AttemptKind, ContactReplacement, Event, Instant, NonceReuse, SendFault};

/// carriers.md F4: a longer Min-Expires than a day is absurd.
const MIN_EXPIRES_MAX: u32 = 24 * 3600;
/// carriers.md F4: above this a warning.
const LONG: u32 = 3600;
/// carriers.md B4a.
const UNSUSTAINABLE: Duration = Duration::from_secs(20);
/// carriers.md F15.
const CSEQ_JUMP: u32 = 100_000;

impl Endpoint {
    pub(super) fn registration_ended(&mut self, now: Instant, key: Key, transaction: &mut Transaction, reply: &Reply<'_>) {
        if let (true, Reply::Answer(message)) = (transaction.is_over(), reply) {
            return self.came_late(now, key, transaction, message);
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier = registration.carrier;
        let mut exchange = match std::mem::replace(&mut registration.phase, Phase::Idle) {
            Phase::Asking(exchange) => exchange,
            other => {
                registration.phase = other;
                return;
            }
        };
        if registration.timer.is_none() {
            // A plain refresh goes without: what follows may take longer than the binding runs.
            self.arm(key);
        }
        self.refund(carrier, transaction.paid);
        registration_late(&mut self.registrations, key, transaction, &exchange, reply);
        // Of what is answered by 2xx nothing may have to be kept.
        if !matches!(reply, Reply::Answer(_)) {
            note(&mut exchange.record, &mut self.wire, now, transaction, reply);
        }
        match reply {
            Reply::Silence => self.failed(now, key, exchange, &End::Silence),
            Reply::NotSent(SendFault::TooLarge) if exchange.large == Large::No && self.may_use_tcp(carrier) => {
                exchange.large = Large::OverTcp;
                self.send(now, key, exchange);
            }
            Reply::NotSent(fault) => self.failed(now, key, exchange, &End::NotSent(*fault)),
            Reply::Lost(loss) => self.connection_lost(now, key, exchange, loss),
            Reply::Answer(message) => self.answered(now, key, exchange, transaction, message),
        }
        self.pump(now, carrier);
    }

    fn answered(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, transaction: &mut Transaction, message: &Message<'_>) {
        let (code, words) = match message.start() {
            Start::Status { code, reason } => (code, reason),
            Start::Request { .. } => return,
        };
        if !(200..300).contains(&code) {
            exchange.record.note(&mut self.wire, now, transaction, Some(message));
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let shown = &mut registration.shown;
        shown.answered = true;
        if !shown.response.as_ref().is_some_and(|shown| shown.code == code && shown.reason.as_bytes() == words) {
            let carrier = self.carriers.at_mut(registration.carrier);
            let make = || status(code, &reason_of(message).1);
            shown.response = carrier.map(|carrier| carrier.share_status(code, words, make));
            registration.plain = 0;
        }
        let public = transaction.public.or(shown.public);
        if public != shown.public {
            shown.public = public;
            registration.plain = 0;
        }
        // After a retransmission nobody knows which request was answered (as RFC 6298 3, Karn).
        if transaction.sends == 1 {
            shown.round_trip = Some(now.since(transaction.sent_at));
        }
        let mut outbound = false;
        if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
            carrier.targets.answered(now, exchange.target.place());
            carrier.public = shown.public.or(carrier.public);
            outbound = carrier.profile.manners.outbound;
        }
        match code {
            200..=299 => self.succeeded(now, key, exchange, transaction, message),
            401 | 407 => self.challenged(now, key, exchange, message),
            423 => self.too_brief(now, key, exchange, message),
            400 | 500 if exchange.cseq < 2 && names_cseq(&reason_of(message).1) => {
                // carriers.md F15: once much higher, then under a new Call-ID.
                exchange.cseq += 1;
                if exchange.cseq == 1 {
                    registration.identity.cseq = registration.identity.cseq.saturating_add(CSEQ_JUMP);
                } else {
                    registration.identity = self.wire.identity();
                    // A nonce belongs to the Call-ID that it was issued to (carriers.md C17).
                    registration.remembered.clear();
                    exchange.answers.clear();
                }
                self.send(now, key, exchange);
            }
            403 if exchange.remembered.is_some() => {
                // As carriers.md C12: whether it is the nonce or the account shows without it.
                registration.remembered.clear();
                self.send(now, key, exchange);
            }
            301 | 302 | 305 => {
                if let Err(exchange) = self.redirected(now, key, exchange, message) {
                    self.failed(now, key, exchange, &End::Final(final_of(message)));
                }
            }
            420 | 439 if !exchange.plain && outbound => {
                // carriers.md F9: the carrier, or a proxy before it, does not know RFC 5626.
                exchange.plain = true;
                self.send(now, key, exchange);
            }
            _ => self.failed(now, key, exchange, &End::Final(final_of(message))),
        }
    }

    /// The connection ended under a REGISTER: TCP that a large request tried is refused, a shared one was stale, or it is as any other silence.
    fn connection_lost(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, loss: &Loss<'_>) {
        if exchange.large == Large::OverTcp && !loss.was_open {
            exchange.large = Large::TcpRefused;
            return self.send(now, key, exchange);
        }
        // Whether a digest arrived is not known: a second one is for a version that is known to be good.
        let proven = self.registrations.at(key).is_some_and(|registration| registration.accepted);
        if loss.was_open && loss.asked_at < exchange.began && !exchange.reconnected && (proven || !exchange.authenticated()) {
            exchange.reconnected = true;
            return self.send(now, key, exchange);
        }
        self.failed(now, key, exchange, &End::Disconnected(loss.fault.clone()));
    }

    fn may_use_tcp(&self, carrier: Key) -> bool {
        self.carriers.at(carrier).is_some_and(|carrier| carrier.profile.may_use_tcp())
    }

    /// The old Contact is out of the way: binds the new one.
    pub(super) fn bind_next(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>) {
        exchange.purpose = Purpose::Bind;
        exchange.answers.clear();
        (exchange.kind, exchange.began) = (AttemptKind::Refresh, now);
        self.send(now, key, exchange);
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

    fn succeeded(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, transaction: &mut Transaction, message: &Message<'_>) {
        if let (Some(flow), Ok(Some(seconds))) = (exchange.flow, message.flow_timer()) {
            self.wire.take_flow_timer(now, flow, seconds);
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier_key = registration.carrier;
        if let Some(carrier) = self.carriers.at_mut(carrier_key) {
            carrier.targets.trust(exchange.target.place());
            if let Some(age) = exchange.remembered {
                carrier.nonces.accepted(age);
            }
            if std::mem::take(&mut carrier.healing) {
                self.release(now, carrier_key);
            }
        }
        self.known(now, std::mem::take(&mut exchange.risks), true);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        match exchange.purpose {
            Purpose::Bind => {}
            Purpose::Unbind => {
                registration.binding = None;
                let wanted_again = registration.intent == Intent::Keep;
                self.tell_accepted(now, key, &mut exchange, transaction, message, Vec::new());
                self.unpace(carrier_key);
                if !wanted_again {
                    return self.unbound(now, key, true);
                }
                self.save(key);
                return self.enqueue(now, key, true);
            }
            Purpose::UnbindStray => {
                let goes_first = registration.stray_goes_first();
                registration.stray = None;
                if goes_first {
                    registration.binding = None;
                }
                self.tell_accepted(now, key, &mut exchange, transaction, message, Vec::new());
                if goes_first {
                    return self.bind_next(now, key, exchange);
                }
                self.unpace(carrier_key);
                return self.settle(now, key);
            }
        }
        let manners = self.carriers.at(carrier_key).map(|carrier| carrier.profile.manners.ways()).unwrap_or_default();
        let urn = (manners.outbound && !exchange.plain)
            .then(|| instance(&registration.assignment.trunk, &registration.assignment.account.address_of_record));
        let terms = match granted(message, &exchange.contact, urn.as_deref(), exchange.expires) {
            Granted::Bound { time, .. } | Granted::Unlisted { time } if time.is_zero() => Err(End::GrantedNothing),
            Granted::Bound { time, rewritten } => Ok((time, false, rewritten)),
            Granted::Unlisted { time } => Ok((time, true, None)),
            Granted::Missing { listed } => Err(End::BindingMissing { listed }),
        };
        let (time, unlisted, rewritten) = match terms {
            Ok(terms) => terms,
            Err(end) => {
                exchange.record.note(&mut self.wire, now, transaction, Some(message));
                return self.unkept(now, key, exchange, &end);
            }
        };
        let authenticated = exchange.authenticated();
        // Counted from sending (carriers.md B1): the registrar's clock started no sooner.
        let lapses_at = transaction.sent_at + time;
        let renewed = registration.binding.is_some();
        registration.plain = 0;
        registration.binding = Some(Binding {
            address_of_record: registration.assignment.account.address_of_record.clone(),
            contact: exchange.contact.clone(),
            registrar: exchange.target.place(),
            granted: time,
            lapses_at,
            registered_at: registration.binding.as_ref().map_or(now, |binding| binding.registered_at),
            version: exchange.version,
            authenticated,
        });
        self.remember(now, key, &mut exchange, message);
        let mut changes = self.changed_terms(key, &exchange, authenticated);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        changes.extend(registration.granted(seconds_of(time)));
        registration.drifted = Box::default();
        registration.failures = 0;
        // What an exchange of the version before brought says nothing of the one in use.
        let current = registration.uses(exchange.version);
        if current {
            registration.failed_digests = 0;
            registration.accepted = true;
            registration.released = false;
        }
        registration.shown.lapsed = false;
        registration.shown.routes = routes(message);
        registration.shown.diagnosis = None;
        registration.shown.refreshes += u64::from(renewed);
        let mut warnings = self.warnings(key, authenticated);
        warnings.extend(
            [
                (unlisted, Code::BindingUnlisted),
                (rewritten.is_some(), Code::ContactRewritten),
                (time < UNSUSTAINABLE, Code::IntervalUnsustainable),
            ]
            .into_iter()
            .filter_map(|(holds, code)| holds.then_some(code)),
        );
        let Some(registration) = self.registrations.at_mut(key) else { return };
        // carriers.md B5: where there is room for one, another's beside ours took or takes our place.
        let alone = manners.binding_limit == Some(1) && rewritten.is_none() && registration.stray.is_none();
        let listed = if alone { others(message, &exchange.contact) } else { Vec::new() };
        if !listed.is_empty() {
            warnings.push(Code::BindingContested);
            let trunk = registration.assignment.trunk.clone();
            if !registration.shown.warnings.contains(&Code::BindingContested) {
                self.wire.tell(Event::BindingContested { trunk, listed });
            }
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        // carriers.md N5: the carrier saw another address than the one that was just bound.
        if let (true, Some(public), Some(advertised)) =
            (manners.nat_rewrite, registration.shown.public, self.wire.advertised(exchange.local))
        {
            let account = &registration.assignment.account;
            let plain = contact_uri(account, &account.address_of_record, advertised, None, manners.gin, exchange.target.transport);
            // Once: where the carrier sees another port each time, the next refresh is soon enough.
            registration.again |= *plain == *exchange.contact
                && contact_uri(account, &account.address_of_record, advertised, Some(public), manners.gin, exchange.target.transport)
                    != plain;
        }
        if registration.min_expires.is_some_and(|least| least > LONG) {
            warnings.push(Code::IntervalLong);
        }
        registration.shown.warnings = warnings;
        let request_bytes = transaction.request_bytes();
        self.tell_accepted(now, key, &mut exchange, transaction, message, changes);
        if current {
            self.accept(key, exchange.version, authenticated);
        }
        // carriers.md B12: the new Contact holds; the old one goes, if it is still there.
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let leaves = manners.contact_replacement != ContactReplacement::Instance;
        if leaves && registration.stray.as_ref().is_some_and(|stray| lists(message, stray)) {
            exchange.purpose = Purpose::UnbindStray;
            exchange.answers.clear();
            (exchange.kind, exchange.began) = (AttemptKind::Removal, now);
            return self.send(now, key, exchange);
        }
        registration.stray = None;
        self.unpace(carrier_key);
        self.settle(now, key);
        if !unlisted && rewritten.is_none() {
            self.mark_plain(key, &exchange, request_bytes);
        }
    }

    /// A 2xx to a REGISTER that was given up: it binds all the same.
    fn came_late(&mut self, now: Instant, key: Key, transaction: &mut Transaction, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key).filter(|registration| registration.intent == Intent::Keep) else { return };
        let Some(late) = registration.late.take_if(|late| late.cseq == transaction.cseq()) else { return };
        let (Granted::Bound { time, .. } | Granted::Unlisted { time }) = granted(message, &late.contact, None, late.expires) else {
            return;
        };
        let lapses_at = transaction.sent_at + time;
        if lapses_at <= now {
            return;
        }
        let kind = match registration.binding {
            Some(_) => AttemptKind::Refresh,
            None => AttemptKind::FirstRegistration,
        };
        registration.binding = Some(Binding {
            address_of_record: registration.assignment.account.address_of_record.clone(),
            registrar: transaction.target,
            granted: time,
            lapses_at,
            registered_at: registration.binding.as_ref().map_or(now, |binding| binding.registered_at),
            version: late.version,
            authenticated: late.authenticated,
            contact: late.contact,
        });
        registration.shown.lapsed = false;
        registration.shown.answered = true;
        registration.shown.response = Some(Arc::new(status(200, &reason_of(message).1)));
        let rests = matches!(registration.phase, Phase::Waiting { .. } | Phase::Queued(_)) && registration.uses(late.version);
        self.tell_late(now, key, kind, transaction, message);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if !rests {
            // The exchange that is on goes on.
            self.arm(key);
            self.tell_status(now, key);
            return self.save(key);
        }
        registration.failures = 0;
        registration.accepted = true;
        registration.released = false;
        registration.shown.diagnosis = None;
        self.leave_queue(key);
        self.accept(key, late.version, late.authenticated);
        self.settle(now, key);
    }

    /// A 2xx that binds nothing.
    fn unkept(&mut self, now: Instant, key: Key, exchange: Box<Exchange>, end: &End) {
        if let Some(registration) = self.registrations.at_mut(key)
            && registration.binding.take().is_some()
            && let End::BindingMissing { listed } = end
        {
            // carriers.md B5: it was ours, and is another's now.
            registration.shown.warnings.push(Code::BindingContested);
            let trunk = registration.assignment.trunk.clone();
            self.wire.tell(Event::BindingContested { trunk, listed: listed.clone() });
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
        let (carrier, granted) = (registration.carrier, binding.granted);
        let refresh_at = self.plan(now, carrier, sent_at, granted);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.phase = Phase::Bound { refresh_at };
        let again = std::mem::take(&mut registration.again) || registration.intent.removes();
        self.arm(key);
        self.tell_settled(now, key);
        if again {
            self.enqueue(now, key, true);
        }
    }

    /// Plans the refresh of a binding in a second that has few.
    pub(super) fn plan(&mut self, now: Instant, carrier: Key, sent_at: Instant, granted: Duration) -> Instant {
        let (low, high) = refresh_window(sent_at, granted);
        self.carriers.at_mut(carrier).map_or(low, |carrier| {
            // The carrier's wish ends where the binding would be at risk.
            let low = low.max(sent_at + carrier.profile.manners.min_refresh).min(high.max(sent_at + granted * 3 / 4));
            carrier.slots.take(now, low, high.max(low), &mut self.wire.jitter)
        })
    }

    /// Keeps the nonce for the next refresh, or the one that the carrier names for it.
    fn remember(&mut self, now: Instant, key: Key, exchange: &mut Exchange, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let reuse = self.carriers.at(registration.carrier).map_or(NonceReuse::Never, |carrier| carrier.profile.nonce_reuse);
        // Of a proxy's and the registrar's, the registrar's is what the operator asks about.
        let own = |answers: &[Answering]| answers.iter().position(|answer| answer.choice.source == ChallengeSource::Registrar).unwrap_or(0);
        if exchange.remembered.is_none() {
            registration.remembered = std::mem::take(&mut exchange.answers);
            registration.remembered.shrink_to_fit();
            // What a carrier asks is the same for all: it is kept once.
            if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
                let at = own(&registration.remembered);
                for (place, answering) in registration.remembered.iter_mut().enumerate() {
                    let terms = carrier.share(&mut answering.choice.asked);
                    if place == at && answering.choice.holder == Holder::Account {
                        registration.shown.negotiated = Some(terms);
                    }
                }
            }
        }
        let next = message.authentication_info().ok().flatten().and_then(|info| info.nextnonce());
        let at = own(&registration.remembered);
        if let (Some(next), Some(remembered)) = (next, registration.remembered.get_mut(at)) {
            remembered.next_nonce(next, now);
        }
        if reuse == NonceReuse::Never {
            registration.remembered.clear();
        }
    }

    fn warnings(&self, key: Key, authenticated: bool) -> Vec<Code> {
        let Some(registration) = self.registrations.at(key) else { return Vec::new() };
        if !authenticated {
            return vec![Code::RegistrationUnauthenticated];
        }
        let Some(negotiated) = &registration.shown.negotiated else { return Vec::new() };
        let Some(used) = sip::digest::Algorithm::from_token(&negotiated.algorithm) else { return Vec::new() };
        let credential = registration.credential();
        let pinned = credential.filter(|credential| credential.pinned).and_then(|credential| credential.algorithm);
        let bare = negotiated.qop.is_none() && credential.is_some_and(|credential| credential.qop);
        [
            (used.hash == sip::digest::Hash::Md5, Code::AlgorithmWeak),
            (!registration.assignment.policy().allowed.contains(&used.hash), Code::AlgorithmDisallowedActive),
            (bare || pinned.is_some_and(|pinned| used.hash < pinned.hash), Code::AlgorithmDowngraded),
        ]
        .into_iter()
        .filter_map(|(holds, code)| holds.then_some(code))
        .collect()
    }

    /// Judges the terms of the running binding anew: the policy may have changed since they were negotiated.
    pub(super) fn warn_of_terms(&mut self, key: Key) {
        let Some(authenticated) = self.registrations.at(key).and_then(|registration| Some(registration.binding.as_ref()?.authenticated))
        else {
            return;
        };
        let mut warnings = self.warnings(key, authenticated);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let of_terms = [Code::RegistrationUnauthenticated, Code::AlgorithmWeak, Code::AlgorithmDisallowedActive, Code::AlgorithmDowngraded];
        warnings.extend(registration.shown.warnings.iter().copied().filter(|code| !of_terms.contains(code)));
        registration.shown.warnings = warnings;
    }

    /// Tells that a version was accepted, the first time and when the terms change.
    fn accept(&mut self, key: Key, version: u32, authenticated: bool) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let terms = registration.shown.negotiated.as_ref().filter(|_| authenticated);
        if registration.reported.as_ref().is_some_and(|(of, before)| *of == version && before.as_ref() == terms) {
            return;
        }
        let report = (version, terms.cloned());
        let event = Event::Accepted {
            trunk: registration.assignment.trunk.clone(),
            generation: registration.assignment.generation,
            version,
            authenticated,
            negotiated: report.1.as_deref().cloned(),
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

/// Remembers a REGISTER that nobody answered in time, and forgets it once anything was answered.
fn registration_late(registrations: &mut Slab<Registration>, key: Key, transaction: &Transaction, exchange: &Exchange, reply: &Reply<'_>) {
    let Some(registration) = registrations.at_mut(key) else { return };
    registration.late = matches!((reply, exchange.purpose), (Reply::Silence, Purpose::Bind)).then(|| {
        Box::new(Late {
            cseq: transaction.cseq(),
            contact: exchange.contact.clone(),
            expires: exchange.expires,
            version: exchange.version,
            authenticated: exchange.authenticated(),
        })
    });
}
