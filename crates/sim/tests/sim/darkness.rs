use std::time::Duration;

use sim::{Act, Cut, Plan};

use crate::{held, minutes};

fn dark_for_an_hour(seed: u64, trunks: u32) -> Plan {
    let dark = Act::Dark { carrier: 0, node: None, cut: Cut::Both, lasts: minutes(60) };
    let plan = Plan {
        trunks,
        expires: Some(600),
        chaos: minutes(80),
        heal: minutes(10),
        registers_per_second: 50,
        in_flight: 100,
        ..Plan::calm(seed)
    };
    plan.then(minutes(20), dark)
}

/// The carrier is back the moment the second part begins: it has ten minutes.
#[test]
fn a_carrier_dark_for_an_hour_is_asked_seldom_and_everything_is_bound_ten_minutes_after() {
    let report = held(dark_for_an_hour(1, 150));
    assert_eq!(report.lapses.unreachable, 150, "{report}");
    assert!(report.tries_in_the_dark <= 1, "{report}");
    assert!(report.healed_after.is_some_and(|after| after <= minutes(10)), "{report}");
}

#[test]
fn a_carrier_with_one_dark_address_loses_nothing() {
    let dark = Act::Dark { carrier: 0, node: Some(0), cut: Cut::Both, lasts: minutes(60) };
    let report = held(Plan { trunks: 20, expires: Some(300), nodes: Some(2), chaos: minutes(90), ..Plan::calm(2) }.then(minutes(10), dark));
    assert_eq!(report.lapses.total(), 0, "{report}");
}

#[test]
fn a_carrier_that_hears_and_is_not_heard_gets_no_second_digest_too_many() {
    let dark = Act::Dark { carrier: 0, node: None, cut: Cut::Back, lasts: Duration::from_secs(400) };
    held(Plan { trunks: 20, expires: Some(300), chaos: minutes(60), registers_per_second: 200, ..Plan::calm(3) }.then(minutes(10), dark));
}
