//! When a registration may ask, and how it begins.

use std::sync::Arc;

use super::Endpoint;
use crate::answering::Answering;
use crate::carrier::Urgency;
use crate::chance::lot;
use crate::flows::Route;
use crate::granted::equivalent;
use crate::locate::Place;
use crate::record::Record;
use crate::registration::{Exchange, Intent, Large, Phase, Purpose, patience};
use crate::request::{CSEQ_MAX, Extension, Register, contact_uri, instance};
use crate::slab::Key;
use crate::targets::{Next, Target};
use crate::verdict::End;
use crate::wire::{Outset, Owner, Timer};
use crate::{AttemptKind, ContactReplacement, Instant, Local, NonceReuse, ResolveFault, Transport};

/// After so many requests without success what is kept is told anew: well below the jump of an unclean start.
pub(super) const UNSAVED_MAX: u32 = 400;
/// RFC 3261 18.1.1: within 200 bytes of the path's MTU, or above this where that is not known, a request goes over TCP.
pub(super) const DATAGRAM_MAX: usize = 1_300;

impl Endpoint {
    /// Queues a registration at its carrier. One whose exchange is on, or is ridden by a verification, goes again when that ends; one whose
    /// failed digests are spent is held.
    pub(super) fn enqueue(&mut self, now: Instant, key: Key, ordered: bool) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if registration.ridden.is_some() || matches!(registration.phase, Phase::Asking(_) | Phase::Parked { .. }) {
            registration.again = true;
            return self.arm(key);
        }
        let carrier = registration.carrier;
        self.leave_queue(key);
        let (Some(registration), Some(at)) = (self.registrations.at_mut(key), self.carriers.at_mut(carrier)) else { return };
        if registration.intent == Intent::Keep && registration.failed_digests >= at.profile.failure_budget.per_version.max(1) {
            registration.phase = Phase::Held;
            self.arm(key);
            return self.tell_status(now, key);
        }
        let urgency = match &registration.binding {
            _ if ordered => Urgency::Ordered,
            Some(binding) => Urgency::Refresh { lapses_at: binding.lapses_at },
            None => Urgency::First,
        };
        // As `pump` would, where nobody is to be asked about and nobody waits.
        if at.targets.sole().is_some() && at.pace.admit_at_once(now, urgency) {
            let stale = at.targets.stale(now);
            self.look_up_carrier(now, carrier, stale);
            return self.begin(now, key);
        }
        registration.phase = Phase::Queued(at.pace.enqueue(urgency, key));
        self.arm(key);
        self.pump(now, carrier);
    }

    /// Takes a registration out of its carrier's queue, if it is there.
    pub(super) fn leave_queue(&mut self, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if let Phase::Queued(ticket) = registration.phase {
            registration.phase = Phase::Idle;
            if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
                carrier.pace.leave(ticket);
            }
        }
    }

    /// Lets as many of a carrier's registrations ask as its pace allows.
    pub(super) fn pump(&mut self, now: Instant, carrier_key: Key) {
        loop {
            let Some(carrier) = self.carriers.at_mut(carrier_key) else { return };
            if carrier.pace.is_idle() {
                return;
            }
            let next = match carrier.targets.sole() {
                Some(_) => None,
                None => Some(carrier.targets.next(now, &[], 0)),
            };
            match next {
                None | Some(Next::Ask(_)) => {
                    let stale = carrier.targets.stale(now);
                    match carrier.pace.admit(now) {
                        Ok(registration) => {
                            self.look_up_carrier(now, carrier_key, stale);
                            self.begin(now, registration);
                        }
                        Err(at) => {
                            if let (Some(at), None) = (at, carrier.pace.timer) {
                                carrier.pace.timer = Some(self.wire.wheel.arm(at, Timer::Pace(carrier_key)));
                            }
                            return;
                        }
                    }
                }
                Some(Next::LookUp(hops)) => {
                    self.look_up_carrier(now, carrier_key, hops);
                    return;
                }
                Some(Next::Exhausted) => return,
                Some(Next::Nowhere { registrar, fault }) => {
                    for registration in carrier.pace.drain() {
                        self.nowhere(now, registration, &registrar, &fault);
                    }
                    return;
                }
            }
        }
    }

    /// Begins an attempt; the carrier's pace has admitted it, and there is a place to ask.
    fn begin(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier_key = registration.carrier;
        registration.phase = Phase::Idle;
        registration.again = false;
        registration.started_at = now;
        if self.refresh_plainly(now, key) {
            return;
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let removes = registration.intent.removes();
        let purpose = if removes { Purpose::Unbind } else { Purpose::Bind };
        // A removal is tried without credentials too: some registrars ask for none.
        let left = registration.binding.as_ref().filter(|_| removes).map(|binding| binding.version);
        let Some(version) = registration.credential().map(|credential| credential.version).or(left) else {
            // They went while it waited.
            self.refund(carrier_key, true);
            self.unpace(carrier_key);
            self.arm(key);
            return if removes { self.unbound(now, key, false) } else { self.tell_status(now, key) };
        };
        let lot = lot(&registration.assignment.trunk);
        let mut tried = Vec::new();
        let Some((target, local)) = self.next_hop(now, carrier_key, &mut tried, lot) else {
            self.arm(key);
            self.refund(carrier_key, true);
            self.unpace(carrier_key);
            let places = self.carriers.at(carrier_key).into_iter().flat_map(|carrier| carrier.targets.places());
            let first = places.map(|(registrar, place)| (registrar.clone(), place.address.ip())).next();
            let Some((registrar, address)) = first else { return };
            return self.nowhere(now, key, &registrar, &ResolveFault::NoSocket(address));
        };
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let advertised = self.wire.advertised(local).unwrap_or(target.address);
        let Some(manners) = self.carriers.at(carrier_key).map(|carrier| &carrier.profile.manners) else { return };
        let seen = registration.shown.public.filter(|_| manners.nat_rewrite);
        let contact: Arc<str> = match (&registration.binding, purpose) {
            (Some(binding), Purpose::Unbind) => binding.contact.clone(),
            (Some(_) | None, Purpose::Bind | Purpose::Unbind | Purpose::UnbindStray) => {
                let account = &registration.assignment.account;
                let uri = contact_uri(account, &account.address_of_record, advertised, seen, manners.gin, target.transport);
                let same = registration.binding.as_ref().map(|binding| &binding.contact).filter(|contact| ***contact == *uri);
                same.cloned().unwrap_or_else(|| uri.into())
            }
        };
        if let (Some(binding), Purpose::Bind) = (&registration.binding, purpose)
            && !Arc::ptr_eq(&binding.contact, &contact)
            && !equivalent(&binding.contact, &contact)
        {
            registration.stray = Some(binding.contact.clone());
        }
        // The carrier has no room for both: the old one goes first.
        let purpose = match (&registration.stray, purpose, manners.contact_replacement) {
            (Some(_), Purpose::Bind, ContactReplacement::Before) => Purpose::UnbindStray,
            _ => purpose,
        };
        let asked = registration.assignment.account.expires;
        let exchange = Exchange {
            // Replaced when it is sent.
            transaction: key,
            tried,
            target,
            local,
            flow: None,
            large: Large::default(),
            reconnected: false,
            purpose,
            fresh: true,
            answers: Vec::new(),
            remembered: None,
            stale: 0,
            interval: 0,
            cseq: 0,
            seen: Vec::new(),
            contact,
            expires: registration.min_expires.map_or(asked, |least| asked.max(least)),
            version,
            plain: false,
            redirects: 0,
            redirected: None,
            kind: match (purpose, &registration.binding) {
                (Purpose::Bind, None) => AttemptKind::FirstRegistration,
                (Purpose::Bind, Some(_)) => AttemptKind::Refresh,
                (Purpose::Unbind | Purpose::UnbindStray, _) => AttemptKind::Removal,
            },
            began: now,
            record: Record::default(),
            risks: Vec::new(),
            marked: false,
        };
        self.send(now, key, Box::new(exchange));
    }

    /// Sends the exchange's REGISTER with the next CSeq.
    pub(super) fn send(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>) {
        self.take_seat(now, key, &mut exchange);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at_mut(registration.carrier) else { return };
        if registration.identity.cseq >= CSEQ_MAX {
            registration.identity = self.wire.identity();
            // A nonce belongs to the Call-ID that it was issued to (carriers.md C17).
            registration.remembered.clear();
            exchange.answers.clear();
        }
        registration.identity.cseq += 1;
        registration.shown.version = Some(exchange.version);
        // The first is paid since it was admitted.
        let at = if exchange.fresh { now } else { carrier.pace.spend(now) };
        let (branch, buffer) = (self.wire.branch(), self.wire.buffer());
        let account = &registration.assignment.account;
        let seconds = match exchange.purpose {
            Purpose::Bind => exchange.expires,
            Purpose::Unbind | Purpose::UnbindStray => 0,
        };
        let contact = match (exchange.purpose, &registration.stray) {
            (Purpose::UnbindStray, Some(stray)) => stray.clone(),
            (Purpose::UnbindStray | Purpose::Bind | Purpose::Unbind, _) => exchange.contact.clone(),
        };
        let credential = registration.assignment.credential_of(exchange.version);
        let username = credential.map_or("", |credential| &*credential.username);
        let mut answers = std::mem::take(&mut self.wire.lines);
        answers.clear();
        exchange.answers.iter_mut().for_each(|answer| answer.line(username, "REGISTER", &account.request_uri, &mut answers));
        exchange.remembered = None;
        if answers.is_empty() {
            let reuse = carrier.profile.nonce_reuse;
            let usable = |remembered: &Answering| {
                let belongs = remembered.version == exchange.version
                    && remembered.local == exchange.local
                    && remembered.target == exchange.target.place()
                    && remembered.flow == exchange.flow_of_nonce();
                belongs && reuse != NonceReuse::Never && carrier.nonces.usable(now, now.since(remembered.issued_at), reuse)
            };
            if registration.remembered.iter().all(usable) {
                let remembered = &mut registration.remembered;
                remembered.iter_mut().for_each(|answer| answer.line(username, "REGISTER", &account.request_uri, &mut answers));
                exchange.remembered = registration.remembered.iter().map(|answer| now.since(answer.issued_at)).max();
            }
        }
        let route =
            (carrier.profile.route || carrier.profile.outbound_proxy.is_some()).then(|| format!("{};lr", exchange.target.registrar));
        let manners = &carrier.profile.manners;
        let instance = if manners.outbound { instance(&registration.assignment.trunk, &account.address_of_record) } else { String::new() };
        let (one, both);
        let mut request = Register {
            account,
            address_of_record: &account.address_of_record,
            identity: &registration.identity,
            branch: &branch.text(),
            via: self.wire.advertised_text(exchange.local),
            transport: exchange.transport(),
            route: route.as_deref(),
            contacts: match (exchange.purpose, &registration.stray, manners.contact_replacement) {
                (Purpose::Bind, Some(stray), ContactReplacement::SameRequest) => {
                    both = [(&*contact, seconds), (stray, 0)];
                    &both
                }
                _ => {
                    one = [(&*contact, seconds)];
                    &one
                }
            },
            extension: match (manners.outbound && !exchange.plain, manners.gin) {
                (_, true) => Extension::Gin,
                (true, false) => Extension::Outbound { instance: &instance },
                (false, false) => Extension::None,
            },
            answers: &answers,
            user_agent: &self.wire.config.user_agent,
        };
        let mut bytes = request.write(buffer);
        let grows = bytes.len() > DATAGRAM_MAX && exchange.flow.is_none() && exchange.large == Large::No && carrier.profile.may_use_tcp();
        if grows {
            // RFC 3261 18.1.1; the size of a response never switches (carriers.md N6).
            request.transport = Transport::Tcp;
            bytes.clear();
            bytes = request.write(bytes);
            exchange.large = Large::OverTcp;
        }
        self.wire.lines = answers;
        if grows {
            self.take_seat(now, key, &mut exchange);
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at_mut(registration.carrier) else { return };
        let lapses_at = registration.binding.as_ref().map(|binding| binding.lapses_at);
        let outset = Outset {
            owner: Owner::Registration(key),
            method: "REGISTER",
            identity: &registration.identity,
            local: exchange.local,
            target: Place { transport: exchange.transport(), address: exchange.target.address },
            flow: exchange.flow,
            branch,
            bytes,
            from_at: 0,
            at,
            patience: patience(now, lapses_at),
            exact_source: carrier.profile.response_source_exact,
        };
        exchange.transaction = self.wire.start(now, outset);
        self.wire.counters.registers += 1;
        // What is kept must not fall behind the wire by more than an unclean start jumps, however long nothing succeeds.
        let behind = registration.identity.cseq.wrapping_sub(registration.saved_cseq) >= UNSAVED_MAX;
        let first = std::mem::take(&mut exchange.fresh) && registration.binding.is_none();
        registration.phase = Phase::Asking(exchange);
        self.arm(key);
        if behind {
            self.save(key);
        }
        if first {
            self.tell_status(now, key);
        }
    }

    /// Finds the exchange the connection that it goes on, if it goes on one. A nonce that came on another is not answered on this one.
    fn take_seat(&mut self, now: Instant, key: Key, exchange: &mut Exchange) {
        exchange.flow = None;
        let transport = exchange.transport();
        if transport == Transport::Udp {
            return;
        }
        let Some(registration) = self.registrations.at(key) else { return };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return };
        let route = Route {
            carrier: carrier.profile.id.clone(),
            place: Place { transport, address: exchange.target.address },
            name: exchange.target.name.clone(),
            tls: carrier.profile.tls.clone(),
            local: exchange.local,
        };
        let flow = self.wire.flow_for(now, &route, registration.seat, registration.fresh_after);
        if registration.seat != Some(flow) {
            self.unseat(key);
            if let (Some(registration), Some(connection)) = (self.registrations.at_mut(key), self.wire.flows.at_mut(flow)) {
                registration.seat = Some(flow);
                connection.seats += 1;
            }
        }
        exchange.flow = Some(flow);
        let nonce_of = exchange.flow_of_nonce();
        exchange.answers.retain(|answer| answer.flow == nonce_of);
    }

    /// Returns the next hop of an attempt that a local socket leads to.
    pub(super) fn next_hop(&mut self, now: Instant, carrier: Key, tried: &mut Vec<Place>, lot: u64) -> Option<(Target, Local)> {
        let carrier = self.carriers.at(carrier)?;
        while let Next::Ask(target) = carrier.targets.next(now, tried, lot) {
            tried.push(target.place());
            if let Some(local) = self.wire.local_of(target.address, carrier.profile.manners.source_ports, lot) {
                return Some((target, local));
            }
        }
        None
    }

    /// Ends an attempt for its carrier's pace.
    pub(super) fn unpace(&mut self, carrier: Key) {
        if let Some(carrier) = self.carriers.at_mut(carrier) {
            carrier.pace.ended();
        }
    }

    /// Takes an attempt back that is on.
    pub(super) fn abandon(&mut self, now: Instant, carrier: Key, mut exchange: Box<Exchange>) {
        if let Some(transaction) = self.wire.abandon(exchange.transaction) {
            self.refund(carrier, transaction.paid);
        }
        self.unpace(carrier);
        self.known(now, std::mem::take(&mut exchange.risks), false);
    }

    /// Gives back what was paid for a datagram that did not go.
    pub(super) fn refund(&mut self, carrier: Key, paid: bool) {
        if let (true, Some(carrier)) = (paid, self.carriers.at_mut(carrier)) {
            carrier.pace.give_back();
        }
    }

    /// Pays for a retransmission of a registration's REGISTER, and says when it may go.
    pub(super) fn pay(&mut self, now: Instant, key: Key) -> Instant {
        let carrier = self.registrations.at(key).map(|registration| registration.carrier);
        carrier.and_then(|carrier| self.carriers.at_mut(carrier)).map_or(now, |carrier| carrier.pace.spend(now))
    }

    fn nowhere(&mut self, now: Instant, key: Key, registrar: &str, fault: &ResolveFault) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.phase = Phase::Idle;
        registration.started_at = now;
        if registration.intent.removes() && registration.binding.is_none() {
            return self.unbound(now, key, false);
        }
        let end = End::Unresolved(fault.clone());
        let mut diagnosis = self.judge_unsent(key, registrar, &end);
        self.tell_unsent(now, key, registrar, &mut diagnosis);
        self.wait_after(now, key, &end, diagnosis);
    }

    /// Arms the registration's one timer: its next action, or the lapse of its binding.
    pub(super) fn arm(&mut self, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let lapse = registration.binding.as_ref().map(|binding| binding.lapses_at);
        let due = match (registration.next_action_at(), lapse) {
            (Some(action), Some(lapse)) => Some(action.min(lapse)),
            (action, lapse) => action.or(lapse),
        };
        if let Some(timer) = registration.timer.take() {
            self.wire.wheel.disarm(timer);
        }
        registration.timer = due.map(|due| self.wire.wheel.arm(due, Timer::Registration(key)));
    }

    /// A registration's timer fired: its binding has lapsed, or it has something to do.
    pub(super) fn due(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.timer = None;
        if registration.binding.as_ref().is_some_and(|binding| binding.lapses_at <= now) {
            registration.binding = None;
            registration.stray = None;
            registration.shown.lapsed = true;
            if registration.intent.removes() {
                return self.unbound(now, key, true);
            }
            self.tell_status(now, key);
            self.save(key);
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        match registration.phase {
            Phase::Bound { refresh_at: at } | Phase::Waiting { retry_at: at, .. } if at <= now => self.enqueue(now, key, false),
            Phase::Bound { .. } | Phase::Waiting { .. } | Phase::Idle | Phase::Queued(_) => self.arm(key),
            Phase::Asking(_) | Phase::Parked { .. } | Phase::Held | Phase::Away => self.arm(key),
        }
    }

    /// The binding is gone, or nothing more can be done about it, and was meant to be.
    pub(super) fn unbound(&mut self, now: Instant, key: Key, removed: bool) {
        self.leave_queue(key);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier = registration.carrier;
        if let Phase::Asking(exchange) = std::mem::replace(&mut registration.phase, Phase::Away) {
            self.abandon(now, carrier, exchange);
            self.pump(now, carrier);
        }
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.binding = None;
        registration.remembered.clear();
        registration.again = false;
        match registration.intent {
            Intent::Keep | Intent::Away => {
                self.arm(key);
                self.tell_status(now, key);
                self.save(key);
            }
            Intent::Leave | Intent::LeaveUnseen => self.forget(now, key, removed),
        }
    }
}
