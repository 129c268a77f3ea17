//! How many REGISTERs of each carrier's trunks are accepted and how many fail, minute by minute, and how long they take: the last hours, in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use link::{TrunkStatus, UnixMicros};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts};

/// So many minutes are kept.
pub const MINUTES_KEPT: u32 = 6 * 60;
/// So many pairs of carrier and edge are counted; more are not, so that memory has a bound (some 12 MB).
const SERIES_MAX: usize = 1024;
/// A minute in microseconds.
const MINUTE: i64 = 60_000_000;

/// Upper bounds of round trips in seconds: a registrar next door, one across an ocean, and Timer F.
const TRIP_SECONDS: [f64; 9] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 4.0, 32.0];

/// The counts of each carrier at each edge.
#[derive(Debug)]
pub(super) struct Rates {
    carriers: HashMap<Arc<str>, Vec<Series>>,
    series: usize,
    /// The same since the start, for Prometheus.
    exchanges: IntCounterVec,
    trips: HistogramVec,
}

impl Default for Rates {
    fn default() -> Self {
        let exchanges = Opts::new(
            "trunkline_registers_total",
            "REGISTERs that ended, the challenge before one included: accepted, or failed. Verifications are not counted.",
        );
        let trips = HistogramOpts::new(
            "trunkline_register_round_trip_seconds",
            "Round trips of accepted REGISTERs, the last of those of a trunk that are reported together.",
        );
        Rates {
            carriers: HashMap::new(),
            series: 0,
            exchanges: IntCounterVec::new(exchanges, &["carrier", "edge", "outcome"]).expect("names of Prometheus's form"),
            trips: HistogramVec::new(trips.buckets(TRIP_SECONDS.to_vec()), &["carrier", "edge"]).expect("names of Prometheus's form"),
        }
    }
}

#[derive(Debug)]
struct Series {
    edge: Arc<str>,
    accepted: IntCounter,
    failed: IntCounter,
    trips: Histogram,
    /// Only those in which something happened, oldest first.
    minutes: VecDeque<(i64, Counted)>,
}

/// What is counted of a minute. An exchange is a REGISTER with its final answer, the challenge before it included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Exchanges that the registrar accepted.
    pub accepted: u32,
    /// Exchanges that it refused, or did not answer.
    pub failed: u32,
    /// Accepted ones whose round trip is known; several of a trunk that are reported together count once.
    pub timed: u32,
    /// The longest round trip, in milliseconds.
    pub longest_ms: u32,
    /// All round trips together, in milliseconds.
    pub total_ms: u64,
}

impl Counted {
    /// Returns the mean round trip in milliseconds, if one is known.
    pub fn mean_ms(&self) -> Option<u64> {
        self.total_ms.checked_div(self.timed.into())
    }

    /// What lies between two statuses of a trunk. Where there was none before, what an edge tells of its past is not counted.
    pub(super) fn between(before: Option<&TrunkStatus>, after: &TrunkStatus, now: UnixMicros) -> Self {
        let since = |was: u64, is: u64| if is >= was { is - was } else { is };
        let (refreshes, failures) = match before {
            Some(before) => {
                (since(before.refreshes, after.refreshes), since(before.consecutive_failures.into(), after.consecutive_failures.into()))
            }
            None => (0, after.consecutive_failures.into()),
        };
        let bound_before = before.and_then(|before| before.registered_at);
        let bound = after.registered_at.is_some_and(|at| bound_before != Some(at) && now - at < MINUTE);
        Counted::new(refreshes + u64::from(bound), failures, after.round_trip_ms)
    }

    pub(super) fn new(accepted: u64, failed: u64, round_trip_ms: Option<u32>) -> Self {
        let timed = round_trip_ms.filter(|_| accepted > 0);
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        Counted {
            accepted: narrow(accepted),
            failed: narrow(failed),
            timed: timed.is_some().into(),
            longest_ms: timed.unwrap_or_default(),
            total_ms: timed.unwrap_or_default().into(),
        }
    }

    fn add(&mut self, other: &Counted) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.failed = self.failed.saturating_add(other.failed);
        self.timed = self.timed.saturating_add(other.timed);
        self.longest_ms = self.longest_ms.max(other.longest_ms);
        self.total_ms = self.total_ms.saturating_add(other.total_ms);
    }
}

impl Rates {
    /// Counts something of a carrier at an edge.
    pub(super) fn count(&mut self, carrier: &Arc<str>, edge: &Arc<str>, now: UnixMicros, counted: &Counted) {
        if counted.accepted == 0 && counted.failed == 0 {
            return;
        }
        let minute = now.div_euclid(MINUTE);
        let full = self.series >= SERIES_MAX;
        let all = match self.carriers.get_mut(carrier) {
            Some(all) => all,
            None if full => return,
            None => self.carriers.entry(Arc::clone(carrier)).or_default(),
        };
        let series = match all.iter().position(|series| series.edge == *edge) {
            Some(place) => &mut all[place],
            None if !full => {
                self.series += 1;
                all.push(Series {
                    edge: Arc::clone(edge),
                    accepted: self.exchanges.with_label_values(&[&**carrier, &**edge, "accepted"]),
                    failed: self.exchanges.with_label_values(&[&**carrier, &**edge, "failed"]),
                    trips: self.trips.with_label_values(&[&**carrier, &**edge]),
                    minutes: VecDeque::new(),
                });
                let last = all.len() - 1;
                &mut all[last]
            }
            None => return,
        };
        series.accepted.inc_by(counted.accepted.into());
        series.failed.inc_by(counted.failed.into());
        if counted.timed > 0 {
            series.trips.observe(f64::from(counted.longest_ms) / 1_000.0);
        }
        match series.minutes.back_mut() {
            // A clock that is set back adds to the latest minute.
            Some((latest, count)) if *latest >= minute => count.add(counted),
            Some(_) | None => series.minutes.push_back((minute, *counted)),
        }
        while series.minutes.front().is_some_and(|(oldest, _)| *oldest <= minute - i64::from(MINUTES_KEPT)) {
            series.minutes.pop_front();
        }
    }

