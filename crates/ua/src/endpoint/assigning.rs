//! Orders of the control plane: carriers, assignments, withdrawals, actions.

use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Code, Diagnosis};
use sip::ChallengeSource;
use sip::digest::{Algorithm, Qop};

use super::Endpoint;
use super::failed::ONCE_MORE;
use crate::account::Holder;
use crate::answering::{Answering, Came, Cnonce};
use crate::carrier::Carrier;
use crate::challenge::{Asked, Choice};
use crate::chance::lot;
use crate::registration::{Binding, Intent, Phase, Registration, Shown, Wait, Which, seconds_of};
use crate::request::{Identity, contact_uri};
use crate::slab::Key;
use crate::targets::Targets;
use crate::{
    Action, Assignment, Credential, Event, Flow, Instant, Local, Profile, RegistrationState, Resume, ResumeBinding, ResumeFailed,
    ResumeNonce, Transport, Withdrawal,
};

/// carriers.md B8: saved state may lag the wire.
const UNCLEAN_JUMP: u32 = 1_000;

impl Endpoint {
    /// Takes a carrier's profile, new or changed. Its registrations go on; a changed next hop is used at the next try.
    pub(super) fn know(&mut self, now: Instant, profile: Profile) {
        let Some(&key) = self.carrier_names.get(&profile.id) else {
            let name = profile.id.clone();
            let key = self.carriers.insert(Carrier::new(now, profile));
            self.carrier_names.insert(name, key);
            return;
        };
        let Some(carrier) = self.carriers.at_mut(key) else { return };
        let moved = carrier.profile.registrars != profile.registrars
            || carrier.profile.outbound_proxy != profile.outbound_proxy
            || carrier.profile.transports != profile.transports
            || carrier.profile.tls != profile.tls;
        if moved {
            carrier.targets = Targets::new(&profile, &Transport::CAN);
        }
        carrier.pace.limit(profile.pacing);
        carrier.profile = profile;
        carrier.epoch = carrier.epoch.wrapping_add(1).max(1);
        if moved {
            // A trunk that could not be registered at the old hop need not wait its back-off out.
            let cut_short = |phase: &Phase| matches!(phase, Phase::Waiting { why, .. } if *why != Wait::FailedDigest);
            let waiting: Vec<Key> =
                self.registrations.iter().filter(|(_, r)| r.carrier == key && cut_short(&r.phase)).map(|(key, _)| key).collect();
            for registration in waiting {
                self.enqueue(now, registration, false);
            }
        }
        self.keep_alive(now, key);
        self.pump(now, key);
    }

    /// Takes a trunk's desired state, new or changed.
    pub(super) fn assign(&mut self, now: Instant, assignment: Box<Assignment>, resume: Option<Resume>) {
        let Some(&carrier) = self.carrier_names.get(&assignment.carrier) else { return };
        let Some(&key) = self.trunks.get(&assignment.trunk) else {
            return self.begin_registration(now, carrier, assignment, resume, Instant::default());
        };
        let (Some(registration), Some(at)) = (self.registrations.at_mut(key), self.carriers.at_mut(carrier)) else { return };
        if assignment.generation < registration.assignment.generation {
            return;
        }
        let old = &registration.assignment;
        let moves = registration.carrier != carrier
            || old.account.address_of_record != assignment.account.address_of_record
            || old.account.request_uri != assignment.account.request_uri;
        if moves {
            // Another address-of-record is another binding: the old one goes with the old version, whatever becomes of the new.
            registration.intent = Intent::LeaveUnseen;
            let traced_until = registration.traced_until;
            self.trunks.remove(&assignment.trunk);
            self.leave(now, key);
            return self.begin_registration(now, carrier, assignment, None, traced_until);
        }
        let assignment = Box::new(at.common.keep(*assignment));
        let version = |credential: Option<&Credential>| credential.map(|credential| credential.version);
        let active = version(assignment.active.as_ref());
        let (old_standby, standby) = (version(old.standby.as_deref()), version(assignment.standby.as_deref()));
        let fresh_secret = version(old.active.as_ref()) != active;
        let promoted_standby = registration.which == Which::Standby && old_standby == active;
        let other_standby = old_standby != standby;
        // What was removed by hand stays away until something new is desired.
        let wanted_again = registration.intent.removes() && (registration.intent != Intent::Away || assignment.generation > old.generation);
        let spent = matches!(registration.phase, Phase::Waiting { why: Wait::FailedDigest, .. });
        // A changed policy alone ends no binding and sends nothing; where nothing is bound it may be what was waited for.
        let other_policy = old.policy() != assignment.policy();
        let changed = !old.account.is_as(&assignment.account) || (other_policy && registration.binding.is_none());
        let renew = (fresh_secret && !promoted_standby) || wanted_again || matches!(registration.phase, Phase::Idle) || (changed && !spent);
        if old.account.expires != assignment.account.expires {
            registration.min_expires = None;
            // Less or more is granted because less or more is asked for.
            registration.granted = 0;
        }
        registration.assignment = assignment;
        registration.plain = 0;
        if wanted_again {
            registration.intent = Intent::Keep;
        }
        if fresh_secret || other_standby {
            registration.which = Which::Active;
            registration.standby_refused = false;
        }
        if promoted_standby {
            registration.failed_digests = 0;
        } else if fresh_secret {
            registration.failed_digests = 0;
            registration.failures = 0;
            registration.accepted = false;
            registration.reported = None;
            registration.drifted = Box::default();
            registration.remembered.clear();
            registration.shown.answered = false;
            registration.shown.diagnosis = None;
            if registration.binding.is_none() {
                registration.shown.state = RegistrationState::Pending;
            }
        }
        self.warn_of_terms(key);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if registration.assignment.active.is_none() && !registration.intent.removes() {
            self.leave_queue(key);
            let Some(registration) = self.registrations.at_mut(key) else { return };
            if !matches!(registration.phase, Phase::Asking(_) | Phase::Parked { .. }) {
                registration.phase = Phase::Idle;
            }
            self.arm(key);
        } else if renew && registration.intent == Intent::Keep {
            self.enqueue(now, key, true);
        }
        self.tell_status(now, key);
    }

