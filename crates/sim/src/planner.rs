//! Capacity planning: what a fleet of edges asks of its carriers, second by second, while something happens to it.
//!
//! A lane (one carrier in one shard of one edge) follows the user agent's own pace, slots, patience and back-off ([`ua::planning`]) without
//! messages: ten million trunks take minutes, where the whole user agent would take hours. A test holds it to the whole ([`crate::run`]).

mod costs;
mod fleet;
mod forecast;
mod lane;

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

pub use ua::NonceReuse;
use ua::Pacing;

pub use costs::{CYCLE_SECONDS, REFRESH_SECONDS, REGISTRATION_BYTES, TRANSACTION_SECONDS};
pub use fleet::{BEFORE, CarrierPlan, Event, Fleet, FleetFault, Limits, Memory};
pub use forecast::{Forecast, Outlook};

use self::forecast::Tally;
use self::lane::Lane;

/// A lane costs something however few trunks it has; and so does a second of a carrier.
const LANES_MAX: u64 = 200_000;
const SECONDS_MAX: u64 = 20_000_000;

/// Plans a fleet on so many threads. `goes_on` is asked now and then, with how much of it is done (0 to 1).
///
/// # Errors
/// Where the fleet cannot be planned within the limits, or `goes_on` ends it.
pub fn forecast(fleet: &Fleet, limits: &Limits, threads: usize, goes_on: &(dyn Fn(f64) -> bool + Sync)) -> Result<Forecast, PlannerFault> {
    fleet.check(limits).map_err(PlannerFault::Fleet)?;
    let lasts = fleet.lasts();
    let carriers = fleet.carriers.len() as u64;
    if u64::from(fleet.edges) * u64::from(fleet.shards) * carriers > LANES_MAX || lasts.as_secs() * carriers > SECONDS_MAX {
        return Err(PlannerFault::TooLarge);
    }
    let total: u64 = fleet.carriers.iter().map(|carrier| carrier.trunks).sum();
    let work = Work {
        fleet,
        next: AtomicU32::new(0),
        done: AtomicU64::new(0),
        total,
        sums: Mutex::new((fleet.carriers.iter().map(|_| Tally::new(lasts)).collect(), 0)),
        goes_on,
    };
    let threads = threads.clamp(1, fleet.edges as usize);
    let finished = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(|| work.edges())).collect();
        running.into_iter().all(|thread| thread.join().is_ok_and(|finished| finished))
    });
    if !finished {
        return Err(PlannerFault::Stopped);
    }
    let (tallies, busiest_edge) = work.sums.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(Forecast::new(fleet, &tallies, busiest_edge))
}

/// What the threads share.
struct Work<'a> {
    fleet: &'a Fleet,
    next: AtomicU32,
    /// Trunk-seconds that are planned.
    done: AtomicU64,
    total: u64,
    sums: Mutex<(Vec<Tally>, u32)>,
    goes_on: &'a (dyn Fn(f64) -> bool + Sync),
}

impl Work<'_> {
    /// Plans edges until none is left. Tells whether it came to that.
    fn edges(&self) -> bool {
        loop {
            let edge = self.next.fetch_add(1, Ordering::Relaxed);
            if edge >= self.fleet.edges {
                return true;
            }
            if !self.edge(edge) {
                // The others need not begin another.
                self.next.store(self.fleet.edges, Ordering::Relaxed);
                return false;
            }
        }
    }

    fn edge(&self, edge: u32) -> bool {
        let fleet = self.fleet;
        let lasts = fleet.lasts();
        let mut all = Tally::new(lasts);
        let mut tallies: Vec<(usize, Tally)> = Vec::new();
        for (index, carrier) in fleet.carriers.iter().enumerate() {
            let serving = carrier.edges.unwrap_or(fleet.edges);
            // Carriers at few edges do not all lie at the first ones.
            let place = (edge + index as u32 % fleet.edges) % fleet.edges;
            if place >= serving {
                continue;
            }
            let mut tally = Tally::new(lasts);
            for shard in 0..fleet.shards {
                let lane = u64::from(place) * u64::from(fleet.shards) + u64::from(shard);
                let trunks = part(carrier.trunks, u64::from(serving) * u64::from(fleet.shards), lane);
                let of = |whole: u32| u32::try_from(part(whole.into(), fleet.shards.into(), shard.into()).max(1)).unwrap_or(u32::MAX);
                let pacing = Pacing { registers_per_second: of(carrier.registers_per_second), in_flight: of(carrier.in_flight) };
                let seed = fleet.seed ^ (u64::from(edge) << 40) ^ ((index as u64) << 8) ^ u64::from(shard);
                let mut before = 0u64;
                let mut told = |at: Duration| {
                    let so_far = trunks * at.as_secs();
                    let sum = self.done.fetch_add(so_far - before, Ordering::Relaxed) + so_far - before;
                    before = so_far;
                    (self.goes_on)((sum as f64 / (self.total as f64 * lasts.as_secs_f64())).min(1.0))
                };
                let ran = Lane::new(carrier, &fleet.event, trunks as u32, pacing, seed, &mut tally).run(&mut told);
                if ran.is_err() || !told(lasts) {
                    return false;
                }
            }
            all.add(&tally);
            tallies.push((index, tally));
        }
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, tally) in &tallies {
            sums.0[*index].add(tally);
        }
        sums.1 = sums.1.max(all.busiest());
        true
    }
}

/// The part of a whole that the one with this index gets.
fn part(whole: u64, of: u64, index: u64) -> u64 {
    whole / of + u64::from(index < whole % of)
}

/// Why nothing was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlannerFault {
    /// The fleet cannot be planned.
    Fleet(FleetFault),
    /// Too many edges, shards and carriers at once, or too long a time for so many carriers.
    TooLarge,
    /// It was ended from outside, as by a deadline.
    Stopped,
}

impl fmt::Display for PlannerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlannerFault::Fleet(fault) => fault.fmt(f),
            PlannerFault::TooLarge => {
                write!(f, "edges x shards x carriers is more than {LANES_MAX}, or seconds x carriers more than {SECONDS_MAX}")
            }
            PlannerFault::Stopped => write!(f, "the plan was not finished in the time that it had; plan fewer trunks, or a shorter time"),
        }
    }
}

impl std::error::Error for PlannerFault {}
