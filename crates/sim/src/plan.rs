//! What is to be simulated.

use std::fmt;
use std::time::Duration;

use crate::Act;

/// What the network does to datagrams, each way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// Probability that a datagram is lost.
    pub loss: f64,
    /// Probability that it comes twice.
    pub duplicates: f64,
    /// Probability that it is held back for up to a second, so that later ones overtake it.
    pub reorder: f64,
    /// It takes up to so long; every time is as likely.
    pub delay: Duration,
}

impl Weather {
    /// Nothing is lost, and everything arrives within 40 ms.
    pub const FAIR: Weather = Weather { loss: 0.0, duplicates: 0.0, reorder: 0.0, delay: Duration::from_millis(40) };
    /// 30 % loss, 10 % duplicates, 10 % reorder, up to 2 s of delay (carriers.md N4).
    pub const FOUL: Weather = Weather { loss: 0.3, duplicates: 0.1, reorder: 0.1, delay: Duration::from_secs(2) };
}

/// What is to be simulated. The same plan gives the same trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where all chance comes from.
    pub seed: u64,
    /// So many trunks, spread over the carriers.
    pub trunks: u32,
    /// So many carriers.
    pub carriers: u32,
    /// So long goes the first part, in which things go wrong.
    pub chaos: Duration,
    /// In the second part everything is well; by its end every trunk must be bound.
    pub heal: Duration,
    /// How often things go wrong: 1 is a bad day, 0 never.
    pub faults: f64,
    /// The weather of the first part.
    pub weather: Weather,
    /// Seconds that registrations ask for; drawn for each carrier where absent.
    pub expires: Option<u32>,
    /// Rows of `carriers.md` that every carrier follows; drawn for each carrier where absent.
    pub rows: Option<Vec<String>>,
    /// REGISTER datagrams per second at each carrier.
    pub registers_per_second: u32,
    /// REGISTER transactions without a final answer at each carrier.
    pub in_flight: u32,
    /// So many addresses has each carrier; drawn where absent.
    pub nodes: Option<u32>,
    /// Forged answers per simulated second.
    pub forged_per_second: u32,
    /// What happens at its time, beside what chance brings.
    pub script: Vec<(Duration, Act)>,
    /// Every line of this trunk is reported, not only the last ones of a trunk that broke a rule.
    pub traced: Option<u32>,
}

impl Plan {
    /// Plans a bad day: 50 trunks at 3 carriers for an hour, then half an hour to heal.
    pub fn new(seed: u64) -> Self {
        Plan {
            seed,
            trunks: 50,
            carriers: 3,
            chaos: Duration::from_secs(3600),
            heal: Duration::from_secs(2400),
            faults: 1.0,
            weather: Weather { loss: 0.02, duplicates: 0.02, reorder: 0.05, delay: Duration::from_millis(150) },
            expires: None,
            rows: None,
            registers_per_second: 20,
            in_flight: 40,
            nodes: None,
            forged_per_second: 0,
            script: Vec::new(),
            traced: None,
        }
    }

    /// Plans a long bad day, as the nightly run simulates them: 200 trunks for six hours.
    pub fn night(seed: u64) -> Self {
        Plan { trunks: 200, chaos: Duration::from_secs(6 * 3600), registers_per_second: 50, in_flight: 100, ..Plan::new(seed) }
    }

    /// Plans a fair day at one friendly carrier with one address, and nothing that goes wrong but what a script brings.
    pub fn calm(seed: u64) -> Self {
        Plan {
            carriers: 1,
            faults: 0.0,
            weather: Weather::FAIR,
            rows: Some(Vec::new()),
            nodes: Some(1),
            expires: Some(600),
            ..Plan::new(seed)
        }
    }

