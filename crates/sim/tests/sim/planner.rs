//! The planner beside the whole user agent and lab carrier: the same worst second, recovery and lapses.

use std::time::Duration;

use sim::planner::{CarrierPlan, Event, Fleet, Forecast, Limits, Memory, PlannerFault, forecast};
use sim::{Act, Cut, Plan, Report};
use ua::NonceReuse;

use crate::{held, minutes};

/// One lane, as the simulation has one shard; fair weather takes up to 40 ms each way.
fn fleet(trunks: u64, expires: u32, pacing: (u32, u32), event: Event) -> Fleet {
    let carrier = CarrierPlan {
        name: "lab".into(),
        trunks,
        edges: None,
        expires,
        min_refresh: 0,
        reuse: NonceReuse::Auto,
        nonce_life: None,
        registers_per_second: pacing.0,
        in_flight: pacing.1,
        limit: None,
        round_trip: Duration::from_millis(40),
    };
    Fleet { edges: 1, shards: 1, carriers: vec![carrier], event, after: None, seed: 1 }
}

fn planned(fleet: &Fleet) -> Forecast {
    forecast(fleet, &Limits::COMMAND, 1, &|_| true).expect("a plan")
}

fn calm(seed: u64, trunks: u32, expires: u32, pacing: (u32, u32)) -> Plan {
    Plan { trunks, expires: Some(expires), registers_per_second: pacing.0, in_flight: pacing.1, ..Plan::calm(seed) }
}

/// Within a tenth and a little of each other.
#[track_caller]
fn alike(what: &str, planned: f64, simulated: f64, little: f64) {
    let slack = simulated.abs() / 10.0 + little;
    assert!((planned - simulated).abs() <= slack, "{what}: planned {planned}, simulated {simulated}");
}

/// The simulation looks whether all is bound every five seconds.
#[track_caller]
fn recovered_alike(planned: &Forecast, simulated: &Report, little: f64) {
    let (planned, simulated) = (planned.all.recovered.expect("it recovers"), simulated.healed_after.expect("it heals"));
    alike("recovery", planned.as_secs_f64(), simulated.as_secs_f64(), 5.0 + little);
}

#[test]
fn a_start_of_everything_takes_as_long_and_no_second_is_busier() {
    let pacing = (50, 200);
    let report = held(Plan { chaos: Duration::ZERO, heal: minutes(40), ..calm(1, 1_500, 600, pacing) });
    let plan = planned(&fleet(1_500, 600, pacing, Event::Restart { down: Duration::from_secs(1), memory: Memory::None }));
    alike("busiest second", plan.all.busiest.1.into(), report.busiest_second as f64, 3.0);
    // Bindings run on at the carrier, so nobody is without one: the backlog is what takes as long.
    let asked = plan.all.registers.iter().skip(301).position(|&count| count < 30).expect("it ends");
    alike("recovery", asked as f64, report.healed_after.expect("it heals").as_secs_f64(), 6.0);
}

#[test]
fn an_outage_costs_as_many_bindings_and_is_over_as_soon() {
    for (expires, dark, pacing) in [(600, 5, (20, 40)), (120, 5, (50, 60)), (300, 20, (20, 100))] {
        let trunks = 400;
        let act = Act::Dark { carrier: 0, node: None, cut: Cut::Both, lasts: minutes(dark) };
        let report = held(Plan { chaos: minutes(60 + dark), ..calm(2, trunks, expires, pacing) }.then(minutes(60), act));
        let plan = planned(&fleet(trunks.into(), expires, pacing, Event::Outage { carrier: None, lasts: minutes(dark) }));
        alike("lapses", plan.all.lapses as f64, report.lapses.total() as f64, 10.0);
        alike("busiest second", plan.all.busiest.1.into(), report.busiest_second as f64, 3.0);
        recovered_alike(&plan, &report, 20.0);
    }
}

#[test]
fn the_steady_state_is_what_the_arithmetic_says() {
    let plan = planned(&Fleet { after: Some(minutes(60)), ..fleet(50_000, 3600, (500, 200), Event::Nothing) });
    // 3600 s: a refresh every 2250 s.
    alike("steady", plan.all.steady, 50_000.0 / 2250.0, 0.5);
    assert_eq!((plan.all.lapses, plan.all.retransmissions), (0, 0));
    let mean = plan.all.registers.iter().map(|&count| f64::from(count)).sum::<f64>() / plan.all.registers.len() as f64;
    assert!(f64::from(plan.all.busiest.1) <= mean * 1.5, "{:?} over {mean}", plan.all.busiest);
}

#[test]
fn a_fleet_that_cannot_be_kept_alive_never_recovers() {
    // 60 s: a refresh every 27 s, so 74/s for 2,000 trunks.
    let cut = |rate| planned(&fleet(2_000, 3600, (rate, 200), Event::Expiry { carrier: None, expires: 60 }));
    let (enough, too_little) = (cut(100), cut(20));
    assert_eq!(enough.all.recovered, Some(Duration::ZERO), "{}", enough.all.lapses);
    assert!(too_little.all.recovered.is_none() && too_little.all.lapses > 0);
    assert!(too_little.all.busiest.1 <= 22, "its pace holds: {:?}", too_little.all.busiest);
}

#[test]
fn the_same_fleet_gives_the_same_plan_on_any_number_of_threads() {
    let event = Event::Outage { carrier: None, lasts: minutes(5) };
    let mut fleet = Fleet { edges: 5, shards: 2, ..fleet(3_001, 600, (20, 40), event) };
    fleet.carriers.push(CarrierPlan { name: "other".into(), edges: Some(2), trunks: 7, ..fleet.carriers[0].clone() });
    let on = |threads| forecast(&fleet, &Limits::COMMAND, threads, &|_| true).expect("a plan");
    let plan = on(1);
    assert_eq!(plan, on(3));
    assert_eq!((plan.carriers.len(), plan.carriers[1].granted.0 > 0), (2, true));
}

#[test]
fn what_is_out_of_range_is_named_and_a_plan_ends_when_it_is_told_to() {
    let good = fleet(100, 600, (20, 40), Event::Nothing);
    let refused = |fleet: &Fleet| match forecast(fleet, &Limits::PAGE, 1, &|_| true) {
        Err(PlannerFault::Fleet(fault)) => fault.field,
        other => format!("{other:?}"),
    };
    assert_eq!(refused(&Fleet { edges: 41, ..good.clone() }), "edges");
    assert_eq!(refused(&fleet(10_000_001, 600, (20, 40), Event::Nothing)), "carrier[0].trunks");
    assert_eq!(refused(&fleet(100, 0, (20, 40), Event::Nothing)), "carrier[0].expires");
    let nobody = Event::Outage { carrier: Some("nobody".into()), lasts: minutes(1) };
    assert_eq!(refused(&fleet(100, 600, (20, 40), nobody)), "event.carrier");
    assert_eq!(forecast(&good, &Limits::PAGE, 1, &|_| false), Err(PlannerFault::Stopped));
}
