use std::time::Duration;

use sim::{Act, Plan};

use crate::{held, minutes};

const DOWN: Duration = Duration::from_secs(5);

#[test]
fn a_clean_restart_sends_nothing_before_it_is_due() {
    // Bindings of an hour are due after 30 minutes at the soonest: nothing but the first registration is sent.
    let plan = |seed| Plan { trunks: 30, expires: Some(3600), chaos: minutes(25), ..Plan::calm(seed) };
    let restart = Act::Restart { clean: true, down: DOWN };
    let report = held(plan(1).then(minutes(10), restart).then(minutes(15), restart));
    assert_eq!((report.restarts, report.registers, report.granted), ((2, 0), 60, 30), "{report}");
}

#[test]
fn refreshes_go_on_after_a_clean_restart_and_nothing_lapses() {
    let restart = Act::Restart { clean: true, down: DOWN };
    let report = held(Plan { trunks: 30, chaos: minutes(60), ..Plan::calm(2) }.then(minutes(7), restart).then(minutes(31), restart));
    assert_eq!(report.lapses.total(), 0, "{report}");
}

#[test]
fn an_unclean_restart_goes_on_with_its_call_id_and_a_cseq_a_thousand_higher() {
    // The rule `Resume` asks for the saved CSeq + 1,001, without a remembered nonce, of each.
    let restart = Act::Restart { clean: false, down: DOWN };
    let report = held(Plan { trunks: 30, chaos: minutes(40), ..Plan::calm(3) }.then(minutes(12), restart));
    assert_eq!((report.restarts, report.jumps, report.lapses.total()), ((0, 1), 30, 0), "{report}");
}