    /// Reads simple arguments: `--seed N --trunks N --carriers N --hours H --heal-minutes M --faults X --loss P --duplicates P --reorder P
    /// --delay-ms N --expires N --rows C1,B4 --rate N --in-flight N --nodes N --forged N --trace TRUNK`; `--night`, `--calm` and `--foul` set several at once.
    ///
    /// # Errors
    /// The argument that is not understood.
    pub fn parse<S: AsRef<str>>(args: impl IntoIterator<Item = S>) -> Result<Plan, PlanError> {
        let mut plan = Plan::new(0);
        let mut args = args.into_iter();
        while let Some(name) = args.next() {
            let name = name.as_ref().to_owned();
            match name.as_str() {
                "--calm" => plan = Plan { trunks: plan.trunks, chaos: plan.chaos, ..Plan::calm(plan.seed) },
                "--night" => plan = Plan::night(plan.seed),
                "--foul" => plan.weather = Weather::FOUL,
                _ => {
                    let value = args.next().ok_or_else(|| PlanError::Missing(name.clone()))?;
                    plan.set(&name, value.as_ref())?;
                }
            }
        }
        if plan.trunks == 0 || plan.carriers == 0 || plan.registers_per_second == 0 || plan.in_flight == 0 {
            return Err(PlanError::Nothing);
        }
        Ok(plan)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), PlanError> {
        let bad = || PlanError::Malformed { name: name.to_owned(), value: value.to_owned() };
        let number = || value.parse::<u32>().map_err(|_| bad());
        let share = || value.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share)).ok_or_else(bad);
        let amount = || value.parse::<f64>().ok().filter(|amount| (0.0..=10_000.0).contains(amount)).ok_or_else(bad);
        match name {
            "--seed" => self.seed = value.parse().map_err(|_| bad())?,
            "--trunks" => self.trunks = number()?,
            "--carriers" => self.carriers = number()?,
            "--hours" => self.chaos = Duration::from_secs_f64(amount()? * 3600.0),
            "--heal-minutes" => self.heal = Duration::from_secs_f64(amount()? * 60.0),
            "--faults" => self.faults = amount()?,
            "--loss" => self.weather.loss = share()?,
            "--duplicates" => self.weather.duplicates = share()?,
            "--reorder" => self.weather.reorder = share()?,
            "--delay-ms" => self.weather.delay = Duration::from_millis(number()?.into()),
            "--expires" => self.expires = Some(number()?),
            "--rows" => self.rows = Some(value.split(',').filter(|row| !row.is_empty()).map(str::to_owned).collect()),
            "--rate" => self.registers_per_second = number()?,
            "--in-flight" => self.in_flight = number()?,
            "--nodes" => self.nodes = Some(number()?),
            "--forged" => self.forged_per_second = number()?,
            "--trace" => self.traced = Some(number()?),
            _ => return Err(PlanError::Unknown(name.to_owned())),
        }
        Ok(())
    }

    /// The same, with something that happens then.
    #[must_use]
    pub fn then(mut self, at: Duration, act: Act) -> Self {
        self.script.push((at, act));
        self
    }
}

/// Why arguments are no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanError {
    /// No such argument.
    Unknown(String),
    /// An argument without its value.
    Missing(String),
    /// A value that is none for its argument.
    Malformed {
        /// The argument.
        name: String,
        /// Its value.
        value: String,
    },
    /// No trunk, no carrier, or a carrier that may never be asked.
    Nothing,
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Unknown(name) => write!(f, "{name} is no argument of a simulation"),
            PlanError::Missing(name) => write!(f, "{name} wants a value"),
            PlanError::Malformed { name, value } => write!(f, "{value:?} is no value for {name}"),
            PlanError::Nothing => write!(f, "there must be at least one trunk, one carrier, one request per second and one in flight"),
        }
    }
}

impl std::error::Error for PlanError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_make_a_plan() {
        let plan = Plan::parse(["--seed", "7", "--trunks", "200", "--hours", "6", "--foul", "--rows", "C2,B4"]).unwrap();
        assert_eq!((plan.seed, plan.trunks, plan.chaos.as_secs()), (7, 200, 21_600));
        assert_eq!(plan.weather, Weather::FOUL);
        assert_eq!(plan.rows, Some(vec!["C2".to_owned(), "B4".to_owned()]));
    }

    #[test]
    fn what_is_no_plan_is_named() {
        for (args, expected) in [
            (vec!["--sed", "7"], "--sed"),
            (vec!["--seed"], "wants a value"),
            (vec!["--loss", "2"], "\"2\""),
            (vec!["--trunks", "0"], "at least one"),
        ] {
            assert!(Plan::parse(args).unwrap_err().to_string().contains(expected));
        }
    }
}
