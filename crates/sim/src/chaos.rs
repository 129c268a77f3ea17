//! What goes wrong on a bad day.

use std::time::Duration;

use crate::chance::Chance;
use crate::{Act, Cut, Plan, Rotation};

/// Rows of `carriers.md` that a carrier may follow for a while; all end.
const MOODS: [&str; 24] = [
    "C8",
    "C11-for-ever",
    "C19-no-nonce",
    "C19-quotes",
    "C22",
    "F1",
    "F2-right",
    "F3-all",
    "F5",
    "F5-huge",
    "F6",
    "F6-500",
    "F7",
    "F8",
    "F9-421",
    "F11",
    "F12",
    "F13",
    "F14",
    "F14-400",
    "F14-481",
    "N3",
    "B3",
    "B4a-zero",
];

/// Share of changed Contacts that are the same to the registrar (RFC 3261 19.1.4).
const EQUIVALENT: f64 = 0.4;

/// Draws what happens when, in the first part of a plan.
pub fn draw(plan: &Plan) -> Vec<(Duration, Act)> {
    let mut chance = Chance::new(plan.seed, "chaos");
    let hours = plan.chaos.as_secs_f64() / 3600.0;
    // Per hour: of the edge and each carrier, and of each trunk.
    let mut acts = Vec::new();
    let carriers = f64::from(plan.carriers);
    let trunks = f64::from(plan.trunks);
    for (per_hour, kind) in [
        (0.4, Kind::RestartClean),
        (0.4, Kind::RestartUnclean),
        (0.5, Kind::Storm),
        (0.7 * carriers, Kind::Dark),
        (0.5 * carriers, Kind::DarkNode),
        (0.2 * carriers, Kind::CarrierRestart),
        (0.7 * carriers, Kind::Mood),
        (0.3 * carriers, Kind::NamesFail),
        (0.08 * trunks, Kind::Rotate),
        (0.03 * trunks, Kind::Withdraw),
        (0.03 * trunks, Kind::Recontact),
        (0.05 * trunks, Kind::Refresh),
    ] {
        let mut left = per_hour * hours * plan.faults;
        while left > 0.0 {
            if left >= 1.0 || chance.happens(left) {
                let at = Duration::from_millis(chance.between(1, u64::try_from(plan.chaos.as_millis()).unwrap_or(u64::MAX)));
                acts.push((at, act(kind, &mut chance)));
            }
            left -= 1.0;
        }
    }
    acts
}

#[derive(Clone, Copy)]
enum Kind {
    RestartClean,
    RestartUnclean,
    Storm,
    Dark,
    DarkNode,
    CarrierRestart,
    Mood,
    NamesFail,
    Rotate,
    Withdraw,
    Recontact,
    Refresh,
}

fn act(kind: Kind, chance: &mut Chance) -> Act {
    const SOME: usize = 1 << 30;
    let cut = |chance: &mut Chance| chance.pick(&[Cut::Both, Cut::Both, Cut::There, Cut::Back]);
    let seconds = |chance: &mut Chance, low, high| Duration::from_secs(chance.between(low, high));
    match kind {
        Kind::RestartClean => Act::Restart { clean: true, down: seconds(chance, 1, 20) },
        Kind::RestartUnclean => Act::Restart { clean: false, down: seconds(chance, 1, 20) },
        Kind::Storm => Act::Storm { lasts: seconds(chance, 60, 900) },
        Kind::Dark => Act::Dark { carrier: chance.below(SOME), node: None, cut: cut(chance), lasts: seconds(chance, 2, 1500) },
        Kind::DarkNode => {
            Act::Dark { carrier: chance.below(SOME), node: Some(chance.below(8)), cut: cut(chance), lasts: seconds(chance, 2, 1500) }
        }
        Kind::CarrierRestart => Act::CarrierRestart { carrier: chance.below(SOME) },
        Kind::Mood => Act::Mood { carrier: chance.below(SOME), row: chance.pick(&MOODS), lasts: seconds(chance, 5, 900) },
        Kind::NamesFail => Act::NamesFail { carrier: chance.below(SOME), lasts: seconds(chance, 5, 1200) },
        Kind::Rotate => Act::Rotate {
            trunk: chance.below(SOME),
            how: chance.pick(&[
                Rotation::Overlapping,
                Rotation::Overlapping,
                Rotation::Mistyped,
                Rotation::Unverified,
                Rotation::UnverifiedWrong,
                Rotation::Surprise,
            ]),
        },
        Kind::Withdraw => Act::Withdraw { trunk: chance.below(SOME), unregister: chance.happens(0.7), back_after: seconds(chance, 1, 900) },
        Kind::Recontact => Act::Recontact { trunk: chance.below(SOME), equivalent: chance.happens(EQUIVALENT) },
        Kind::Refresh => Act::Refresh { trunk: chance.below(SOME) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_day_is_the_same_every_time_and_a_calm_one_brings_nothing() {
        assert_eq!(draw(&Plan::new(3)), draw(&Plan::new(3)));
        assert_ne!(draw(&Plan::new(3)), draw(&Plan::new(4)));
        assert!(draw(&Plan::calm(3)).is_empty());
    }

    #[test]
    fn every_mood_is_a_row() {
        assert!(MOODS.iter().all(|mood| carrier::rows().iter().any(|row| row.name == *mood)));
    }
}
