use sim::Plan;

use crate::{held, minutes};

/// Forged answers that are right in all but one of branch, From tag, Call-ID and CSeq.
fn forged(per_second: u32, length: std::time::Duration) -> Plan {
    Plan { trunks: 4, chaos: length, forged_per_second: per_second, ..Plan::calm(9) }
}

#[test]
fn no_forged_answer_is_accepted() {
    let report = held(forged(10, minutes(40)));
    assert!(report.forged > 20_000, "{report}");
    assert_eq!(report.lapses.total(), 0, "{report}");
}

#[test]
#[ignore = "the full size, in release: 10 million"]
fn none_of_ten_million_forged_answers_is_accepted() {
    let report = held(forged(500, minutes(340)));
    assert!(report.forged > 10_000_000, "{report}");
    assert_eq!(report.lapses.total(), 0, "{report}");
}
