use sim::{Act, Plan};

use crate::{held, minutes};

/// The first plans of one carrier whose credentials pin their realm.
fn pinned(rows: &[&str]) -> Plan {
    let plan = |seed| Plan {
        trunks: 5,
        expires: Some(300),
        rows: Some(rows.iter().map(ToString::to_string).collect()),
        chaos: minutes(40),
        ..Plan::calm(seed)
    };
    let is_pinned = |plan: &Plan| sim::World::new(plan.clone()).carriers()[0].ends_with("pinned");
    (0..20).map(plan).find(is_pinned).expect("most carriers are pinned")
}

#[test]
fn a_carrier_that_challenges_a_foreign_realm_for_a_while_gets_no_digest_for_it() {
    let report = held(pinned(&[]).then(minutes(10), Act::Mood { carrier: 0, row: "C8", lasts: minutes(10) }));
    assert_eq!(report.lapses.refused, 5, "{report}");
}

#[test]
fn of_two_realms_the_pinned_one_is_answered() {
    let report = held(pinned(&["C10"]));
    assert_eq!(report.lapses.total(), 0, "{report}");
}

#[test]
fn right_digests_that_are_refused_for_an_hour_stay_within_the_budget() {
    let refuses = Act::Mood { carrier: 0, row: "F2-right", lasts: minutes(60) };
    let report = held(Plan { chaos: minutes(75), ..pinned(&[]) }.then(minutes(5), refuses));
    assert_eq!((report.held, report.lapses.refused), (5, 5), "{report}");
}
