//! Which exchanges are told as attempts, and with what.
//!
//! A refresh that goes well and finds everything as before costs nothing here: its messages are not even kept. Kept are failures, first
//! registrations, verifications, and exchanges in which the carrier did something otherwise than before; all of them while a trace is on.

use std::sync::Arc;

use diagnosis::Diagnosis;
use sip::Message;

use super::{Endpoint, Reply};
use crate::drift;
use crate::probe::Probe;
use crate::record::Record;
use crate::registration::{Exchange, Purpose};
use crate::slab::Key;
use crate::wire::{Transaction, Wire};
use crate::{Attempt, AttemptKind, Drift, Event, Instant, Outcome, SendFault, Transport};

impl Endpoint {
    /// Ends a registration's exchange that went well. Nothing is told of a plain refresh.
    pub(super) fn tell_accepted(
        &mut self,
        now: Instant,
        key: Key,
        exchange: &mut Exchange,
        transaction: &mut Transaction,
        message: &Message<'_>,
        changes: Vec<Drift>,
    ) {
        let Some(registration) = self.registrations.at(key) else { return };
        let first = exchange.kind == AttemptKind::FirstRegistration;
        let told = exchange.began < registration.traced_until || !changes.is_empty() || (first && self.allowance.take(now));
        if !told {
            return exchange.record.drop_into(&mut self.wire);
        }
        exchange.record.note(&mut self.wire, now, transaction, Some(message));
        let id: Arc<str> = self.wire.tokens.text::<32>().into();
        let negotiated = match exchange.purpose {
            Purpose::Bind if registration.binding.as_ref().is_some_and(|binding| binding.authenticated) => {
                registration.shown.negotiated.as_deref().cloned()
            }
            Purpose::Bind | Purpose::Unbind | Purpose::UnbindStray => exchange.answers.last().map(|answer| answer.choice.negotiated()),
        };
        self.tell_exchange(now, key, exchange, |attempt| Attempt { id, accepted: true, negotiated, changes, ..attempt });
    }

