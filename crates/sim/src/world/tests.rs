//! The rules that need the world can be broken too.

use std::time::Duration;

use super::{BEGINNING, World};
use crate::report::Rule;
use crate::{Act, Cut, Plan};

fn one_trunk() -> Plan {
    Plan { trunks: 1, chaos: Duration::from_secs(1200), ..Plan::calm(1) }
}

#[test]
fn a_carrier_that_forgets_in_secret_is_noticed_by_what_the_edge_believes() {
    let mut world = World::new(one_trunk());
    world.advance(BEGINNING + Duration::from_secs(100));
    world.check_beliefs();
    assert!(world.model.report.broken.is_empty(), "{:?}", world.model.report.violations);
    let time = world.lab.time(world.now);
    world.lab.carriers[0].machine.restart(time);
    world.check_beliefs();
    assert!(world.model.report.broken.contains_key(&Rule::Belief));
}

#[test]
fn an_answer_that_is_taken_is_noticed() {
    let dark = Act::Dark { carrier: 0, node: None, cut: Cut::There, lasts: Duration::from_secs(600) };
    let mut world = World::new(one_trunk().then(Duration::ZERO, dark));
    world.advance(BEGINNING + Duration::from_secs(10));
    // Wrong in nothing at all.
    world.forge_one(usize::MAX);
    assert!(world.model.report.broken.contains_key(&Rule::Forged));
}

#[test]
fn what_does_not_heal_is_noticed() {
    let refuses = Plan { rows: Some(vec!["F1".to_owned()]), heal: Duration::from_secs(120), ..one_trunk() };
    assert!(crate::run(refuses).broken.contains_key(&Rule::Healed));
}
