//! Verification: OPTIONS and a contact-less REGISTER, a challenge checked, one digest, a verdict.

use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Check, Evidence};
use sip::Message;

use super::challenged::{make_room, seconds_up};
use super::evidence::note;
use super::failed::{code_of, goes_on};
use super::{Endpoint, Reply, final_of, public_address, reason_of};
use crate::account::Holder;
use crate::answering::{Answering, Came, Cnonce, refused_holder};
use crate::budget::{Asker, Denied, Waiter};
use crate::challenge::{choose, learn, seen};
use crate::probe::{Asks, Concluded, Probe, Redirect};
use crate::record::Record;
use crate::registration::Large;
use crate::slab::Key;
use crate::targets::{Next, Targets};
use crate::verdict::{self, End, Observation, judge};
use crate::wire::{Timer, Transaction};
use crate::{Event, Instant, Outcome, ResolveFault, SendFault, Transport, Verdict, VerifyBy, VerifyMode, VerifyOrder, VerifyStep};

/// A refusal waits so long for the OPTIONS that was sent with it, for the sake of its evidence.
const OPTIONS_GRACE: Duration = Duration::from_millis(500);

/// Seconds after which the digests of others that were waited for in vain are done with.
const AGAIN: u32 = 32;

impl Endpoint {
    pub(super) fn verify(&mut self, now: Instant, order: Box<VerifyOrder>) {
        let seen = Observation {
            trunk: order.trunk.as_deref().map(str::to_owned),
            carrier: order.profile.id.to_string(),
            address_of_record: order.account.address_of_record.to_string(),
            // Until an answer tells it anew: a carrier that blocks us tells nothing any more (carriers.md N10).
            public: self.carrier_names.get(&order.profile.id).and_then(|&key| self.carriers.at(key)?.public),
            verification: true,
            may_bind: order.may_bind,
            truncated_sha512: order.profile.truncated_sha512,
            ..Observation::new(order.policy.clone())
        };
        let deadline = now + order.patience;
        let mut targets = Targets::new(&order.profile, &Transport::CAN);
        let asks = match order.by {
            VerifyBy::Query | VerifyBy::None => Asks::Query,
            VerifyBy::Renew if !order.may_bind => Asks::Query,
            VerifyBy::Renew => self.renewal(&order),
        };
        // An address that this edge knows needs no second look-up.
        if let Some(carrier) = self.carrier_names.get(&order.profile.id).and_then(|&key| self.carriers.at(key))
            && carrier.profile.registrars == order.profile.registrars
            && carrier.profile.outbound_proxy == order.profile.outbound_proxy
            && carrier.profile.transports == order.profile.transports
            && carrier.targets.places().next().is_some()
        {
            targets = carrier.targets.known();
        }
        let probe = Probe {
            targets,
            identity: self.wire.identity(),
            asks,
            hop: None,
            flow: None,
            large: Large::default(),
            tried: Vec::new(),
            register: None,
            options: None,
            redirect: Redirect::No,
            answers: Vec::new(),
            stale: 0,
            risks: Vec::new(),
            parked: None,
            asks_back: false,
            negotiated: None,
            passed: None,
            seen,
            concluded: None,
            timer: None,
            deadline,
            began: now,
            record: Record::default(),
            order,
        };
        let key = self.probes.insert(probe);
        let timer = self.wire.wheel.arm(deadline, Timer::Probe(key));
        if let Some(probe) = self.probes.at_mut(key) {
            probe.timer = Some(timer);
        }
        self.probe_next(now, key);
    }

    /// A renewal rides on the trunk's binding, if one runs here; else the verification binds, and removes that again.
    fn renewal(&mut self, order: &VerifyOrder) -> Asks {
        let key = order.trunk.as_ref().and_then(|trunk| self.trunks.get(trunk)).copied();
        let bound = |key: &Key| {
            let binding = self.registrations.at(*key).and_then(|registration| registration.binding.as_ref());
            binding.is_some_and(|binding| binding.address_of_record == order.account.address_of_record)
        };
        match key.filter(bound) {
            Some(key) => Asks::Renewal(key),
            None => Asks::Binding,
        }
    }

