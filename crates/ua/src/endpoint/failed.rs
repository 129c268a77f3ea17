//! What becomes of a registration whose attempt failed.

use std::time::Duration;

use diagnosis::{Code, Diagnosis};

use super::Endpoint;
use crate::account::Holder;
use crate::answering::refused_holder;
use crate::chance::lot;
use crate::registration::{Exchange, Intent, Large, Phase, Purpose, Wait, Which, back_off};
use crate::slab::Key;
use crate::targets::Next;
use crate::verdict::{End, Observation, judge, notes, terms};
use crate::{Event, Instant};

/// carriers.md F7: Retry-After is a floor, at most this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// Design section 4: a version that was never accepted is tried once more after that.
pub(super) const ONCE_MORE: Duration = Duration::from_secs(30);
/// carriers.md, back-off: while a binding runs, no sooner than that after the last start.
const BOUND_PAUSE: Duration = Duration::from_secs(30);
/// ... or, after a time-out, so soon.
const QUICK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// A try needs so long before the lapse to be worth it.
const LAST_TRY: Duration = Duration::from_secs(8);
/// How long a target is put last after it failed to answer.
const SHUN: Duration = Duration::from_secs(30);

/// What kind of failure it was.
enum Kind {
    /// Nobody answered, or could be asked.
    Network,
    /// 408, 5xx, a stale loop, a 2xx that binds nothing.
    Temporary,
    /// A failed digest.
    Digest,
    /// The allowance of failed digests is spent.
    Budget(u32),
    /// No other try soon would help: before or at the challenge, unknown user, 6xx.
    Lasting,
    /// Other 3xx and 4xx.
    Rejected,
}

fn kind_of(end: &End, digest_sent: bool) -> Kind {
    match end {
        End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence => Kind::Network,
        End::StaleLoop | End::BindingMissing { .. } | End::GrantedNothing => Kind::Temporary,
        End::Challenge(_) => Kind::Lasting,
        End::Unproven => Kind::Rejected,
        End::BudgetSpent { retry_after } => Kind::Budget(*retry_after),
        End::Final(answer) => match answer.code {
            401 | 403 | 407 if digest_sent => Kind::Digest,
            401 | 403 | 404 | 407 | 600..=699 => Kind::Lasting,
            408 | 500..=599 => Kind::Temporary,
            _ => Kind::Rejected,
        },
    }
}

/// carriers.md F6: whether another target of the same resolution is worth asking at once.
pub(super) fn goes_on(end: &End, also: &[u16]) -> bool {
    match end {
        End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence => true,
        End::Final(answer) => matches!(answer.code, 408 | 503) || also.contains(&answer.code),
        End::Challenge(_) | End::StaleLoop | End::Unproven | End::BindingMissing { .. } | End::GrantedNothing | End::BudgetSpent { .. } => {
            false
        }
    }
}

