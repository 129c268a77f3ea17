//! Faults of `ua` that simulation found, as small as they get.

use std::time::Duration;

use sim::{Act, Plan, Rotation};

use crate::{held, minutes};

/// RFC 3261 19.1.4: a parameter in one URI only does not count, so the registrar has one binding. Removing the "old" one removed the new one.
#[test]
fn a_contact_that_differs_by_a_parameter_only_stays_bound() {
    held(Plan { trunks: 1, chaos: minutes(15), ..Plan::calm(1) }.then(minutes(6), Act::Recontact { trunk: 0, equivalent: true }));
}

/// One trunk that is held: its carrier refuses right digests from the second minute on.
fn held_trunk() -> Plan {
    let refuses = Act::Mood { carrier: 0, row: "F2-right", lasts: minutes(60) };
    Plan { trunks: 1, chaos: minutes(25), ..Plan::calm(4) }.then(minutes(2), refuses)
}

/// carriers.md, back-off: two failed digests hold a version, whatever else is changed.
#[test]
fn a_held_version_is_not_tried_again_because_its_contact_changed() {
    let report = held(held_trunk().then(minutes(12), Act::Recontact { trunk: 0, equivalent: false }));
    assert_eq!(report.held, 1, "{report}");
}

/// carriers.md B8: what is kept of a trunk that is not bound must take the jump in too, or the next unclean restart falls behind it.
#[test]
fn cseq_never_falls_over_two_unclean_restarts_of_a_held_trunk() {
    let restart = Act::Restart { clean: false, down: Duration::from_secs(5) };
    held(held_trunk().then(minutes(17), restart).then(minutes(19), restart));
}

/// RFC 7616 3.4: the count of a nonce rises with every use, also where a 401 repeats the nonce that it refuses (row C13).
#[test]
fn the_count_of_a_nonce_that_is_repeated_goes_on() {
    let surprise = Act::Rotate { trunk: 0, how: Rotation::Surprise };
    held(
        Plan { trunks: 1, chaos: minutes(15), expires: Some(300), rows: Some(vec!["C13".to_owned()]), ..Plan::calm(4) }
            .then(minutes(1), surprise),
    );
}
