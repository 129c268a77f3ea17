//! What the endpoint tells of its registrations.

use diagnosis::{Code, SipStatus};

use super::Endpoint;
use crate::account::Holder;
use crate::registration::{Intent, Registration, Which};
use crate::renewal::{Fingerprint, Renewal};
use crate::slab::Key;
use crate::{
    Event, Instant, OptionsState, OptionsStatus, Place, RegistrationState, Resume, ResumeBinding, ResumeFailed, ResumeNonce, Status,
};

impl Endpoint {
    /// Tells a registration's state, and notes since when it is so.
    pub(super) fn tell_status(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        if registration.intent == Intent::LeaveUnseen {
            return;
        }
        registration.told = 0;
        registration.plain = 0;
        let state = registration.state();
        let shown = &mut registration.shown;
        // A refresh does not interrupt being registered.
        let same = |a: RegistrationState| if a == RegistrationState::Refreshing { RegistrationState::Registered } else { a };
        if same(shown.state) != same(state) {
            shown.since = now;
        }
        shown.state = state;
        let Some(registration) = self.registrations.at(key) else { return };
        let shown = &registration.shown;
        let binding = registration.binding.as_ref();
        let status = Status {
            trunk: registration.assignment.trunk.clone(),
            generation: registration.assignment.generation,
            state,
            bound: binding.is_some(),
            authenticated: binding.is_some_and(|binding| binding.authenticated),
            since: shown.since,
            registrar: binding.map(|binding| binding.registrar),
            public_address: shown.public,
            registered_at: binding.map(|binding| binding.registered_at),
            expires_at: binding.map(|binding| binding.lapses_at),
            next_action_at: registration.next_action_at(),
            round_trip: shown.round_trip,
            consecutive_failures: registration.failures,
            last_response: shown.response.as_deref().cloned(),
            negotiated: shown.negotiated.as_deref().cloned(),
            routes: shown.routes.clone().filter(|_| binding.is_some()),
            options: self.options_of(registration),
            diagnosis: shown.diagnosis.clone(),
            credential_version: shown.version,
            warnings: self.warnings_of(registration),
            refreshes: shown.refreshes,
        };
        self.wire.tell(Event::Status(Box::new(status)));
    }

    /// Tells of a registration that has come to rest, and saves it: only the times, where nothing else has changed.
    pub(super) fn tell_settled(&mut self, now: Instant, key: Key) {
        let Some(registration) = self.registrations.at(key) else { return };
        let plain = self.fingerprint(registration);
        if plain == 0 || plain != registration.told {
            self.tell_status(now, key);
            self.save(key);
            // As it is known now: registered, for one that was not before.
            let told = self.registrations.at(key).map_or(0, |registration| self.fingerprint(registration));
            if let Some(registration) = self.registrations.at_mut(key) {
                registration.told = told;
            }
            return;
        }
        self.tell_renewed(key);
    }

    /// Tells the new times of a binding that was renewed, and has them saved.
    pub(super) fn tell_renewed(&mut self, key: Key) {
        let Some(registration) = self.registrations.at(key) else { return };
        let options = self.options_of(registration);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(binding) = &registration.binding else { return };
        registration.shown.state = RegistrationState::Registered;
        registration.saved_cseq = registration.identity.cseq;
        let renewal = Renewal {
            trunk: registration.assignment.trunk.clone(),
            cseq: registration.identity.cseq,
            granted: binding.granted,
            lapses_at: binding.lapses_at,
            next_action_at: registration.next_action_at(),
            round_trip: registration.shown.round_trip,
            options,
            refreshes: registration.shown.refreshes,
        };
        self.wire.tell(Event::Renewed(renewal));
    }

    /// Returns the fingerprint of all that a renewal does not carry; zero where there is more to tell than of a plain one.
    pub(super) fn fingerprint(&self, registration: &Registration) -> u64 {
        let shown = &registration.shown;
        // One that is to go says so.
        let rests = registration.state() == RegistrationState::Registered;
        let told = matches!(shown.state, RegistrationState::Registered | RegistrationState::Refreshing);
        let (Some(binding), true, None, 0, 0) =
            (&registration.binding, rests && told, &shown.diagnosis, registration.failures, registration.failed_digests)
        else {
            return 0;
        };
        let generation = registration.assignment.generation;
        let mut print = Fingerprint::new();
        print.number(generation.incarnation).number(generation.number).number(u64::from(binding.version));
        print.number(u64::from(shown.version.unwrap_or_default())).number(u64::from(binding.authenticated));
        print.number(binding.registrar.transport as u64).address(binding.registrar.address).number(binding.registered_at.micros());
        print.text(&binding.address_of_record).text(&binding.contact);
        print.text(&registration.identity.call_id).text(&registration.identity.from_tag);
        if let Some(public) = shown.public {
            print.address(public);
        }
        if let Some(SipStatus { code, reason }) = shown.response.as_deref() {
            print.number(u64::from(*code)).text(reason);
        }
        if let Some(negotiated) = &shown.negotiated {
            print.text(&negotiated.realm).text(&negotiated.algorithm).text(negotiated.qop.as_deref().unwrap_or("-"));
            negotiated.offered.iter().for_each(|offered| {
                print.text(offered);
            });
        }
        if let Some(routes) = &shown.routes {
            routes.service.iter().chain(&routes.associated).for_each(|line| {
                print.text(line);
            });
            print.number(routes.service.len() as u64);
        }
        shown.warnings.iter().for_each(|code| {
            print.number(*code as u64);
        });
        print.number(u64::from(self.is_troubled(registration)));
        print.value()
    }