    fn begin_registration(
        &mut self,
        now: Instant,
        carrier: Key,
        assignment: Box<Assignment>,
        resume: Option<Resume>,
        traced_until: Instant,
    ) {
        let Some(at) = self.carriers.at_mut(carrier) else { return };
        let assignment = Box::new(at.common.keep(*assignment));
        let trunk = assignment.trunk.clone();
        let resume = resume.filter(|resume| resume.trunk == trunk);
        let identity = match &resume {
            Some(resume) => Identity {
                call_id: (*resume.call_id).into(),
                from_tag: (*resume.from_tag).into(),
                cseq: if resume.clean { resume.cseq } else { resume.cseq.saturating_add(UNCLEAN_JUMP) },
            },
            None => self.wire.identity(),
        };
        let mut registration = Registration {
            assignment,
            carrier,
            identity,
            phase: Phase::Idle,
            binding: None,
            remembered: Vec::new(),
            intent: Intent::Keep,
            which: Which::Active,
            standby_refused: false,
            failed_digests: 0,
            failed_at: Instant::default(),
            accepted: false,
            released: false,
            drifted: Box::default(),
            granted: 0,
            traced_until,
            saved_cseq: 0,
            reported: None,
            failures: 0,
            again: false,
            ridden: None,
            min_expires: None,
            late: None,
            stray: None,
            seat: None,
            fresh_after: Flow::default(),
            started_at: now,
            told: 0,
            plain: 0,
            shown: Shown::new(now),
            timer: None,
        };
        let unclean = resume.as_ref().is_some_and(|resume| !resume.clean);
        let failed = resume.as_ref().and_then(|resume| resume.failed);
        let resumed = resume.is_some_and(|resume| self.resume(now, &mut registration, resume));
        let rests = failed.is_some_and(|failed| self.resume_failed(now, &mut registration, failed));
        let idle = registration.assignment.active.is_none();
        let key = self.registrations.insert(registration);
        self.trunks.insert(trunk, key);
        if let Some(carrier) = self.carriers.at_mut(carrier) {
            carrier.registrations += 1;
        }
        self.keep_alive(now, carrier);
        if resumed || rests {
            self.warn_of_terms(key);
            self.arm(key);
        } else if !idle {
            self.enqueue(now, key, false);
        }
        if resumed || unclean {
            // A second crash must find the jump in what is kept.
            self.save(key);
        }
        self.tell_status(now, key);
    }

