//! Lives of the edge, and what it keeps between them.

use std::time::Duration;

use ua::{Command, Config, Endpoint, Renewal, Resume, Seeds, Socket};

use super::{EDGE, Edge, Happening, World};
use crate::chance::Chance;
use crate::model::Want;

/// What is to be kept reaches the disk so long after it was told.
pub(super) const DISK_LAG: Duration = Duration::from_millis(250);

impl World {
    /// Stops the edge; it starts again after a while.
    pub(super) fn stop(&mut self, clean: bool, down: Duration) {
        let Some(endpoint) = self.endpoint.0.take() else { return };
        if clean {
            let mut kept = endpoint.snapshot();
            kept.sort_by(|a, b| a.trunk.cmp(&b.trunk));
            self.disk = kept.into_iter().filter_map(|kept| Some((self.roster.by_id(&kept.trunk)?, kept))).collect();
            self.model.report.restarts.0 += 1;
        } else {
            self.model.report.restarts.1 += 1;
        }
        self.commands.clear();
        self.model.stopped(self.now, clean);
        self.agenda.note(self.now + down, Happening::Start { clean });
    }

    /// Starts the edge with what it kept and what is desired.
    pub(super) fn start(&mut self, clean: bool) {
        if self.endpoint.0.is_some() {
            return;
        }
        self.life += 1;
        let mut chance = Chance::new(self.plan.seed, &format!("life {}", self.life));
        let mut tokens = [0; 32];
        tokens.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&chance.bits().to_be_bytes()));
        let config = Config { sockets: vec![Socket { address: EDGE, advertised: EDGE }], user_agent: "trunkline-sim".into() };
        self.endpoint = Edge(Some(Box::new(Endpoint::new(config, Seeds { jitter: chance.bits(), tokens }))));
        self.model.started(self.now);
        for carrier in 0..self.lab.carriers.len() {
            self.commands.push(Command::Carrier(Box::new(self.lab.carriers[carrier].profile.clone())));
            // Without an address from before, a name that fails leads nowhere.
            self.lab.carriers[carrier].nameless = self.lab.carriers[carrier].names_fail > 0;
            self.judge_reach(carrier);
        }
        for trunk in 0..self.roster.trunks {
            self.desired[trunk].verifying = None;
            if !self.desired[trunk].assigned {
                self.disk.remove(&trunk);
                self.model.ordered(self.now, trunk, Want::Leaving, false);
                self.model.forgot(self.now, trunk);
                continue;
            }
            let kept = self.disk.get(&trunk).map(|kept| Resume { clean, ..kept.clone() });
            self.model.resumed(self.now, trunk, kept.as_ref());
            let station = &self.lab.carriers[self.roster.carrier(trunk)];
            let assignment = self.desired[trunk].assignment(trunk, &self.roster, station);
            self.commands.push(Command::Assign(Box::new(assignment), kept.map(Box::new)));
        }
    }

    pub(super) fn keep(&mut self, life: u32, kept: Resume) {
        if let Some(trunk) = self.roster.by_id(&kept.trunk).filter(|_| life == self.life && self.endpoint.0.is_some()) {
            self.disk.insert(trunk, kept);
        }
    }

    pub(super) fn keep_on(&mut self, life: u32, renewal: &Renewal) {
        if let Some(trunk) = self.roster.by_id(&renewal.trunk).filter(|_| life == self.life && self.endpoint.0.is_some()) {
            self.disk.entry(trunk).and_modify(|kept| renewal.renew_resume(kept));
        }
    }

    pub(super) fn unkeep(&mut self, life: u32, trunk: usize) {
        if life == self.life && self.endpoint.0.is_some() {
            self.disk.remove(&trunk);
        }
    }
}