    /// What was counted since the start.
    pub(super) fn counted(&self) -> Vec<MetricFamily> {
        [self.exchanges.collect(), self.trips.collect()].concat()
    }

    /// Adds up the last minutes, this one included, of all that fit: by the minute's beginning, those in which something happened.
    pub(super) fn sum(&self, now: UnixMicros, minutes: u32, mut fits: impl FnMut(&str, &str) -> bool) -> BTreeMap<UnixMicros, Counted> {
        let first = now.div_euclid(MINUTE) - i64::from(minutes) + 1;
        let mut sum: BTreeMap<UnixMicros, Counted> = BTreeMap::new();
        for (carrier, all) in &self.carriers {
            for series in all.iter().filter(|series| fits(carrier, &series.edge)) {
                for (minute, counted) in series.minutes.iter().filter(|(minute, _)| *minute >= first) {
                    sum.entry(minute * MINUTE).or_default().add(counted);
                }
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use link::RegistrationState::{Registered, RetryWait};

    use super::super::tests::status;
    use super::*;

    #[test]
    fn what_an_edge_tells_is_counted_once_and_its_past_is_not() {
        let now = 100 * MINUTE;
        let of = |refreshes, failures, registered_at| TrunkStatus {
            refreshes,
            consecutive_failures: failures,
            registered_at,
            round_trip_ms: Some(40),
            ..status("t1", 1, Registered)
        };
        let counts = |before: Option<&TrunkStatus>, after: &TrunkStatus| {
            let counted = Counted::between(before, after, now);
            (counted.accepted, counted.failed, counted.mean_ms())
        };
        // It was bound long before the control plane came, and refreshed many times.
        assert_eq!(counts(None, &of(900, 0, Some(1))), (0, 0, None));
        // Its first binding, seen at once.
        assert_eq!(counts(None, &of(0, 0, Some(now - 1))), (1, 0, Some(40)));
        assert_eq!(counts(Some(&of(0, 0, Some(now - 1))), &of(3, 0, Some(now - 1))), (3, 0, Some(40)));
        // The edge began to count anew.
        assert_eq!(counts(Some(&of(7, 0, Some(1))), &of(1, 0, Some(1))), (1, 0, Some(40)));
        let failed = TrunkStatus { consecutive_failures: 2, ..status("t1", 1, RetryWait) };
        assert_eq!(counts(Some(&of(7, 0, None)), &failed), (0, 2, None));
        assert_eq!(counts(Some(&failed), &failed), (0, 0, None));
    }

    #[test]
    fn minutes_are_added_up_and_only_the_last_hours_are_kept() {
        let mut rates = Rates::default();
        let (a, b, e1, e2): (Arc<str>, Arc<str>, Arc<str>, Arc<str>) = ("a".into(), "b".into(), "e1".into(), "e2".into());
        let one = |trip| Counted::new(1, 0, Some(trip));
        rates.count(&a, &e1, 5 * MINUTE + 7, &one(10));
        rates.count(&a, &e1, 5 * MINUTE + 9, &one(30));
        rates.count(&a, &e2, 6 * MINUTE, &Counted::new(0, 1, Some(99)));
        rates.count(&b, &e1, 6 * MINUTE, &one(50));
        rates.count(&b, &e1, 4 * MINUTE, &one(70));
        let all = rates.sum(6 * MINUTE + 1, 2, |_, _| true);
        let shown: Vec<_> = all.iter().map(|(at, of)| (at / MINUTE, of.accepted, of.failed, of.mean_ms(), of.longest_ms)).collect();
        assert_eq!(shown, [(5, 2, 0, Some(20), 30), (6, 2, 1, Some(60), 70)]);
        assert_eq!(rates.sum(6 * MINUTE, 1, |_, _| true).len(), 1);
        assert_eq!(rates.sum(6 * MINUTE, 9, |carrier, edge| (carrier, edge) == ("a", "e2")).len(), 1);
        let much_later = (5 + i64::from(MINUTES_KEPT)) * MINUTE;
        rates.count(&a, &e1, much_later, &one(1));
        assert_eq!(rates.carriers[&a][0].minutes.len(), 1);
    }

    #[test]
    fn carriers_without_end_take_memory_with_one() {
        let mut rates = Rates::default();
        let edge: Arc<str> = "e".into();
        for n in 0..3 * SERIES_MAX {
            rates.count(&n.to_string().into(), &edge, 0, &Counted::new(1, 0, None));
        }
        assert_eq!(rates.sum(0, 1, |_, _| true)[&0].accepted as usize, SERIES_MAX);
        assert_eq!(rates.carriers.len(), SERIES_MAX);
    }
}
