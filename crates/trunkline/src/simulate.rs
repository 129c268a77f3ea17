use std::process::ExitCode;

use clap::Args;
use sim::{Plan, Report};

use crate::failure::Failure;
use crate::say::{say, say_raw};

/// The flags of `trunkline simulate`. What is left out is drawn from the seed, or is that of an ordinary bad day.
#[derive(Args, Default)]
pub struct SimulateArgs {
    /// Where all chance comes from: the same flags and seed give the same run.
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Simulates so many seeds, from --seed on.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// On so many threads.
    #[arg(long, value_name = "N", default_value_t = 1)]
    jobs: usize,
    /// The nightly size: 200 trunks, 6 hours, 50 REGISTER/s and 100 in flight at each carrier.
    #[arg(long)]
    night: bool,
    /// A fair day at one friendly carrier.
    #[arg(long)]
    calm: bool,
    /// 30 % loss, 10 % duplicates, 10 % overtaken, up to 2 s of delay.
    #[arg(long)]
    foul: bool,
    /// So many trunks, spread over the carriers [default: 50].
    #[arg(long, value_name = "N")]
    trunks: Option<String>,
    /// So many carriers [default: 3].
    #[arg(long, value_name = "N")]
    carriers: Option<String>,
    /// So long things go wrong [default: 1].
    #[arg(long, value_name = "H")]
    hours: Option<String>,
    /// So long they may take to heal [default: 40].
    #[arg(long, value_name = "M")]
    heal_minutes: Option<String>,
    /// How often things go wrong; 0 is never [default: 1].
    #[arg(long, value_name = "X")]
    faults: Option<String>,
    /// Share of datagrams that are lost, 0 to 1.
    #[arg(long, value_name = "P")]
    loss: Option<String>,
    /// Share of datagrams that come twice.
    #[arg(long, value_name = "P")]
    duplicates: Option<String>,
    /// Share of datagrams that are overtaken.
    #[arg(long, value_name = "P")]
    reorder: Option<String>,
    /// The longest time that a datagram takes.
    #[arg(long, value_name = "MS")]
    delay_ms: Option<String>,
    /// Seconds that registrations ask for.
    #[arg(long, value_name = "S")]
    expires: Option<String>,
    /// Rows of docs/design/carriers.md that every carrier follows, such as C1,B4.
    #[arg(long, value_name = "ROWS")]
    rows: Option<String>,
    /// REGISTER datagrams per second at each carrier.
    #[arg(long, value_name = "N")]
    rate: Option<String>,
    /// REGISTER transactions in flight at each carrier.
    #[arg(long, value_name = "N")]
    in_flight: Option<String>,
    /// Addresses of each carrier.
    #[arg(long, value_name = "N")]
    nodes: Option<String>,
    /// Forged answers per second.
    #[arg(long, value_name = "N")]
    forged: Option<String>,
    /// Prints every message and state of this trunk, by its number.
    #[arg(long, value_name = "TRUNK")]
    trace: Option<String>,
}

impl SimulateArgs {
    /// Returns the words of the plan.
    fn words(&self) -> Vec<String> {
        let mut words = vec!["--seed".to_owned(), self.seed.to_string()];
        let switches = [("--night", self.night), ("--calm", self.calm), ("--foul", self.foul)];
        words.extend(switches.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()));
        let values = [
            ("--trunks", &self.trunks),
            ("--carriers", &self.carriers),
            ("--hours", &self.hours),
            ("--heal-minutes", &self.heal_minutes),
            ("--faults", &self.faults),
            ("--loss", &self.loss),
            ("--duplicates", &self.duplicates),
            ("--reorder", &self.reorder),
            ("--delay-ms", &self.delay_ms),
            ("--expires", &self.expires),
            ("--rows", &self.rows),
            ("--rate", &self.rate),
            ("--in-flight", &self.in_flight),
            ("--nodes", &self.nodes),
            ("--forged", &self.forged),
            ("--trace", &self.trace),
        ];
        for (name, value) in values {
            words.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
        }
        words
    }
}

/// Simulates, and tells what happened. Exit code 1 where a rule was broken.
pub fn run(args: &SimulateArgs) -> Result<ExitCode, Failure> {
    let plan = Plan::parse(args.words()).map_err(|error| Failure::Settings(error.to_string()))?;
    if let Some(row) = plan.rows.iter().flatten().find(|row| carrier::rows().iter().all(|known| known.name != **row)) {
        return Err(Failure::Settings(format!("{row} is no row; docs/guide/lab-carrier.md lists them")));
    }
    let single = args.seeds == 1;
    let sum = sim::sweep(&plan, args.seeds, args.jobs, |report, sum| {
        if single {
            say_raw(told(report));
        } else if !report.broken.is_empty() || sum.seeds.is_multiple_of(100) {
            say(format!("{} of {} seeds, {} broke a rule{}", sum.seeds, args.seeds, sum.broken.len(), first_fault(report)));
        }
    });
    if !single {
        say(sum.to_string());
        let rest = args.words()[2..].join(" ");
        sum.broken.iter().for_each(|seed| say(format!("  trunkline simulate --seed {seed} {rest}").trim_end()));
    }
    Ok(if sum.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn first_fault(report: &Report) -> String {
    report.violations.first().map_or(String::new(), |fault| format!("; seed {}: {:?}, {}", report.seed, fault.rule, fault.what))
}

/// One run: its carriers, its story, the traced trunk, the summary.
fn told(report: &Report) -> String {
    let section = |title: &str, lines: &[String]| {
        let body: String = lines.iter().map(|line| format!("  {line}\n")).collect();
        if lines.is_empty() { String::new() } else { format!("{title}\n{body}\n") }
    };
    let carriers = if report.broken.is_empty() { section("Carriers", &report.carriers) } else { String::new() };
    format!("{carriers}{}{}{report}", section("What happened", &report.story), section("The traced trunk", &report.traced))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_make_the_plan_that_they_name() {
        let args = SimulateArgs { seed: 7, night: true, loss: Some("0.5".into()), trace: Some("3".into()), ..SimulateArgs::default() };
        let mut expected = Plan::night(7);
        expected.weather.loss = 0.5;
        expected.traced = Some(3);
        assert_eq!(Plan::parse(args.words()), Ok(expected));
    }

    #[test]
    fn a_story_names_carriers_faults_and_the_traced_trunk() {
        let plan = Plan { trunks: 2, chaos: std::time::Duration::from_secs(1800), traced: Some(1), ..Plan::new(3) };
        let text = told(&sim::run(plan));
        for part in [
            "Carriers\n",
            "What happened\n",
            "all is well from now on",
            "The traced trunk\n",
            "-> REGISTER CSeq 1",
            "rules      none broken",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
