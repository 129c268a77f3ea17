use sim::{Plan, Weather};

use crate::{held, minutes};

/// 30 % loss, 10 % duplicates, 10 % reorder, up to 2 s of delay, each way, at expiry 300 s.
fn foul(seed: u64, trunks: u32, hours: u64) -> Plan {
    Plan {
        trunks,
        expires: Some(300),
        weather: Weather::FOUL,
        chaos: minutes(60 * hours),
        registers_per_second: 200,
        in_flight: 400,
        ..Plan::calm(seed)
    }
}

#[test]
fn nothing_lapses_at_thirty_per_cent_loss_and_an_expiry_of_300_seconds() {
    for seed in 0..3 {
        let report = held(foul(seed, 25, 2));
        assert_eq!(report.lapses.total(), 0, "{report}");
    }
}

#[test]
#[ignore = "the full size, in release: 1,000 registrations, 6 hours, 20 seeds"]
fn nothing_lapses_in_six_hours_of_thirty_per_cent_loss() {
    for seed in 0..20 {
        let report = held(foul(seed, 1_000, 6));
        assert_eq!(report.lapses.total(), 0, "{report}");
    }
}
