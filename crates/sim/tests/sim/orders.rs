use std::time::Duration;

use sim::{Act, Plan, Rotation};

use crate::{held, minutes};

fn rotated(how: Rotation) -> Plan {
    (0..10).fold(Plan { trunks: 10, chaos: minutes(60), ..Plan::calm(5) }, |plan, trunk| {
        plan.then(minutes(5 + trunk), Act::Rotate { trunk: trunk as usize, how })
    })
}

#[test]
fn a_password_is_verified_and_then_promoted_without_a_lapse() {
    let report = held(rotated(Rotation::Overlapping));
    assert_eq!((report.verified, report.rolled_back, report.lapses.total()), ((10, 10), 0, 0), "{report}");
}

#[test]
fn a_mistyped_password_never_replaces_the_one_that_works() {
    let report = held(rotated(Rotation::Mistyped));
    assert_eq!((report.verified, report.rolled_back, report.held, report.lapses.total()), ((10, 0), 0, 0, 0), "{report}");
}

#[test]
fn a_wrong_password_that_was_promoted_unverified_is_rolled_back_without_a_lapse() {
    let report = held(rotated(Rotation::UnverifiedWrong));
    assert_eq!((report.rolled_back, report.held, report.lapses.total()), (10, 0, 0), "{report}");
}

#[test]
fn a_password_that_the_carrier_changed_holds_the_trunk_until_the_operator_follows() {
    let report = held(rotated(Rotation::Surprise));
    assert!(report.verified.1 >= 8, "{report}");
}

#[test]
fn a_withdrawn_trunk_leaves_and_comes_back() {
    let plan = (0..10).fold(Plan { trunks: 10, chaos: minutes(40), ..Plan::calm(6) }, |plan, trunk| {
        let back_after = Duration::from_secs(if trunk % 3 == 0 { 1 } else { 300 });
        plan.then(minutes(5 + trunk), Act::Withdraw { trunk: trunk as usize, unregister: trunk % 2 == 0, back_after })
    });
    let report = held(plan);
    assert_eq!(report.lapses.total(), 0, "{report}");
}
