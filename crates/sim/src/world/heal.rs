//! The second part: all is well, and everything must be bound within a bound of time.

use std::time::Duration;

use super::{BELIEFS_EVERY, Happening, LOOK, LOOK_HEALING, World};
use crate::Weather;
use crate::report::{Report, Rule};

const MINUTE: Duration = Duration::from_secs(60);
/// So long after everything is bound a run ends.
const REST: Duration = MINUTE;

impl World {
    /// All is well from now on.
    pub(super) fn heal(&mut self) {
        self.healing_since = Some(self.now);
        self.model.tell(self.now, "all is well from now on");
        self.network.weather = Weather::FAIR;
        self.model.weather(self.now, true);
        for carrier in 0..self.lab.carriers.len() {
            let station = &mut self.lab.carriers[carrier];
            station.nodes.iter_mut().for_each(|node| node.cuts.clear());
            station.moods = 0;
            station.names_fail = 0;
            station.nameless = false;
            *station.machine.temperament_mut() = station.usual.clone();
            self.judge_reach(carrier);
        }
        for trunk in 0..self.roster.trunks {
            self.give_back(trunk);
            self.overlap_over(trunk);
        }
    }

    /// Looks at every trunk.
    pub(super) fn look(&mut self) {
        self.model.scan(self.now);
        self.looks += 1;
        let healing = self.healing_since.is_some();
        if !healing && self.looks.is_multiple_of(BELIEFS_EVERY) {
            self.check_beliefs();
        }
        if healing {
            self.look_whether_healed();
        }
        self.agenda.note(self.now + if healing { LOOK_HEALING } else { LOOK }, Happening::Look);
    }

    fn look_whether_healed(&mut self) {
        let Some(since) = self.healing_since else { return };
        if self.endpoint.0.is_some() {
            // Whoever sees a trunk held sees to it.
            for trunk in (0..self.roster.trunks).filter(|&trunk| self.model.is_held(trunk)).collect::<Vec<_>>() {
                self.overlap_over(trunk);
                self.release(trunk);
            }
        }
        let bound = self.unbound().is_empty();
        match (bound, self.model.report.healed_after) {
            (true, None) => self.model.report.healed_after = Some(self.now.since(since)),
            (true, Some(after)) if self.now.since(since) >= after + REST => self.done = true,
            // A secret that was promoted before the end may still be rolled back.
            (false, Some(_)) => self.model.report.healed_after = None,
            (true, Some(_)) | (false, None) => {}
        }
    }

    fn unbound(&self) -> Vec<usize> {
        let mut unbound = self.model.unbound(self.now);
        let missing = |trunk: &usize| !self.lab.binds(self.now, self.roster.carrier(*trunk), &self.roster.user(*trunk));
        unbound.extend((0..self.roster.trunks).filter(missing).filter(|&trunk| !self.was_forgotten(trunk)));
        unbound.sort_unstable();
        unbound.dedup();
        unbound
    }

    pub(super) fn check_beliefs(&mut self) {
        for trunk in 0..self.roster.trunks {
            let carrier = self.roster.carrier(trunk);
            if self.model.believed(self.now, trunk).is_some()
                && !self.was_forgotten(trunk)
                && !self.lab.binds(self.now, carrier, &self.roster.user(trunk))
            {
                self.model.violated(self.now, Rule::Belief, Some(trunk), "the edge believes it bound, the carrier does not".to_owned());
            }
        }
    }

    /// The carrier has lost the binding with all others. Nobody tells the edge: the next refresh makes it anew.
    fn was_forgotten(&self, trunk: usize) -> bool {
        let forgot_at = self.lab.carriers[self.roster.carrier(trunk)].forgot_at;
        // What was sent just before may have been granted just before.
        forgot_at.zip(self.model.believed(self.now, trunk)).is_some_and(|(forgot_at, since)| forgot_at + MINUTE >= since)
    }

    pub(super) fn finish(mut self) -> Report {
        self.check_beliefs();
        if self.model.report.healed_after.is_none() {
            for trunk in self.unbound() {
                let what = format!("not bound {:?} after all was well: {}", self.plan.heal, self.model.describe(trunk));
                self.model.violated(self.now, Rule::Healed, Some(trunk), what);
            }
        }
        let traced = self.plan.traced.map(|trunk| self.model.trace.of(trunk as usize % self.roster.trunks));
        let mut report = self.model.report;
        report.traced = traced.unwrap_or_default();
        report.simulated = self.now.since(super::BEGINNING);
        report.trace_hash = self.model.trace.hash.value();
        report
    }
}