    /// Returns what wants attention; a broken DNS too, though the last good registrar is asked meanwhile (carriers.md N2).
    fn warnings_of(&self, registration: &Registration) -> Vec<Code> {
        let mut warnings = registration.shown.warnings.clone();
        if self.is_troubled(registration) && registration.binding.is_some() {
            warnings.push(Code::DnsFailed);
        }
        warnings
    }

    fn is_troubled(&self, registration: &Registration) -> bool {
        self.carriers.at(registration.carrier).is_some_and(|carrier| carrier.targets.is_troubled())
    }

    /// Returns what OPTIONS says of the registration's target.
    pub(super) fn options_of(&self, registration: &Registration) -> OptionsStatus {
        let target = registration.binding.as_ref().map(|binding| binding.registrar);
        self.carriers.at(registration.carrier).map_or_else(OptionsStatus::default, |carrier| {
            let ping = carrier.pings.iter().find(|ping| target.is_none_or(|target| ping.target == target)).or(carrier.pings.first());
            ping.map_or_else(OptionsStatus::default, |ping| ping.status)
        })
    }

    /// Returns whether a target answers OPTIONS, as far as is known.
    pub(super) fn options_answered(&self, carrier: Key, target: Place) -> Option<bool> {
        let ping = self.carriers.at(carrier)?.pings.iter().find(|ping| ping.target == target)?;
        match ping.status.state {
            OptionsState::Unknown => None,
            OptionsState::Up => Some(true),
            OptionsState::Down => Some(false),
        }
    }

    /// Has the registration's state kept for a restart.
    pub(super) fn save(&mut self, key: Key) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.saved_cseq = registration.identity.cseq;
        let Some(registration) = self.registrations.at(key) else { return };
        if registration.intent != Intent::LeaveUnseen {
            let resume = self.resume_of(registration, false);
            self.wire.tell(Event::Save(Box::new(resume)));
        }
    }

    pub(super) fn resume_of(&self, registration: &Registration, clean: bool) -> Resume {
        // Of two that belong together, one alone would be refused.
        let only = registration.remembered.first().filter(|_| registration.remembered.len() == 1);
        let only = only.filter(|answering| answering.choice.holder == Holder::Account);
        let nonce = only.and_then(|answering| {
            Some(ResumeNonce {
                nonce: answering.choice.nonce.clone(),
                opaque: answering.choice.opaque.clone(),
                nc: answering.nc,
                cnonce: answering.cnonce.text().as_str().into(),
                issued_at: answering.issued_at,
                local: self.wire.address(answering.local)?,
                algorithm_named: answering.choice.spelled.is_some(),
                proxy: answering.choice.source == sip::ChallengeSource::Proxy,
                userhash: answering.choice.userhash,
                utf8: answering.choice.utf8,
            })
        });
        Resume {
            trunk: registration.assignment.trunk.clone(),
            call_id: (*registration.identity.call_id).into(),
            from_tag: (*registration.identity.from_tag).into(),
            cseq: registration.identity.cseq,
            clean,
            binding: registration.binding.as_ref().map(|binding| ResumeBinding {
                address_of_record: (*binding.address_of_record).into(),
                contact: (*binding.contact).into(),
                registrar: binding.registrar,
                granted: binding.granted,
                lapses_at: binding.lapses_at,
                registered_at: binding.registered_at,
                credential_version: binding.version,
                authenticated: binding.authenticated,
                negotiated: registration.shown.negotiated.as_deref().cloned(),
            }),
            nonce,
            failed: self.failed_of(registration),
            public: registration.shown.public,
        }
    }

    /// Of a standby nothing is kept: after a restart the active version is tried first again.
    fn failed_of(&self, registration: &Registration) -> Option<ResumeFailed> {
        let active = registration.assignment.active.as_ref().filter(|_| registration.which == Which::Active)?;
        let digests = registration.failed_digests;
        (digests > 0).then_some(ResumeFailed { version: active.version, digests, at: registration.failed_at })
    }
}