    /// Ends a registration's exchange that failed, and has its diagnosis name the attempt.
    pub(super) fn tell_failed(&mut self, now: Instant, key: Key, exchange: &mut Exchange, diagnosis: &mut Diagnosis) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let before =
            registration.reported.as_ref().filter(|(version, _)| *version == exchange.version).and_then(|(_, terms)| terms.as_ref());
        let mut changes = before.map_or_else(Vec::new, |before| drift::of_challenges(before, &exchange.seen));
        // A carrier that goes on refusing for the same reason changed once.
        if *registration.drifted == *changes {
            changes.clear();
        } else if !changes.is_empty() {
            registration.drifted = changes.clone().into();
        }
        let told = exchange.began < registration.traced_until || !changes.is_empty() || self.allowance.take(now);
        if !told {
            return exchange.record.drop_into(&mut self.wire);
        }
        let id = self.name_attempt(diagnosis);
        let negotiated = exchange.answers.last().map(|answer| answer.choice.negotiated());
        let diagnosis = Some(Box::new(diagnosis.clone()));
        self.tell_exchange(now, key, exchange, |attempt| Attempt { id, negotiated, diagnosis, changes, ..attempt });
    }

    /// Tells of a try for which there was no address to ask.
    pub(super) fn tell_unsent(&mut self, now: Instant, key: Key, registrar: &str, diagnosis: &mut Diagnosis) {
        let Some(registration) = self.registrations.at(key) else { return };
        if now >= registration.traced_until && !self.allowance.take(now) {
            return;
        }
        let kind = match (registration.intent.removes(), &registration.binding) {
            (true, _) => AttemptKind::Removal,
            (false, Some(_)) => AttemptKind::Refresh,
            (false, None) => AttemptKind::FirstRegistration,
        };
        let id = self.name_attempt(diagnosis);
        let Some(registration) = self.registrations.at(key) else { return };
        let attempt = Attempt {
            id,
            trunk: Some(registration.assignment.trunk.clone()),
            carrier: registration.assignment.carrier.clone(),
            kind,
            started_at: registration.started_at,
            ended_at: now,
            registrar: registrar.into(),
            targets: Vec::new(),
            transport: Transport::default(),
            secured: None,
            source: None,
            public: registration.shown.public,
            messages: Vec::new(),
            accepted: false,
            negotiated: None,
            diagnosis: Some(Box::new(diagnosis.clone())),
            changes: Vec::new(),
        };
        self.wire.tell(Event::Attempt(Box::new(attempt)));
    }

    /// Tells of a binding that a late answer brought after its exchange was given up.
    pub(super) fn tell_late(&mut self, now: Instant, key: Key, kind: AttemptKind, transaction: &mut Transaction, message: &Message<'_>) {
        let Some(registration) = self.registrations.at(key) else { return };
        let first = kind == AttemptKind::FirstRegistration;
        if now >= registration.traced_until && !(first && self.allowance.take(now)) {
            return;
        }
        let mut record = Record::default();
        record.note(&mut self.wire, now, transaction, Some(message));
        let attempt = Attempt {
            id: self.wire.tokens.text::<32>().into(),
            trunk: Some(registration.assignment.trunk.clone()),
            carrier: registration.assignment.carrier.clone(),
            kind,
            started_at: transaction.sent_at,
            ended_at: now,
            registrar: self.registrar_of(registration.carrier),
            targets: vec![transaction.target.address],
            transport: transaction.target.transport,
            secured: None,
            source: record.own.or_else(|| self.wire.source(transaction.local)),
            public: record.public.or(registration.shown.public),
            messages: record.tell(&mut self.wire),
            accepted: true,
            negotiated: None,
            diagnosis: None,
            changes: Vec::new(),
        };
        self.wire.tell(Event::Attempt(Box::new(attempt)));
    }

    /// Tells of a verification, before its verdict.
    pub(super) fn tell_verification(&mut self, now: Instant, probe: &mut Probe, outcome: &Outcome) {
        let diagnosis = match outcome {
            Outcome::Refused(diagnosis) => Some(diagnosis.clone()),
            Outcome::Proved | Outcome::Learned | Outcome::AcceptedUnproven => None,
        };
        let attempt = Attempt {
            id: probe.order.id.clone(),
            trunk: probe.order.trunk.clone(),
            carrier: probe.order.profile.id.clone(),
            kind: AttemptKind::Verification,
            started_at: probe.began,
            ended_at: now,
            registrar: probe.seen.registrar.as_str().into(),
            targets: probe.tried.drain(..).map(|place| place.address).collect(),
            transport: probe.place().map(|place| place.transport).unwrap_or_default(),
            secured: probe.record.secured.take(),
            source: probe.record.own.or_else(|| probe.hop.as_ref().and_then(|(_, local)| self.wire.source(*local))),
            public: probe.record.public,
            messages: probe.record.tell(&mut self.wire),
            accepted: diagnosis.is_none(),
            negotiated: probe.negotiated.clone(),
            diagnosis,
            changes: self.changes_seen_by(probe),
        };
        self.wire.tell(Event::Attempt(Box::new(attempt)));
    }

    /// Compares the terms of an acceptance with those reported before of the same version: empty unless a digest was asked for anew.
    pub(super) fn changed_terms(&self, key: Key, exchange: &Exchange, authenticated: bool) -> Vec<Drift> {
        let Some(registration) = self.registrations.at(key) else { return Vec::new() };
        match &registration.reported {
            Some((version, before)) if *version == exchange.version && exchange.remembered.is_none() => {
                let after = registration.shown.negotiated.as_deref().filter(|_| authenticated);
                drift::of_terms(before.as_deref(), after)
            }
            Some(_) | None => Vec::new(),
        }
    }

    /// A verification of the version in use sees what the registration's next refresh will.
    fn changes_seen_by(&self, probe: &Probe) -> Vec<Drift> {
        let version = probe.order.credential.as_ref().map(|credential| credential.version);
        let key = probe.order.trunk.as_ref().and_then(|trunk| self.trunks.get(trunk));
        let reported = key.and_then(|&key| self.registrations.at(key)?.reported.as_ref());
        match (reported, &probe.negotiated) {
            (Some((of, Some(before))), Some(after)) if Some(*of) == version => drift::of_terms(Some(&**before), Some(after)),
            _ => Vec::new(),
        }
    }

    fn name_attempt(&mut self, diagnosis: &mut Diagnosis) -> Arc<str> {
        let id = self.wire.tokens.text::<32>();
        diagnosis.evidence.attempt_id = Some(id.to_string());
        id.into()
    }

    fn registrar_of(&self, carrier: Key) -> Box<str> {
        self.carriers.at(carrier).map_or_else(Box::default, |carrier| carrier.targets.first_uri().into())
    }

    fn tell_exchange(&mut self, now: Instant, key: Key, exchange: &mut Exchange, complete: impl FnOnce(Attempt) -> Attempt) {
        let messages = exchange.record.tell(&mut self.wire);
        let Some(registration) = self.registrations.at(key) else { return };
        let attempt = Attempt {
            id: Arc::default(),
            trunk: Some(registration.assignment.trunk.clone()),
            carrier: registration.assignment.carrier.clone(),
            kind: exchange.kind,
            started_at: exchange.began,
            ended_at: now,
            registrar: exchange.target.registrar.to_string().into(),
            targets: exchange.tried.iter().map(|place| place.address).collect(),
            transport: exchange.transport(),
            secured: exchange.record.secured.take(),
            source: exchange.record.own.or_else(|| self.wire.source(exchange.local)),
            public: exchange.record.public.or(registration.shown.public),
            messages,
            accepted: false,
            negotiated: None,
            diagnosis: None,
            changes: Vec::new(),
        };
        self.wire.tell(Event::Attempt(Box::new(complete(attempt))));
    }
}

/// Keeps what a transaction sent and heard; what the gate forbids has not gone.
pub(super) fn note(record: &mut Record, wire: &mut Wire, now: Instant, transaction: &mut Transaction, reply: &Reply<'_>) {
    match reply {
        Reply::Answer(message) => record.note(wire, now, transaction, Some(message)),
        Reply::NotSent(SendFault::Forbidden) => {}
        Reply::Lost(loss) if !loss.was_open => {}
        Reply::Silence | Reply::NotSent(_) | Reply::Lost(_) => record.note(wire, now, transaction, None),
    }
}
