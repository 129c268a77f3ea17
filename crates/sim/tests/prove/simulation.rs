use std::fmt::Write as _;
use std::time::{Duration, Instant};

use sim::{Act, Cut, Plan, Weather};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// Tables, written to the file that `TRUNKLINE_FIGURES` names.
#[derive(Default)]
struct Figures(String);

impl Figures {
    fn section(&mut self, title: &str) {
        writeln!(self.0, "\n## {title}\n\n| what | figure |\n|---|---|").expect("text");
    }

    fn row(&mut self, what: &str, figure: impl std::fmt::Display) {
        writeln!(self.0, "| {what} | {figure} |").expect("text");
        eprintln!("  {what}: {figure}");
    }
}

#[test]
#[ignore = "cargo xtask prove simulation"]
fn simulation() {
    let mut figures = Figures::default();
    forgeries(&mut figures);
    darkness(&mut figures);
    weather(&mut figures);
    nights(&mut figures);
    if let Some(file) = std::env::var_os("TRUNKLINE_FIGURES") {
        std::fs::write(file, &figures.0).expect("figures");
    }
}

fn forgeries(figures: &mut Figures) {
    let began = Instant::now();
    let forged = sim::forge(1, 10_000_000);
    figures.section("Forged answers");
    figures.row("forged answers that reached the edge while the request was out", forged.total());
    for (forgery, count) in &forged.sent {
        figures.row(&format!("... wrong in one thing only: {forgery:?}"), count);
    }
    figures.row("accepted", forged.accepted.values().sum::<u64>());
    figures.row("right answers in between, and how many of them did not bind", format!("{}, {}", forged.right, forged.not_bound));
    figures.row("wall time", format!("{:.0} s", began.elapsed().as_secs_f64()));
    assert!(forged.accepted.is_empty() && forged.not_bound == 0, "{forged:?}");
}

/// The second part begins as the carrier comes back: it has ten minutes.
fn darkness(figures: &mut Figures) {
    let trunks = 1_000;
    let dark = Act::Dark { carrier: 0, node: None, cut: Cut::Both, lasts: HOUR };
    let plan = Plan {
        trunks,
        expires: Some(600),
        chaos: MINUTE * 80,
        heal: MINUTE * 10,
        registers_per_second: 50,
        in_flight: 100,
        ..Plan::calm(1)
    };
    let report = sim::run(plan.then(MINUTE * 20, dark));
    figures.section("A carrier dark for an hour: 1,000 trunks, expiry 600 s, 50 REGISTER/s");
    figures.row("bindings that lapsed meanwhile", report.lapses.unreachable);
    figures.row("most tries of one trunk within 30 s once its binding had lapsed", report.tries_in_the_dark);
    figures
        .row("everything bound after its return", report.healed_after.map_or("no".into(), |after| format!("{:.0} s", after.as_secs_f64())));
    figures.row("most REGISTER datagrams within one second (60 are a fifth above the rate)", report.busiest_second);
    figures.row("broken rules", report.broken.values().sum::<u64>());
    assert!(report.broken.is_empty() && report.tries_in_the_dark <= 1, "{report}");
    assert!(report.healed_after.is_some_and(|after| after <= MINUTE * 10), "{report}");
}

fn weather(figures: &mut Figures) {
    let plan = Plan {
        trunks: 1_000,
        expires: Some(300),
        weather: Weather::FOUL,
        chaos: HOUR * 6,
        registers_per_second: 200,
        in_flight: 400,
        ..Plan::calm(0)
    };
    let sum = sim::sweep(&plan, 20, 1, |_, _| {});
    figures.section("30 % loss, 10 % duplicates, 10 % overtaken, up to 2 s of delay, each way: 1,000 registrations, expiry 300 s, 6 h");
    figures.row("seeds", sum.seeds);
    figures.row("bindings granted", sum.granted);
    figures.row("datagrams sent", sum.datagrams);
    figures.row("bindings that lapsed", sum.lapses.total());
    figures.row("seeds with a broken rule", sum.broken.len());
    figures.row("wall time, one thread", format!("{:.0} s", sum.took.as_secs_f64()));
    assert_eq!((sum.lapses.total(), sum.broken.len()), (0, 0), "{sum}");
}

fn nights(figures: &mut Figures) {
    let seeds = std::env::var("TRUNKLINE_SEEDS").map_or(2_000, |seeds| seeds.parse().expect("a number of seeds"));
    let sum = sim::sweep(&Plan::night(0), seeds, 1, |report, sum| {
        if !report.broken.is_empty() {
            eprintln!("{report}");
        }
        if sum.seeds.is_multiple_of(25) {
            eprintln!("  {} of {seeds} seeds, {} broke a rule, {:.0} s", sum.seeds, sum.broken.len(), sum.took.as_secs_f64());
        }
    });
    figures.section("Bad days: 200 trunks at 3 carriers, 6 h of faults, then all heals");
    figures.row("seeds (of the 2,000 that are asked for)", sum.seeds);
    figures.row("simulated hours", format!("{:.0}", sum.simulated.as_secs_f64() / 3600.0));
    figures.row("REGISTER requests", sum.registers);
    figures.row("datagrams sent", sum.datagrams);
    figures.row(
        "bindings granted, lapsed, lapsed for a late refresh",
        format!("{}, {}, {}", sum.granted, sum.lapses.total(), sum.lapses.late),
    );
    figures.row("restarts in order, and crashes", format!("{}, {}", sum.restarts.0, sum.restarts.1));
    figures.row("seeds that broke a rule", sum.broken.len());
    figures.row("wall time, one thread", format!("{:.0} s", sum.took.as_secs_f64()));
    assert_eq!(sum.broken, [] as [u64; 0], "{sum}");
}
