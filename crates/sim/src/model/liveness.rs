//! Looked at every minute: that nothing is forgotten.

use ua::{Instant, RegistrationState};

use super::{Model, Want};
use crate::report::Rule;

impl Model {
    /// Looks at every trunk.
    pub fn scan(&mut self, now: Instant) {
        self.transactions.forget_old(now);
        self.digests.forget_old(now);
        if self.edge.lost_since().is_some() {
            return;
        }
        for trunk in 0..self.trunks.len() {
            self.lapse(now, trunk);
            self.check_forgotten(now, trunk);
        }
    }

    /// A registration that is wanted acts, or waits for a time that it told, or is held with a reason; one that is to leave leaves.
    fn check_forgotten(&mut self, now: Instant, trunk: usize) {
        let slack = self.slack(self.roster.carrier(trunk));
        let watched = &self.trunks[trunk];
        if self.is_held(trunk) || watched.forgotten || watched.want == Want::Gone || watched.verifying {
            return;
        }
        let waits = watched.next_at.unwrap_or_default();
        let due = match (&watched.grant, watched.want) {
            (Some(grant), Want::Leaving) => grant.lapses_at.max(waits),
            // A healthy refresh tells nothing, so its next time is not known: it comes before the lapse.
            (Some(grant), _) => grant.lapses_at.min(waits.max(grant.sent_at + grant.time * 3 / 4)),
            (None, _) => waits,
        };
        if now > due.max(watched.acted_at) + slack {
            let what = format!("{:?}, last seen to act at {:?}, next at {:?}", watched.state, watched.acted_at, watched.next_at);
            self.trunks[trunk].forgotten = true;
            self.violated(now, Rule::Forgotten, Some(trunk), what);
        }
    }

    /// Tells which trunks are wanted and not bound, by what the edge said last.
    pub fn unbound(&self, now: Instant) -> Vec<usize> {
        let wanted = |trunk: &usize| self.trunks[*trunk].want == Want::Kept;
        let bound = |trunk: usize| self.trunks[trunk].grant.as_ref().is_some_and(|grant| grant.lapses_at > now);
        (0..self.trunks.len()).filter(wanted).filter(|&trunk| !bound(trunk)).collect()
    }

    /// Tells a trunk's state in words.
    pub fn describe(&self, trunk: usize) -> String {
        let watched = &self.trunks[trunk];
        format!("{:?}, next at {:?}, last acted at {:?}", watched.state, watched.next_at, watched.acted_at)
    }

    /// Notes a registration that is held.
    pub fn held(&mut self, trunk: usize) {
        self.report.held += 1;
        self.trunks[trunk].held = true;
    }

    /// Notes that a trunk is the edge's no more.
    pub fn forgot(&mut self, now: Instant, trunk: usize) {
        self.note(now, trunk, "gone");
        let watched = &mut self.trunks[trunk];
        if watched.open.take().is_some() {
            self.paces[self.roster.carrier(trunk)].ends();
        }
        // An order that came meanwhile begins anew.
        if watched.want == Want::Leaving {
            watched.want = Want::Gone;
        }
        watched.grant = None;
        watched.call_id = None;
        watched.failed_digests = 0;
        watched.held = false;
        watched.resumed = None;
        watched.state = None;
        watched.next_at = None;
    }

    pub(super) fn is_at_rest(state: RegistrationState, next: Option<Instant>) -> bool {
        next.is_some() || matches!(state, RegistrationState::AuthHeld | RegistrationState::Pending)
    }
}
