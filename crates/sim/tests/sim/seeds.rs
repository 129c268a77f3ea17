use sim::Plan;

use crate::{held, minutes};

#[test]
fn the_same_seed_gives_the_same_trace_and_another_another() {
    let plan = |seed| Plan { trunks: 12, chaos: minutes(30), ..Plan::new(seed) };
    let (first, again, other) = (sim::run(plan(11)), sim::run(plan(11)), sim::run(plan(12)));
    assert_eq!((first.trace_hash, first.events), (again.trace_hash, again.events));
    assert_eq!(first.to_string(), again.to_string());
    assert_ne!(first.trace_hash, other.trace_hash);
}

#[test]
fn small_seeds_break_no_rule() {
    for seed in 0..12 {
        held(Plan { trunks: 20, chaos: minutes(40), ..Plan::new(seed) });
    }
}

#[test]
fn every_row_by_which_a_registration_can_be_had_is_bound_and_stays_so() {
    for row in carrier::rows() {
        let none = [
            "C3-unknown",
            "C5",
            "C5-512",
            "C5-quoted",
            "C8",
            "C10",
            "C11-for-ever",
            "C19",
            "C16-own",
            "C16-beside",
            "C20",
            "F1",
            "F2",
            "F3",
            "F5",
            "F6",
            "F7",
            "F8",
            "F9",
            "F11",
            "F12",
            "F13",
            "F14",
            "B3",
            "B4a",
            "B10",
            "N",
        ];
        let binds = ["F2", "F3", "F10", "F12-reverse", "B3a", "B4a"];
        let left_out = none.iter().any(|prefix| {
            row.name == *prefix || row.name.starts_with(&format!("{prefix}-")) || (*prefix == "N" && row.name.starts_with('N'))
        });
        if left_out && !binds.contains(&row.name) {
            continue;
        }
        let report = held(Plan { trunks: 3, chaos: minutes(40), rows: Some(vec![row.name.to_owned()]), ..Plan::calm(1) });
        assert_eq!(report.lapses.total(), 0, "{}: {report}", row.name);
        assert!(report.granted >= 3, "{}: {report}", row.name);
    }
}

#[test]
#[ignore = "the nightly size: 2,000 seeds of 200 trunks and 6 hours, in release"]
fn two_thousand_seeds_break_no_rule() {
    for seed in 0..2_000 {
        held(Plan { trunks: 200, chaos: minutes(360), registers_per_second: 50, in_flight: 100, ..Plan::new(seed) });
    }
}
