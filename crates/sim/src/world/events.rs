//! What the edge tells, and what the control plane makes of it.

use ua::{Event, Outcome, RegistrationState, Verdict};

use super::edge::DISK_LAG;
use super::{Happening, World};
use crate::control::AfterRefusal;
use crate::report::Rule;

impl World {
    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Status(status) => {
                self.take_down(5, status.trunk.as_bytes());
                if let Some(trunk) = self.roster.by_id(&status.trunk) {
                    self.model.told(self.now, trunk, &status);
                    self.told.insert(trunk, status);
                }
            }
            Event::Renewed(renewal) => {
                self.take_down(13, renewal.trunk.as_bytes());
                let Some(trunk) = self.roster.by_id(&renewal.trunk) else { return };
                match self.told.get_mut(&trunk) {
                    Some(status) => {
                        status.state = RegistrationState::Registered;
                        renewal.renew_status(status);
                        self.model.told(self.now, trunk, status);
                    }
                    None => {
                        self.model.violated(self.now, Rule::Status, Some(trunk), "is renewed before anything was told of it".to_owned())
                    }
                }
                self.agenda.note(self.now + DISK_LAG, Happening::KeptOn { life: self.life, renewal });
            }
            Event::Accepted { trunk, version, .. } => {
                self.take_down(6, trunk.as_bytes());
                if let Some(trunk) = self.roster.by_id(&trunk) {
                    self.model.note(self.now, trunk, &format!("version {version} accepted"));
                    self.desired[trunk].accepted(version);
                }
            }
            Event::Refused { trunk, version, digest_sent, held, diagnosis, .. } => {
                self.take_down(7, trunk.as_bytes());
                if let Some(trunk) = self.roster.by_id(&trunk) {
                    let held_too = if held { ", held" } else { "" };
                    self.model.note(self.now, trunk, &format!("version {version} refused{held_too}: {}", diagnosis.summary));
                    if held {
                        self.model.held(trunk);
                    }
                    self.refused(trunk, version, digest_sent);
                }
            }
            Event::Verdict(verdict) => self.verdict(&verdict),
            // Said to people only: nothing follows from it.
            Event::Progress { .. } => {}
            Event::Attempt(attempt) => self.take_down(11, attempt.carrier.as_bytes()),
            Event::Save(kept) => {
                self.take_down(8, kept.trunk.as_bytes());
                self.agenda.note(self.now + DISK_LAG, Happening::Kept { life: self.life, kept });
            }
            Event::Forget { trunk, .. } => {
                self.take_down(9, trunk.as_bytes());
                if let Some(trunk) = self.roster.by_id(&trunk) {
                    self.model.forgot(self.now, trunk);
                    self.agenda.note(self.now + DISK_LAG, Happening::Unkept { life: self.life, trunk });
                }
            }
            Event::CallUnrouted { .. } => self.take_down(10, &[]),
            Event::BindingContested { trunk, .. } => self.take_down(12, trunk.as_bytes()),
        }
    }

    fn refused(&mut self, trunk: usize, version: u32, digest_sent: bool) {
        match self.desired[trunk].refused(self.now, version, digest_sent) {
            AfterRefusal::RolledBack => {
                self.model.report.rolled_back += 1;
                self.model.note(self.now, trunk, "rolled back");
                self.assign(trunk, true);
            }
            AfterRefusal::Stays => {}
        }
    }

    fn verdict(&mut self, verdict: &Verdict) {
        self.take_down(11, verdict.id.as_bytes());
        let of = |desired: &crate::control::Desired| desired.verifying.as_ref().is_some_and(|(id, _)| *id == verdict.id);
        let Some(trunk) = self.desired.iter().position(of) else { return };
        let Some((_, version)) = self.desired[trunk].verifying.take() else { return };
        self.model.verifying(self.now, trunk, false);
        self.model.report.verified.0 += 1;
        match &verdict.outcome {
            Outcome::Proved | Outcome::AcceptedUnproven => {
                self.model.report.verified.1 += 1;
                self.model.note(self.now, trunk, &format!("version {version} proved, promoted"));
                self.promote(trunk, version);
            }
            Outcome::Learned => {}
            Outcome::Refused(diagnosis) => {
                self.model.note(self.now, trunk, &format!("version {version} not proved: {}", diagnosis.summary))
            }
        }
    }
}
