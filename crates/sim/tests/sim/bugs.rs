//! Faults of `ua` that simulation found, as small as they get.

use sim::{Act, Plan, Rotation};

use crate::{held, minutes};

/// RFC 3261 19.1.4: a parameter in one URI only does not count, so the registrar has one binding. Removing the "old" one removed the new one.
#[test]
#[ignore = "ua: a Contact that is equivalent is removed as a stray (/tmp/ua-bugs.md)"]
fn a_contact_that_differs_by_a_parameter_only_stays_bound() {
    held(Plan { trunks: 1, chaos: minutes(15), ..Plan::calm(1) }.then(minutes(6), Act::Recontact { trunk: 0, equivalent: true }));
}

/// carriers.md, back-off: two failed digests hold a version, whatever else is changed.
#[test]
#[ignore = "ua: a changed account leaves Held (/tmp/ua-bugs.md)"]
fn a_held_version_is_not_tried_again_because_its_contact_changed() {
    let surprise = Act::Rotate { trunk: 0, how: Rotation::Surprise };
    held(Plan { trunks: 1, chaos: minutes(15), ..Plan::calm(4) }.then(minutes(2), surprise).then(minutes(12), Act::Recontact { trunk: 0, equivalent: false }));
}