    /// Asks the next target, or waits for its address.
    pub(super) fn probe_next(&mut self, now: Instant, key: Key) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        if probe.redirect == Redirect::There {
            probe.redirect = Redirect::Past;
        }
        match probe.targets.next(now, &probe.tried, probe.lot()) {
            Next::Ask(target) => {
                let ports = probe.order.profile.manners.source_ports;
                let Some(local) = self.wire.local_of(target.address, ports, probe.lot()) else {
                    probe.seen.registrar = target.registrar.to_string();
                    return self.conclude(now, key, Concluded::Bad(End::Unresolved(ResolveFault::NoSocket(target.address.ip()))));
                };
                probe.tried.push(target.place());
                probe.seen.resolution = probe.targets.path(&target.registrar);
                probe.seen.registrar = target.registrar.to_string();
                probe.seen.target = Some(target.place());
                probe.seen.source = self.wire.address(local);
                probe.answers.clear();
                probe.large = Large::default();
                if let Some(flow) = probe.flow.take() {
                    self.wire.drop_flow(flow, true);
                }
                let first = probe.hop.is_none();
                probe.hop = Some((target, local));
                self.passed(key, VerifyStep::Resolved);
                if first {
                    self.probe_options(now, key);
                }
                self.probe_register(now, key);
            }
            Next::LookUp(questions) => self.look_up_probe(now, key, questions),
            Next::Nowhere { registrar, fault } => {
                probe.seen.registrar = registrar.to_string();
                probe.seen.resolution = probe.targets.path(&registrar);
                self.conclude(now, key, Concluded::Bad(End::Unresolved(fault)));
            }
            Next::Exhausted => self.conclude(now, key, Concluded::Bad(End::Silence)),
        }
    }

    pub(super) fn probe_options_ended(&mut self, now: Instant, key: Key, transaction: &mut Transaction, reply: &Reply<'_>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        note(&mut probe.record, &mut self.wire, now, transaction, reply);
        probe.seen.source = probe.record.own.or(probe.seen.source);
        probe.options = None;
        // Any final answer proves that it is reachable.
        let answered = matches!(reply, Reply::Answer(_));
        probe.seen.options = Some(answered);
        // A verdict that waits for its binding to be removed goes on waiting: the trunk's own, under the same Contact, must not come first.
        let removes = probe.asks == Asks::Unbinding;
        let concluded = probe.concluded.take_if(|_| !removes);
        if answered {
            self.passed(key, VerifyStep::Reached);
        }
        if let Some(concluded) = concluded {
            self.conclude(now, key, concluded);
        }
    }

    /// Tells that a verification has a step behind it, unless it has told that or a later one.
    fn passed(&mut self, key: Key, step: VerifyStep) {
        if let Some(probe) = self.probes.at_mut(key)
            && probe.passed < Some(step)
        {
            probe.passed = Some(step);
            self.wire.tell(Event::Progress { verification: Arc::clone(&probe.order.id), step });
        }
    }

    pub(super) fn probe_ended(&mut self, now: Instant, key: Key, transaction: &mut Transaction, reply: &Reply<'_>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        note(&mut probe.record, &mut self.wire, now, transaction, reply);
        probe.seen.source = probe.record.own.or(probe.seen.source);
        probe.register = None;
        if probe.asks == Asks::Unbinding {
            return self.unbinding_ended(now, key, reply);
        }
        match reply {
            Reply::Silence => self.probe_failed(now, key, End::Silence),
            Reply::NotSent(SendFault::TooLarge) if probe.large == Large::No && probe.order.profile.may_use_tcp() => {
                probe.large = Large::OverTcp;
                self.probe_register(now, key);
            }
            Reply::NotSent(fault) => self.probe_failed(now, key, End::NotSent(*fault)),
            Reply::Lost(loss) if probe.large == Large::OverTcp && !loss.was_open => {
                probe.large = Large::TcpRefused;
                self.probe_register(now, key);
            }
            Reply::Lost(loss) => self.probe_failed(now, key, End::Disconnected(loss.fault.clone())),
            Reply::Answer(message) => {
                // Whoever falls silent after this has fallen silent (carriers.md N10), also where no trunk is registered yet.
                if let Some(carrier) = self.carrier_names.get(&probe.order.profile.id).and_then(|&carrier| self.carriers.at_mut(carrier))
                    && let Some((target, _)) = &probe.hop
                {
                    carrier.targets.answered(now, target.place());
                }
                let (code, reason) = reason_of(message);
                probe.seen.sip = Some(verdict::status(code, &reason));
                probe.seen.public = public_address(message).or(probe.seen.public);
                if !probe.seen.checks.iter().any(|check| check.name == "reachable") {
                    probe.seen.checks.push(Check::new("reachable", true));
                }
                self.passed(key, VerifyStep::Reached);
                let Some(probe) = self.probes.at_mut(key) else { return };
                match code {
                    200..=299 => self.probe_succeeded(now, key, transaction, message),
                    401 | 407 => self.probe_challenged(now, key, message),
                    301 | 302 | 305 => {
                        if !self.probe_redirected(now, key, message) {
                            self.probe_failed(now, key, End::Final(final_of(message)));
                        }
                    }
                    _ if probe.asks == Asks::Query
                        && probe.order.by == VerifyBy::Query
                        && probe.order.may_bind
                        && probe.answers.is_empty()
                        && verdict::refuses_a_query(code) =>
                    {
                        // carriers.md B11: it may be the query that the registrar dislikes.
                        let order = probe.order.clone();
                        let asks = self.renewal(&order);
                        if let Some(probe) = self.probes.at_mut(key) {
                            probe.asks = asks;
                        }
                        self.probe_register(now, key);
                    }
                    _ => self.probe_failed(now, key, End::Final(final_of(message))),
                }
            }
        }
    }

    fn probe_succeeded(&mut self, now: Instant, key: Key, transaction: &Transaction, message: &Message<'_>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        // The secret of a proxy says nothing of the account's.
        let proven = probe.answers.iter().any(|answer| answer.choice.holder == Holder::Account);
        if proven {
            probe.seen.checks.push(Check::new("digest.accepted", true));
        }
        let asks = probe.asks;
        let concluded = match (proven, probe.order.profile.accept_unproven) {
            (true, _) => Concluded::Good(Outcome::Proved),
            (false, true) => Concluded::Good(Outcome::AcceptedUnproven),
            (false, false) => Concluded::Bad(End::Unproven),
        };
        match asks {
            Asks::Renewal(registration) => self.rode(now, key, registration, transaction, message),
            Asks::Binding => {
                probe.concluded = Some(concluded);
                probe.asks = Asks::Unbinding;
                probe.asks_back = true;
                return self.probe_register(now, key);
            }
            Asks::Query | Asks::Unbinding => {}
        }
        self.conclude(now, key, concluded);
    }

    /// The binding that the verification made is gone, or lapses by itself soon; its challenge, if any, is answered once.
    fn unbinding_ended(&mut self, now: Instant, key: Key, reply: &Reply<'_>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        if let (Reply::Answer(message), Some(credential), true) = (reply, probe.credential(), probe.asks_back)
            && matches!(reason_of(message).0, 401 | 407)
            && let Ok(choices) = choose(message, &credential, &probe.order.policy, &probe.order.profile)
            && let Some((target, local)) = &probe.hop
        {
            probe.asks_back = false;
            let came = Came { at: now, local: *local, target: target.place(), flow: None };
            let truncated = probe.order.profile.truncated_sha512;
            let tokens = &mut self.wire.tokens;
            let used = std::mem::take(&mut probe.answers);
            probe.answers = choices
                .into_iter()
                .filter_map(|choice| {
                    Some(Answering::begin(choice, &credential, Cnonce::draw(tokens), truncated, came)?.going_on_from(&used))
                })
                .collect();
            return self.probe_register(now, key);
        }
        if let Some(concluded) = probe.concluded.take() {
            self.conclude(now, key, concluded);
        }
    }

    pub(super) fn probe_challenged(&mut self, now: Instant, key: Key, message: &Message<'_>) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        let given = probe.credential();
        let (order, profile) = (&probe.order, &probe.order.profile);
        probe.seen.challenges = seen(message, profile);
        if let Some(credential) = &given {
            probe.seen.realm = credential.realm.as_deref().map(str::to_owned);
        }
        let choices = match &given {
            Some(credential) => choose(message, credential, &order.policy, profile),
            None => learn(message, &order.policy, profile),
        };
        let choices = match choices {
            Ok(choices) => choices,
            Err(refusal) if probe.answers.is_empty() => return self.probe_failed(now, key, End::Challenge(refusal)),
            Err(_) => return self.probe_failed(now, key, End::Final(final_of(message))),
        };
        let used = match make_room(&mut probe.answers, &mut probe.stale, &choices, message) {
            Ok(replaced) => replaced,
            Err(end) => return self.probe_failed(now, key, end),
        };
        // What is agreed with a proxy of a realm of its own is not the account's to be pinned to.
        let Some(choice) = choices.iter().find(|choice| choice.holder == Holder::Account).or(choices.first()) else { return };
        if choice.holder == Holder::Account {
            if probe.negotiated.is_none() {
                let asked = order.credential.as_ref().and_then(|credential| credential.algorithm);
                let held = verdict::terms(probe.seen.realm.as_deref(), asked, &order.policy, choice);
                probe.seen.checks.extend(held);
            }
            probe.negotiated = Some(choice.negotiated());
        }
        let (VerifyMode::Digest, Some(credential), Some((target, local))) = (order.mode, &given, &probe.hop) else {
            return self.conclude(now, key, Concluded::Good(Outcome::Learned));
        };
        let asker = if order.by_person { Asker::Person } else { Asker::Machine { fresh: true } };
        let freed = self.budget.all_known(now, std::mem::take(&mut probe.risks), false);
        let names = choices.iter().map(|choice| credential.username_of(choice.holder));
        match self.budget.risk_all(now, &profile.id, names, asker, &profile.failure_budget) {
            Ok(risks) => probe.risks = risks,
            Err(denied) => {
                match denied {
                    Denied::Spent(wait) => {
                        self.conclude(now, key, Concluded::Bad(End::BudgetSpent { retry_after: seconds_up(wait) }));
                    }
                    Denied::Busy(narrows) => {
                        probe.parked = Some(message.bytes().into());
                        self.budget.wait(narrows, Waiter::Probe(key));
                    }
                }
                return self.let_go(now, &freed);
            }
        }
        let came = Came { at: now, local: *local, target: target.place(), flow: None };
        probe.seen.answered = Some(choice.algorithm);
        let (truncated, tokens) = (profile.truncated_sha512, &mut self.wire.tokens);
        probe.answers.extend(
            choices.into_iter().filter_map(|choice| {
                Some(Answering::begin(choice, credential, Cnonce::draw(tokens), truncated, came)?.going_on_from(&used))
            }),
        );
        self.passed(key, VerifyStep::Challenged);
        self.probe_register(now, key);
    }

    /// Goes on to the next target, or ends.
    pub(super) fn probe_failed(&mut self, now: Instant, key: Key, end: End) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        probe.seen.query = probe.asks == Asks::Query;
        if now < probe.deadline
            && probe.answers.is_empty()
            && goes_on(&end, &probe.order.profile.manners.next_on)
            && matches!(probe.targets.next(now, &probe.tried, probe.lot()), Next::Ask(_))
        {
            return self.probe_next(now, key);
        }
        let refused = matches!(&end, End::Final(answer) if matches!(answer.code, 401 | 403 | 407))
            || matches!(end, End::Silence | End::Disconnected(_));
        if let (true, false, Some(credential)) = (refused, probe.answers.is_empty(), &probe.order.credential) {
            let holder = refused_holder(&probe.answers, code_of(&end));
            probe.seen.refused_proxys = holder == Holder::Proxy;
            probe.seen.username = Some(credential.username_of(holder).to_owned());
            self.budget.failed(now, &probe.order.profile.id, credential.username_of(holder));
        }
        self.conclude(now, key, Concluded::Bad(end));
    }

    pub(super) fn probe_due(&mut self, now: Instant, key: Key) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        probe.timer = None;
        if let Some(concluded) = probe.concluded.take() {
            return self.tell_verdict(now, key, concluded);
        }
        // Who is woken before its time waits to mount.
        if now < probe.deadline {
            probe.timer = Some(self.wire.wheel.arm(probe.deadline, Timer::Probe(key)));
            return self.probe_register(now, key);
        }
        probe.seen.query = probe.asks == Asks::Query;
        if let (false, Some(credential)) = (probe.answers.is_empty(), &probe.order.credential) {
            self.budget.failed(now, &probe.order.profile.id, credential.username_of(refused_holder(&probe.answers, None)));
        }
        let end = match probe.hop {
            Some(_) if probe.parked.is_some() => End::BudgetSpent { retry_after: AGAIN },
            Some(_) => End::Silence,
            None => {
                probe.seen.registrar = probe.targets.first_uri().to_owned();
                End::Unresolved(ResolveFault::Failed("the name servers did not answer in time".to_owned()))
            }
        };
        self.tell_verdict(now, key, Concluded::Bad(end));
    }

    /// Ends a verification, or waits a little for the OPTIONS that its evidence wants.
    fn conclude(&mut self, now: Instant, key: Key, concluded: Concluded) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        let risks = std::mem::take(&mut probe.risks);
        self.known(now, risks, matches!(concluded, Concluded::Good(_)));
        let Some(probe) = self.probes.at_mut(key) else { return };
        if let Asks::Renewal(registration) = probe.asks {
            self.dismount(now, key, registration);
        }
        let Some(probe) = self.probes.at_mut(key) else { return };
        let wants_options = matches!(concluded, Concluded::Bad(_)) && probe.options.is_some();
        if !wants_options || now >= probe.deadline {
            return self.tell_verdict(now, key, concluded);
        }
        probe.concluded = Some(concluded);
        if let Some(timer) = probe.timer.take() {
            self.wire.wheel.disarm(timer);
        }
        probe.timer = Some(self.wire.wheel.arm(probe.deadline.min(now + OPTIONS_GRACE), Timer::Probe(key)));
    }

    fn tell_verdict(&mut self, now: Instant, key: Key, concluded: Concluded) {
        let Some(probe) = self.probes.at_mut(key) else { return };
        if let Asks::Renewal(registration) = probe.asks {
            self.dismount(now, key, registration);
        }
        let Some(mut probe) = self.probes.remove(key) else { return };
        self.known(now, std::mem::take(&mut probe.risks), false);
        for out in [probe.options.take(), probe.register.take()].into_iter().flatten() {
            if let Some(mut transaction) = self.wire.end(out) {
                probe.record.note(&mut self.wire, now, &mut transaction, None);
                self.wire.release(&mut transaction);
            }
        }
        if let Some(timer) = probe.timer.take() {
            self.wire.wheel.disarm(timer);
        }
        if let Some(flow) = probe.flow.take() {
            self.wire.drop_flow(flow, true);
        }
        let known = self.carrier_names.get(&probe.order.profile.id).and_then(|&key| self.carriers.at(key));
        if let Some((target, _)) = &probe.hop {
            // Where no trunk is registered yet, nothing is known of targets; but who challenged a digest has answered.
            let answered = known.is_none_or(|carrier| carrier.targets.has_answered(target.place()));
            probe.seen.answered_before = answered && self.budget.has_failed(now, &probe.order.profile.id, Duration::from_secs(3600));
        }
        let outcome = match concluded {
            Concluded::Good(outcome) => outcome,
            Concluded::Bad(end) => {
                probe.seen.notes = verdict::notes(&probe.order.profile, &probe.seen, &end);
                let mut diagnosis = judge(&probe.seen, &end);
                diagnosis.evidence.attempt_id = Some(probe.order.id.to_string());
                Outcome::Refused(Box::new(diagnosis))
            }
        };
        let evidence = match &outcome {
            Outcome::Refused(diagnosis) => diagnosis.evidence.clone(),
            Outcome::Proved | Outcome::Learned | Outcome::AcceptedUnproven => {
                Evidence { attempt_id: Some(probe.order.id.to_string()), ..verdict::evidence(&probe.seen) }
            }
        };
        self.tell_verification(now, &mut probe, &outcome);
        self.wire.tell(Event::Verdict(Box::new(Verdict { id: probe.order.id.clone(), outcome, negotiated: probe.negotiated, evidence })));
    }
}