    /// Takes a binding over that still runs, and plans its refresh as if nothing had happened. Tells whether it did.
    fn resume(&mut self, now: Instant, registration: &mut Registration, resume: Resume) -> bool {
        let Resume { clean, binding: Some(saved), nonce, public, .. } = resume else { return false };
        let account = &registration.assignment.account;
        let Some(active) = &registration.assignment.active else { return false };
        if *saved.address_of_record != *account.address_of_record || saved.lapses_at <= now {
            return false;
        }
        let same_version = saved.credential_version == active.version;
        if let (true, true, Some(nonce)) = (clean, same_version, nonce) {
            let truncated = self.carriers.at(registration.carrier).is_some_and(|carrier| carrier.profile.truncated_sha512);
            registration.remembered = self.remembered(active, &saved, nonce, truncated).into_iter().collect();
        }
        let shown = &mut registration.shown;
        shown.answered = true;
        shown.public = public;
        shown.since = saved.registered_at;
        shown.state = RegistrationState::Registered;
        // With the nonce came what was asked: that is shared, and the terms with it.
        if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
            for answering in &mut registration.remembered {
                carrier.share(&mut answering.choice.asked);
            }
            shown.negotiated = saved.negotiated.clone().map(|terms| carrier.share_terms(terms));
        }
        shown.version = Some(saved.credential_version);
        registration.accepted = same_version;
        registration.reported = same_version.then(|| (saved.credential_version, shown.negotiated.clone().filter(|_| saved.authenticated)));
        registration.granted = seconds_of(saved.granted);
        let sent_at = saved.lapses_at - saved.granted;
        let (gin, rewrites, ports) = self.carriers.at(registration.carrier).map_or((false, false, 1), |carrier| {
            let manners = &carrier.profile.manners;
            (manners.gin, manners.nat_rewrite, manners.source_ports)
        });
        let seen = public.filter(|_| rewrites);
        let contact = self
            .wire
            .local_of(saved.registrar.address, ports, lot(&registration.assignment.trunk))
            .and_then(|local| self.wire.advertised(local))
            .map(|own| contact_uri(account, &account.address_of_record, own, seen, gin, saved.registrar.transport));
        // An older state file does not say what the carrier saw; the next answer tells it.
        let known = !rewrites || seen.is_some();
        let unchanged = same_version && (!known || contact.as_deref() == Some(&*saved.contact));
        let refresh_at = if unchanged { self.plan(now, registration.carrier, sent_at, saved.granted) } else { now };
        registration.binding = Some(Binding {
            address_of_record: saved.address_of_record.into(),
            contact: saved.contact.into(),
            registrar: saved.registrar,
            granted: saved.granted,
            lapses_at: saved.lapses_at,
            registered_at: saved.registered_at,
            version: saved.credential_version,
            authenticated: saved.authenticated,
        });
        registration.phase = Phase::Bound { refresh_at };
        true
    }

    /// Counts the digests that failed before this start: a held version stays held, and one that failed once waits its pause out. Tells
    /// whether there is nothing to do before then.
    fn resume_failed(&mut self, now: Instant, registration: &mut Registration, failed: ResumeFailed) -> bool {
        let Some(active) = registration.assignment.active.as_ref().filter(|active| active.version == failed.version) else { return false };
        let Some(carrier) = self.carriers.at(registration.carrier) else { return false };
        let limits = carrier.profile.failure_budget;
        // A clock that was set back must not hold a version for longer.
        let at = failed.at.min(now);
        registration.failed_digests = failed.digests;
        registration.failed_at = at;
        for _ in 0..failed.digests.min(limits.failures) {
            self.budget.remember(at, &carrier.profile.id, &active.username);
        }
        if failed.digests >= limits.per_version.max(1) {
            registration.phase = Phase::Held;
            let told = format!("{} digests of this version were refused before the edge was started anew.", failed.digests);
            registration.shown.diagnosis = Some(Box::new(Diagnosis::new(Code::CredentialsRejected).summary(told)));
            return true;
        }
        let soonest = at + ONCE_MORE;
        match &mut registration.phase {
            Phase::Bound { refresh_at } => *refresh_at = soonest.max(*refresh_at),
            Phase::Idle if soonest > now => registration.phase = Phase::Waiting { retry_at: soonest, why: Wait::FailedDigest },
            Phase::Idle | Phase::Queued(_) | Phase::Asking(_) | Phase::Parked { .. } => return false,
            Phase::Waiting { .. } | Phase::Held | Phase::Away => return false,
        }
        true
    }

    fn remembered(&self, credential: &Credential, saved: &ResumeBinding, nonce: ResumeNonce, truncated: bool) -> Option<Answering> {
        let negotiated = saved.negotiated.as_ref()?;
        let algorithm = Algorithm::from_token(&negotiated.algorithm)?;
        let at = self.wire.config.sockets.iter().position(|socket| socket.address == nonce.local)?;
        let asked = Asked {
            holder: Holder::Account,
            source: if nonce.proxy { ChallengeSource::Proxy } else { ChallengeSource::Registrar },
            realm: negotiated.realm.clone(),
            algorithm,
            spelled: nonce.algorithm_named.then(|| negotiated.algorithm.clone()),
            qop: match negotiated.qop.as_deref() {
                Some("auth-int") => Qop::AuthInt,
                Some(_) => Qop::Auth,
                None => Qop::None,
            },
            userhash: nonce.userhash,
            utf8: nonce.utf8,
            offered: negotiated.offered.clone(),
        };
        let choice = Choice { asked: Arc::new(asked), nonce: nonce.nonce, opaque: nonce.opaque, stale: false, downgraded: false };
        let came = Came { at: nonce.issued_at, local: Local(u16::try_from(at).ok()?), target: saved.registrar, flow: None };
        let mut answering = Answering::begin(choice, credential, Cnonce::of(&nonce.cnonce)?, truncated, came)?;
        answering.nc = nonce.nc;
        Some(answering)
    }

    pub(super) fn withdraw(&mut self, now: Instant, trunk: &Arc<str>, how: Withdrawal) {
        let Some(&key) = self.trunks.get(trunk) else {
            // Nothing is bound here, so there is nothing to remove.
            return self.wire.tell(Event::Forget { trunk: trunk.clone(), unregistered: how == Withdrawal::Unregister });
        };
        match how {
            Withdrawal::Forget => self.forget(now, key, false),
            Withdrawal::Unregister => {
                if let Some(registration) = self.registrations.at_mut(key) {
                    registration.intent = Intent::Leave;
                }
                self.leave(now, key);
            }
        }
    }

    /// Tells every exchange of a trunk for so long; zero ends it.
    pub(super) fn trace(&mut self, now: Instant, trunk: &Arc<str>, span: Duration) {
        if let Some(registration) = self.trunks.get(trunk).and_then(|&key| self.registrations.at_mut(key)) {
            registration.traced_until = now + span;
        }
    }

    pub(super) fn act(&mut self, now: Instant, trunk: &Arc<str>, action: Action) {
        let Some(&key) = self.trunks.get(trunk) else { return };
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if matches!(registration.intent, Intent::Leave | Intent::LeaveUnseen) {
            return;
        }
        match action {
            Action::Refresh => {
                registration.intent = Intent::Keep;
                if !matches!(registration.phase, Phase::Held) && registration.assignment.active.is_some() {
                    self.enqueue(now, key, true);
                }
            }
            Action::ReleaseHold => {
                registration.failed_digests = 0;
                registration.standby_refused = false;
                registration.released = true;
                self.save(key);
                let Some(registration) = self.registrations.at(key) else { return };
                if matches!(registration.phase, Phase::Held | Phase::Waiting { .. }) {
                    self.enqueue(now, key, true);
                }
            }
            Action::Unregister => {
                registration.intent = Intent::Away;
                self.leave(now, key);
            }
        }
    }

    /// Begins to remove the binding; where none runs it is removed already.
    fn leave(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let asking = matches!(registration.phase, Phase::Asking(_));
        if registration.binding.is_none() && !asking {
            return self.unbound(now, key, true);
        }
        self.enqueue(now, key, true);
        self.tell_status(now, key);
    }

    /// Drops a registration and all that waits for it.
    pub(super) fn forget(&mut self, now: Instant, key: Key, unregistered: bool) {
        self.leave_queue(key);
        self.unseat(key);
        let Some(mut registration) = self.registrations.remove(key) else { return };
        if let Some(timer) = registration.timer.take() {
            self.wire.wheel.disarm(timer);
        }
        if let Phase::Asking(exchange) = registration.phase {
            self.abandon(now, registration.carrier, exchange);
        }
        if let Some(carrier) = self.carriers.at_mut(registration.carrier) {
            carrier.registrations = carrier.registrations.saturating_sub(1);
        }
        if registration.intent != Intent::LeaveUnseen {
            self.trunks.remove(&registration.assignment.trunk);
            self.wire.tell(Event::Forget { trunk: registration.assignment.trunk.clone(), unregistered });
        }
        self.keep_alive(now, registration.carrier);
        self.pump(now, registration.carrier);
    }
}
