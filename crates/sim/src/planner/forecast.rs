//! What comes of a plan.

use std::time::Duration;

use super::costs;
use super::fleet::{BEFORE, Event, Fleet};

/// Counts what happens in lanes, by the second.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    lasts: Duration,
    registers: Vec<u32>,
    /// How many more are without a binding than a second before.
    unbound: Vec<i32>,
    retransmissions: u64,
    /// Refreshes in one transaction, and in two.
    plain: u64,
    challenged: u64,
    lapses: u64,
}

impl Tally {
    /// Begins to count for so long.
    pub fn new(lasts: Duration) -> Self {
        let seconds = usize::try_from(lasts.as_secs()).unwrap_or(0) + 1;
        Tally { lasts, registers: vec![0; seconds], unbound: vec![0; seconds + 1], ..Tally::default() }
    }

    /// Returns for how long it counts.
    pub fn lasts(&self) -> Duration {
        self.lasts
    }

    /// A REGISTER datagram goes.
    pub fn register(&mut self, at: Duration, again: bool) {
        if let Some(count) = self.registers.get_mut(second(at)) {
            *count += 1;
        }
        self.retransmissions += u64::from(again);
    }

    /// A binding is granted.
    pub fn granted(&mut self, challenged: bool) {
        if challenged {
            self.challenged += 1;
        } else {
            self.plain += 1;
        }
    }

    /// A binding lapsed, and was there again then.
    pub fn lapsed(&mut self, from: Duration, until: Option<Duration>) {
        self.lapses += 1;
        let last = self.unbound.len() - 1;
        self.unbound[second(from).min(last)] += 1;
        if let Some(until) = until {
            self.unbound[second(until).min(last)] -= 1;
        }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Tally) {
        self.registers.iter_mut().zip(&other.registers).for_each(|(sum, more)| *sum += more);
        self.unbound.iter_mut().zip(&other.unbound).for_each(|(sum, more)| *sum += more);
        self.retransmissions += other.retransmissions;
        self.plain += other.plain;
        self.challenged += other.challenged;
        self.lapses += other.lapses;
    }

    /// Returns the REGISTERs of its busiest second.
    pub fn busiest(&self) -> u32 {
        self.registers.iter().copied().max().unwrap_or(0)
    }
}

fn second(at: Duration) -> usize {
    usize::try_from(at.as_secs()).unwrap_or(usize::MAX)
}

/// What comes of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// What happens, in words.
    pub event: String,
    /// When it begins and when it is over, in seconds of the plan.
    pub between: (u64, u64),
    /// So many edges.
    pub edges: u32,
    /// So many trunks.
    pub trunks: u64,
    /// All carriers together.
    pub all: Outlook,
    /// Each carrier.
    pub carriers: Vec<Outlook>,
    /// The busiest second of any edge, in REGISTERs.
    pub busiest_edge: u32,
    /// CPU of an edge in its busiest second, in cores, and on average.
    pub cores: (f64, f64),
    /// Memory of an edge, in bytes.
    pub memory: u64,
}

/// What a carrier sees, or all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Its name.
    pub name: String,
    /// So many trunks.
    pub trunks: u64,
    /// REGISTERs in each second of the plan.
    pub registers: Vec<u32>,
    /// Trunks without a binding, at the end of each second.
    pub unbound: Vec<u32>,
    /// REGISTER/s before anything happens.
    pub steady: f64,
    /// The busiest second since then, and its REGISTERs.
    pub busiest: (u64, u32),
    /// REGISTERs that were retransmissions.
    pub retransmissions: u64,
    /// Bindings granted with the nonce used again, and after a challenge.
    pub granted: (u64, u64),
    /// Bindings that lapsed.
    pub lapses: u64,
    /// The most trunks without a binding at a time.
    pub most_unbound: u32,
    /// From the event's end until every trunk is bound for good; none where it does not come to that.
    pub recovered: Option<Duration>,
    /// REGISTER/s that the carrier takes, where that is known and was exceeded.
    pub exceeded: Option<u32>,
}

impl Forecast {
    pub(super) fn new(fleet: &Fleet, carriers: &[Tally], busiest_edge: u32) -> Self {
        let lasts = fleet.event.lasts();
        let over = (BEFORE + lasts).as_secs();
        let mut sum = Tally::new(fleet.lasts());
        carriers.iter().for_each(|tally| sum.add(tally));
        let outlook = |name: &str, trunks, tally: &Tally, limit: Option<u32>| Outlook::new(name, trunks, tally, over, limit);
        let trunks = fleet.carriers.iter().map(|carrier| carrier.trunks).sum();
        let spent = sum.plain as f64 * costs::REFRESH_SECONDS + sum.challenged as f64 * costs::CYCLE_SECONDS;
        let edges = f64::from(fleet.edges);
        Forecast {
            event: fleet.event.to_string(),
            between: (BEFORE.as_secs(), over),
            edges: fleet.edges,
            trunks,
            all: outlook("all", trunks, &sum, None),
            carriers: fleet
                .carriers
                .iter()
                .zip(carriers)
                .map(|(plan, tally)| outlook(&plan.name, plan.trunks, tally, plan.limit))
                .collect(),
            busiest_edge,
            cores: (f64::from(busiest_edge) * costs::TRANSACTION_SECONDS, spent / edges / fleet.lasts().as_secs_f64()),
            memory: trunks.div_ceil(fleet.edges.into()).saturating_mul(costs::REGISTRATION_BYTES),
        }
    }

    /// Tells whether something of it calls for a change: bindings lapse, or a carrier gets more than it takes.
    pub fn warns(&self, event: &Event) -> bool {
        let lapses = self.all.lapses > 0 && !matches!(event, Event::Outage { .. });
        lapses || self.carriers.iter().any(|carrier| carrier.exceeded.is_some() || carrier.recovered.is_none())
    }
}

impl Outlook {
    fn new(name: &str, trunks: u64, tally: &Tally, over: u64, limit: Option<u32>) -> Self {
        let before = second(BEFORE).min(tally.registers.len());
        let mut left = 0i64;
        let levels = tally.unbound.iter().map(|step| {
            left += i64::from(*step);
            u32::try_from(left.max(0)).unwrap_or(u32::MAX)
        });
        let unbound: Vec<u32> = levels.take(tally.registers.len()).collect();
        // The last one ends where the plan does.
        let whole = &tally.registers[..tally.registers.len().saturating_sub(1)];
        let steady = whole[..before.min(whole.len())].iter().map(|&count| f64::from(count)).sum::<f64>() / before.max(1) as f64;
        let mut busiest = (0, 0);
        for (at, &count) in (0u64..).zip(whole).skip(before) {
            if count > busiest.1 {
                busiest = (at, count);
            }
        }
        let last_unbound = unbound.iter().rposition(|&count| count > 0).map(|at| at as u64);
        let recovered = match last_unbound {
            Some(at) if at as usize + 1 >= unbound.len() => None,
            Some(at) => Some(Duration::from_secs((at + 1).saturating_sub(over))),
            None => Some(Duration::ZERO),
        };
        Outlook {
            name: name.to_owned(),
            trunks,
            steady,
            busiest,
            retransmissions: tally.retransmissions,
            granted: (tally.plain, tally.challenged),
            lapses: tally.lapses,
            most_unbound: unbound.iter().copied().max().unwrap_or(0),
            recovered,
            exceeded: limit.filter(|&limit| whole.iter().any(|&count| count > limit)),
            registers: whole.to_vec(),
            unbound,
        }
    }
}
