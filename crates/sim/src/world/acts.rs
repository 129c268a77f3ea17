//! What goes wrong, and how it ends.

use std::time::Duration;

use super::{Happening, World};
use crate::{Act, Cut, Weather};

/// What is wanted of an edge that is down is tried again then.
const LATER: Duration = Duration::from_secs(15);

impl World {
    pub(super) fn act(&mut self, act: Act) {
        if self.healing_since.is_some() {
            return;
        }
        self.take_down(12, &[]);
        self.tell_act(act);
        let carriers = self.lab.carriers.len();
        match act {
            Act::Dark { carrier, node, cut, lasts } => self.dark(carrier % carriers, node, cut, lasts),
            Act::CarrierRestart { carrier } => self.lab.restart(self.now, carrier % carriers),
            Act::Mood { carrier, row, lasts } => self.mood(carrier % carriers, row, lasts),
            Act::NamesFail { carrier, lasts } => {
                let carrier = carrier % carriers;
                self.lab.carriers[carrier].names_fail += 1;
                self.agenda.note(self.now + lasts, Happening::NamesBack { carrier });
            }
            Act::Storm { lasts } => {
                self.storms += 1;
                self.network.weather = Weather::FOUL;
                self.model.weather(self.now, false);
                self.agenda.note(self.now + lasts, Happening::StormOver);
            }
            Act::Restart { clean, down } => self.stop(clean, down),
            Act::Rotate { .. } | Act::Withdraw { .. } | Act::Recontact { .. } | Act::Refresh { .. } if self.endpoint.0.is_none() => {
                self.agenda.note(self.now + LATER, Happening::Act(act));
            }
            Act::Rotate { trunk, how } => self.rotate(trunk % self.roster.trunks, how),
            Act::Withdraw { trunk, unregister, back_after } => self.withdraw(trunk % self.roster.trunks, unregister, back_after),
            Act::Recontact { trunk, equivalent } => self.recontact(trunk % self.roster.trunks, equivalent),
            Act::Refresh { trunk } => self.refresh(trunk % self.roster.trunks),
        }
    }

    fn tell_act(&mut self, act: Act) {
        let carriers = self.lab.carriers.len();
        let text = match act {
            Act::Dark { carrier, node, cut, lasts } => {
                let carrier = carrier % carriers;
                let what = match cut {
                    Cut::Both => "neither hears nor is heard",
                    Cut::There => "does not hear",
                    Cut::Back => "is not heard",
                };
                let nodes = self.lab.carriers[carrier].nodes.len();
                let node = node.map_or(String::new(), |node| format!(", address {},", node % nodes));
                format!("carrier c{carrier}{node} {what} for {} s", lasts.as_secs())
            }
            Act::CarrierRestart { carrier } => format!("carrier c{} loses its bindings and nonces", carrier % carriers),
            Act::Mood { carrier, row, lasts } => format!("carrier c{} behaves as row {row} for {} s", carrier % carriers, lasts.as_secs()),
            Act::NamesFail { carrier, lasts } => {
                format!("the names of carrier c{} do not resolve for {} s", carrier % carriers, lasts.as_secs())
            }
            Act::Restart { clean, down } => {
                format!("the edge {} and is down for {} s", if clean { "is stopped in order" } else { "crashes" }, down.as_secs())
            }
            Act::Storm { lasts } => format!("the network loses, doubles, overtakes and delays for {} s", lasts.as_secs()),
            Act::Rotate { trunk, how } => format!("trunk {}: rotation, {how:?}", trunk % self.roster.trunks),
            // Of one trunk, and ordinary: its own trace tells.
            Act::Withdraw { .. } | Act::Recontact { .. } | Act::Refresh { .. } => return,
        };
        self.model.tell(self.now, text);
    }

    fn dark(&mut self, carrier: usize, node: Option<usize>, cut: Cut, lasts: Duration) {
        let station = &mut self.lab.carriers[carrier];
        let count = station.nodes.len();
        let node = node.map(|node| node % count);
        for (at, place) in station.nodes.iter_mut().enumerate() {
            if node.is_none_or(|node| node == at) {
                place.cuts.push(cut);
            }
        }
        self.judge_reach(carrier);
        self.agenda.note(self.now + lasts, Happening::Light { carrier, node, cut });
    }

    pub(super) fn light(&mut self, carrier: usize, node: Option<usize>, cut: Cut) {
        for (at, place) in self.lab.carriers[carrier].nodes.iter_mut().enumerate() {
            if node.is_none_or(|node| node == at)
                && let Some(over) = place.cuts.iter().position(|&one| one == cut)
            {
                place.cuts.remove(over);
            }
        }
        self.judge_reach(carrier);
    }

    fn mood(&mut self, carrier: usize, row: &str, lasts: Duration) {
        let station = &mut self.lab.carriers[carrier];
        if let Some(temperament) = station.usual.clone().with(row) {
            station.moods += 1;
            *station.machine.temperament_mut() = temperament;
            self.judge_reach(carrier);
            self.agenda.note(self.now + lasts, Happening::MoodOver { carrier });
        }
    }

    pub(super) fn mood_over(&mut self, carrier: usize) {
        let station = &mut self.lab.carriers[carrier];
        station.moods = station.moods.saturating_sub(1);
        if station.moods == 0 {
            *station.machine.temperament_mut() = station.usual.clone();
        }
        self.judge_reach(carrier);
    }

    pub(super) fn names_back(&mut self, carrier: usize) {
        let station = &mut self.lab.carriers[carrier];
        station.names_fail = station.names_fail.saturating_sub(1);
        station.nameless &= station.names_fail > 0;
        self.judge_reach(carrier);
    }

    pub(super) fn storm_over(&mut self) {
        self.storms = self.storms.saturating_sub(1);
        if self.storms == 0 && self.healing_since.is_none() {
            self.network.weather = self.plan.weather;
            self.model.weather(self.now, self.plan.weather == Weather::FAIR);
        }
    }

    /// Tells the model whether a carrier can be reached and does as usual. Names that fail matter to an edge that has no address from before.
    pub(super) fn judge_reach(&mut self, carrier: usize) {
        let station = &self.lab.carriers[carrier];
        let reachable = !station.is_dark() && station.moods == 0 && !station.nameless;
        self.model.dark(self.now, carrier, station.is_dark());
        self.model.reachable(self.now, carrier, reachable);
    }
}