impl Endpoint {
    /// Ends an attempt, or goes on to the next target.
    pub(super) fn failed(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, end: &End) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let carrier_key = registration.carrier;
        if exchange.purpose == Purpose::UnbindStray {
            // It was a courtesy; the old Contact lapses by itself. A refused digest counts all the same.
            let goes_first = registration.stray_goes_first();
            registration.stray = None;
            if matches!(kind_of(end, !exchange.answers.is_empty()), Kind::Digest) {
                self.count_failed(now, key, exchange.version, refused_holder(&exchange.answers, code_of(end)));
            }
            let mut diagnosis = self.judge_exchange(now, key, &exchange, end);
            self.tell_failed(now, key, &mut exchange, &mut diagnosis);
            self.known(now, std::mem::take(&mut exchange.risks), false);
            if goes_first {
                return self.bind_next(now, key, exchange);
            }
            self.unpace(carrier_key);
            return self.settle(now, key);
        }
        if registration.intent.removes() && registration.binding.is_none() {
            self.unpace(carrier_key);
            self.known(now, std::mem::take(&mut exchange.risks), false);
            // A REGISTER that nobody answered may have bound all the same.
            return match (exchange.purpose, end) {
                (Purpose::Bind, End::Silence) => self.enqueue(now, key, true),
                _ => self.unbound(now, key, false),
            };
        }
        let digest_sent = !exchange.answers.is_empty();
        let also = self.carriers.at(carrier_key).map_or(&[][..], |carrier| &carrier.profile.manners.next_on);
        if goes_on(end, also) {
            let floor = match end {
                End::Final(answer) => answer.retry_after.map_or(SHUN, |seconds| Duration::from_secs(seconds.into()).min(RETRY_AFTER_MAX)),
                End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence => SHUN,
                End::Challenge(_) | End::StaleLoop | End::Unproven => SHUN,
                End::BindingMissing { .. } | End::GrantedNothing | End::BudgetSpent { .. } => SHUN,
            };
            let lot = lot(&registration.assignment.trunk);
            let Some(carrier) = self.carriers.at_mut(carrier_key) else { return };
            carrier.targets.shun(now, exchange.target.place(), floor);
            let moved = matches!(carrier.targets.next(now, &[], 0), Next::LookUp(_));
            if let Some((target, local)) = self.next_hop(now, carrier_key, &mut exchange.tried, lot) {
                exchange.target = target;
                exchange.local = local;
                exchange.large = Large::default();
                // A nonce belongs to the target that issued it.
                exchange.answers.clear();
                return self.send(now, key, exchange);
            }
            if moved {
                // The carrier has other registrars by now, and they are not looked up yet.
                self.unpace(carrier_key);
                self.known(now, std::mem::take(&mut exchange.risks), false);
                return self.enqueue(now, key, false);
            }
        }
        if let (Some(flow), End::Final(answer)) = (exchange.flow, end) {
            // carriers.md N9: the connection itself may be what is refused.
            let shared = self.wire.flows.at(flow).is_some_and(|connection| connection.asked_at < exchange.began);
            let newest = self.wire.flows.newest();
            self.unseat(key);
            let Some(registration) = self.registrations.at_mut(key) else { return };
            registration.fresh_after = newest;
            if shared && answer.code == 403 && !exchange.reconnected && (registration.accepted || !digest_sent) {
                exchange.reconnected = true;
                exchange.answers.clear();
                return self.send(now, key, exchange);
            }
        }
        self.unpace(carrier_key);
        let risks = std::mem::take(&mut exchange.risks);
        let mut diagnosis = self.judge_exchange(now, key, &exchange, end);
        if matches!(kind_of(end, digest_sent), Kind::Digest) {
            let holder = refused_holder(&exchange.answers, code_of(end));
            self.count_failed(now, key, exchange.version, holder);
            self.digest_failed(now, key, exchange, diagnosis);
        } else {
            self.tell_failed(now, key, &mut exchange, &mut diagnosis);
            self.wait_after(now, key, end, diagnosis);
        }
        self.known(now, risks, false);
    }

    /// Tries the standby after a failed digest, waits, or holds.
    fn digest_failed(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, mut diagnosis: Diagnosis) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return };
        registration.remembered.clear();
        if !registration.uses(exchange.version) {
            // It was the version before; the one in use has not been tried.
            registration.again = true;
            registration.phase = Phase::Waiting { retry_at: now, why: Wait::FailedDigest };
            self.tell_failed(now, key, &mut exchange, &mut diagnosis);
            return self.go_on(now, key);
        }
        registration.failures += 1;
        if registration.intent.removes() {
            // The secret changed under us: the binding lapses by itself.
            registration.phase = Phase::Waiting { retry_at: now + RETRY_AFTER_MAX, why: Wait::FailedDigest };
            self.save(key);
            self.tell_failed(now, key, &mut exchange, &mut diagnosis);
            return self.rest(now, key, diagnosis);
        }
        registration.released = false;
        let tries_standby =
            registration.which == Which::Active && registration.assignment.standby.is_some() && !registration.standby_refused;
        let held = !tries_standby && registration.failed_digests >= carrier.profile.failure_budget.per_version.max(1);
        if held && !registration.accepted && registration.assignment.previous.is_some() {
            diagnosis.code = Code::BothRejected;
            diagnosis.remedy = Code::BothRejected.remedy().to_owned();
        }
        self.tell_failed(now, key, &mut exchange, &mut diagnosis);
        self.refuse(key, exchange.version, true, held, &diagnosis);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if tries_standby {
            registration.which = Which::Standby;
            registration.failed_digests = 0;
            registration.shown.diagnosis = Some(Box::new(diagnosis));
            return self.enqueue(now, key, true);
        }
        if registration.which == Which::Standby {
            registration.which = Which::Active;
            registration.standby_refused = true;
            registration.failed_digests = 1;
        }
        if held {
            registration.phase = Phase::Held;
            // Nothing but a new secret moves it, and that would have made the version another.
            registration.again = false;
        } else {
            let pause = if registration.accepted { back_off(1, &mut self.wire.jitter) } else { ONCE_MORE };
            registration.phase = Phase::Waiting { retry_at: now + pause, why: Wait::FailedDigest };
        }
        // A restart must not try it anew.
        self.save(key);
        self.rest(now, key, diagnosis);
    }

    /// Counts a failed digest: of its user name, and of the version if that is the one in use or would register again.
    fn count_failed(&mut self, now: Instant, key: Key, version: u32, holder: Holder) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return };
        let username = registration.credential_of(version).map(|credential| credential.username_of(holder).to_owned()).unwrap_or_default();
        self.budget.failed(now, &carrier.profile.id, &username);
        self.budget.refused(&carrier.profile.id, &username);
        let chosen = match registration.which {
            Which::Active => registration.assignment.active.as_ref(),
            Which::Standby => registration.assignment.standby.as_deref(),
        };
        if chosen.is_some_and(|credential| credential.version == version) {
            registration.failed_digests += 1;
            registration.failed_at = now;
        }
    }

    /// Waits as long as the failure asks for.
    pub(super) fn wait_after(&mut self, now: Instant, key: Key, end: &End, diagnosis: Diagnosis) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.failures += 1;
        let lasting = self.carriers.at(registration.carrier).map_or(RETRY_AFTER_MAX, |carrier| carrier.profile.forbidden_retry);
        let jitter = &mut self.wire.jitter;
        let kind = kind_of(end, diagnosis.evidence.credential_sent == Some(true));
        let (why, pause) = match kind {
            Kind::Network => (Wait::Network, back_off(registration.failures, jitter)),
            Kind::Temporary => (Wait::Temporary, back_off(registration.failures, jitter)),
            Kind::Budget(seconds) => (Wait::FailedDigest, Duration::from_secs(seconds.into())),
            Kind::Lasting | Kind::Digest => (Wait::Rejected, lasting),
            Kind::Rejected => (Wait::Rejected, back_off(registration.failures, jitter)),
        };
        let mut retry_at = now + pause;
        let temporary = matches!(kind, Kind::Network | Kind::Temporary);
        if let (true, Some(binding)) = (temporary, &registration.binding) {
            let left = now.until(binding.lapses_at);
            let quick = now + jitter.between(QUICK.0, QUICK.1);
            let sooner = match end {
                End::Silence => quick,
                // Not so late that the binding lapses for want of a try.
                _ if registration.started_at + BOUND_PAUSE + LAST_TRY > binding.lapses_at => quick.max(now + left / 3),
                _ => (now + left / 4).max(registration.started_at + BOUND_PAUSE),
            };
            retry_at = retry_at.min(sooner);
        }
        if let Some(floor) = diagnosis.evidence.retry_after {
            retry_at = retry_at.max(now + Duration::from_secs(floor.into()).min(RETRY_AFTER_MAX));
        }
        let why = if diagnosis.evidence.retry_after.is_some() && temporary { Wait::Told } else { why };
        registration.phase = Phase::Waiting { retry_at, why };
        let refused = matches!(kind, Kind::Lasting | Kind::Rejected);
        if let (true, Some(version)) = (refused && !registration.intent.removes(), registration.shown.version) {
            self.refuse(key, version, diagnosis.evidence.credential_sent == Some(true), false, &diagnosis);
        }
        self.rest(now, key, diagnosis);
    }

    /// Shows the diagnosis; goes again at once if something changed meanwhile.
    fn rest(&mut self, now: Instant, key: Key, diagnosis: Diagnosis) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.shown.diagnosis = Some(Box::new(diagnosis));
        self.go_on(now, key);
    }

    fn go_on(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let again = std::mem::take(&mut registration.again);
        self.arm(key);
        self.tell_status(now, key);
        if again {
            self.enqueue(now, key, true);
        }
    }

    fn refuse(&mut self, key: Key, version: u32, digest_sent: bool, held: bool, diagnosis: &Diagnosis) {
        let Some(registration) = self.registrations.at(key) else { return };
        if registration.intent == Intent::LeaveUnseen {
            return;
        }
        let event = Event::Refused {
            trunk: registration.assignment.trunk.clone(),
            generation: registration.assignment.generation,
            version,
            digest_sent,
            held,
            diagnosis: Box::new(diagnosis.clone()),
        };
        self.wire.tell(event);
    }

    fn judge_exchange(&self, now: Instant, key: Key, exchange: &Exchange, end: &End) -> Diagnosis {
        let Some(mut seen) = self.observe(key) else { return judge_nothing(end) };
        seen.registrar = exchange.target.registrar.to_string();
        seen.target = Some(exchange.target.place());
        seen.source = exchange.record.own.or_else(|| self.wire.address(exchange.local));
        seen.challenges = exchange.seen.clone();
        seen.answered = exchange.answers.last().map(|answer| answer.choice.algorithm);
        seen.sip = match end {
            End::Final(answer) => Some(crate::verdict::status(answer.code, &answer.reason)),
            End::Challenge(_) | End::StaleLoop | End::BindingMissing { .. } | End::GrantedNothing => {
                self.registrations.at(key).and_then(|registration| registration.shown.response.as_deref().cloned())
            }
            End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence | End::Unproven | End::BudgetSpent { .. } => None,
        };
        if let Some(registration) = self.registrations.at(key) {
            seen.options = self.options_answered(registration.carrier, exchange.target.place());
            seen.accepted_before = registration.accepted && registration.uses(exchange.version);
            if let Some(carrier) = self.carriers.at(registration.carrier) {
                let profile = &carrier.profile;
                seen.resolution = carrier.targets.path(&exchange.target.registrar);
                seen.answered_before =
                    carrier.targets.has_answered(exchange.target.place()) && self.budget.has_failed(now, &profile.id, RETRY_AFTER_MAX);
                seen.notes = notes(profile, &seen, end);
                seen.truncated_sha512 = profile.truncated_sha512;
            }
        }
        if let Some(answer) = exchange.answers.last() {
            let tried = self.registrations.at(key).and_then(|registration| registration.credential_of(exchange.version));
            let holder = refused_holder(&exchange.answers, code_of(end));
            seen.username = tried.map(|credential| credential.username_of(holder).to_owned());
            seen.refused_proxys = holder == Holder::Proxy;
            if answer.choice.holder == Holder::Account {
                let asked = tried.and_then(|credential| credential.algorithm);
                let held = terms(seen.realm.as_deref(), asked, &seen.policy, &answer.choice);
                seen.checks.extend(held);
            }
        }
        judge(&seen, end)
    }

    pub(super) fn judge_unsent(&self, key: Key, registrar: &str, end: &End) -> Diagnosis {
        let Some(mut seen) = self.observe(key) else { return judge_nothing(end) };
        seen.registrar = registrar.to_owned();
        let carrier = self.registrations.at(key).and_then(|registration| self.carriers.at(registration.carrier));
        seen.resolution = carrier.map_or_else(Vec::new, |carrier| carrier.targets.path(registrar));
        judge(&seen, end)
    }

    fn observe(&self, key: Key) -> Option<Observation> {
        let registration = self.registrations.at(key)?;
        let credential = registration.credential();
        Some(Observation {
            trunk: Some(registration.assignment.trunk.to_string()),
            carrier: registration.assignment.carrier.to_string(),
            address_of_record: registration.assignment.account.address_of_record.to_string(),
            public: registration.shown.public,
            realm: credential.and_then(|credential| credential.realm.as_deref()).map(str::to_owned),
            ..Observation::new(registration.assignment.policy().clone())
        })
    }
}

/// The code of a final answer.
pub(super) fn code_of(end: &End) -> Option<u16> {
    match end {
        End::Final(answer) => Some(answer.code),
        End::Unresolved(_) | End::NotSent(_) | End::Disconnected(_) | End::Silence | End::Challenge(_) | End::StaleLoop => None,
        End::Unproven | End::BindingMissing { .. } | End::GrantedNothing | End::BudgetSpent { .. } => None,
    }
}

/// The registration went while it was judged.
fn judge_nothing(end: &End) -> Diagnosis {
    let policy =
        crate::DigestPolicy { allowed: Vec::new(), on_downgrade: crate::OnDowngrade::Refuse, source: crate::PolicySource::Default };
    judge(&Observation::new(policy), end)
}
