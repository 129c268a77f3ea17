//! Orders of the control plane and of operators.

use std::time::Duration;

use ua::{Action, Command, Withdrawal};

use super::{Happening, World};
use crate::Rotation;
use crate::model::Want;

/// A carrier takes the old password and the new one for so long.
const OVERLAP: Duration = Duration::from_secs(600);

impl World {
    /// Tells the edge what is desired of a trunk.
    pub(super) fn assign(&mut self, trunk: usize, fresh_secret: bool) {
        let station = &self.lab.carriers[self.roster.carrier(trunk)];
        let assignment = self.desired[trunk].assignment(trunk, &self.roster, station);
        self.model.ordered(self.now, trunk, Want::Kept, fresh_secret);
        self.commands.push(Command::Assign(Box::new(assignment), None));
    }

    /// Makes a version active.
    pub(super) fn promote(&mut self, trunk: usize, version: u32) {
        self.desired[trunk].promote(self.now, version);
        self.assign(trunk, true);
    }

    pub(super) fn rotate(&mut self, trunk: usize, how: Rotation) {
        if !self.desired[trunk].assigned || self.desired[trunk].verifying.is_some() {
            return;
        }
        self.model.note(self.now, trunk, &format!("rotation: {how:?}"));
        let password = format!("p{:016x}", self.chance.bits());
        let (user, username) = (self.roster.user(trunk), self.roster.username(trunk));
        let station = &mut self.lab.carriers[self.roster.carrier(trunk)];
        match how {
            Rotation::Overlapping => {
                station.admit(&user, &username, &password);
                self.agenda.note(self.now + OVERLAP, Happening::OverlapOver { trunk });
                self.verify(trunk, password);
            }
            Rotation::Mistyped => self.verify(trunk, password),
            Rotation::Unverified => {
                station.admit(&user, &username, &password);
                self.agenda.note(self.now + OVERLAP, Happening::OverlapOver { trunk });
                let version = self.desired[trunk].stage(password);
                self.promote(trunk, version);
            }
            Rotation::UnverifiedWrong => {
                let version = self.desired[trunk].stage(password);
                self.promote(trunk, version);
            }
            Rotation::Surprise => {
                station.machine.set_password(&user, password.as_str());
                self.desired[trunk].stage(password);
                let after = Duration::from_secs(self.chance.between(5, 1200));
                self.agenda.note(self.now + after, Happening::Follow { trunk });
            }
        }
    }

    /// The operator has learnt the new password.
    pub(super) fn follow(&mut self, trunk: usize) {
        if self.healing_since.is_some()
            || !self.desired[trunk].assigned
            || self.desired[trunk].verifying.is_some()
            || self.endpoint.0.is_none()
        {
            return;
        }
        let newest = self.desired[trunk].versions.last().map(|version| version.password.clone());
        if let Some(password) = newest {
            self.verify(trunk, password);
        }
    }

    /// The carrier takes the password in use only.
    pub(super) fn overlap_over(&mut self, trunk: usize) {
        let user = self.roster.user(trunk);
        let station = &mut self.lab.carriers[self.roster.carrier(trunk)];
        station.machine.set_password(&user, self.desired[trunk].password());
    }

    fn verify(&mut self, trunk: usize, password: String) {
        let version = self.desired[trunk].stage(password);
        let station = &self.lab.carriers[self.roster.carrier(trunk)];
        let order = self.desired[trunk].verify(version, trunk, &self.roster, station);
        self.model.verifying(self.now, trunk, true);
        self.commands.push(Command::Verify(Box::new(order)));
    }

    pub(super) fn withdraw(&mut self, trunk: usize, unregister: bool, back_after: Duration) {
        if !self.desired[trunk].assigned {
            return;
        }
        self.desired[trunk].assigned = false;
        self.model.note(self.now, trunk, if unregister { "withdrawn" } else { "withdrawn, its binding left alone" });
        self.model.ordered(self.now, trunk, Want::Leaving, false);
        let how = if unregister { Withdrawal::Unregister } else { Withdrawal::Forget };
        self.commands.push(Command::Withdraw { trunk: self.roster.id(trunk), how });
        self.agenda.note(self.now + back_after, Happening::GiveBack { trunk });
    }

    pub(super) fn give_back(&mut self, trunk: usize) {
        if self.desired[trunk].assigned {
            return;
        }
        self.desired[trunk].assigned = true;
        self.desired[trunk].number += 1;
        self.model.note(self.now, trunk, "given back");
        if self.endpoint.0.is_some() {
            self.assign(trunk, false);
        }
    }

    pub(super) fn recontact(&mut self, trunk: usize, equivalent: bool) {
        if self.desired[trunk].assigned {
            let contact = &mut self.desired[trunk].contact;
            *(if equivalent { &mut contact.parameter } else { &mut contact.user }) += 1;
            self.desired[trunk].number += 1;
            self.model.note(self.now, trunk, "another Contact");
            self.assign(trunk, false);
        }
    }

    pub(super) fn refresh(&mut self, trunk: usize) {
        if self.desired[trunk].assigned && !self.model.is_held(trunk) {
            self.model.note(self.now, trunk, "an operator refreshes it");
            self.model.ordered(self.now, trunk, Want::Kept, false);
            self.commands.push(Command::Act { trunk: self.roster.id(trunk), action: Action::Refresh });
        }
    }

    pub(super) fn release(&mut self, trunk: usize) {
        self.model.note(self.now, trunk, "an operator releases it");
        self.model.released(self.now, trunk);
        self.commands.push(Command::Act { trunk: self.roster.id(trunk), action: Action::ReleaseHold });
    }
}
