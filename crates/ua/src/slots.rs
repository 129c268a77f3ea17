//! How many refreshes each second to come has, so that they spread evenly.

use std::time::Duration;

use crate::Instant;
use crate::chance::Jitter;

const SECOND: u64 = 1_000_000;
/// So many seconds are counted apart; what is due later shares their counts.
const SECONDS: usize = 4096;
/// So many seconds are drawn from a window...
const DRAWS: usize = 4;
/// ... and each looks around itself so far. Levelling so, near and by chance, neither leaves the ripples that chance alone does nor keeps for
/// ever the wave that a start of everything at once begins with, as filling the emptiest second of all would.
const AROUND: u64 = 8;

/// A ring of counts, one a second. A refresh that does not take place, because another came sooner, stays counted until its second has passed.
#[derive(Debug, Default)]
pub struct Slots {
    counts: Vec<u16>,
    passed: u64,
}

impl Slots {
    /// Takes a time between `low` and `high` in the least loaded second; `now` where both have passed.
    pub fn take(&mut self, now: Instant, low: Instant, high: Instant, jitter: &mut Jitter) -> Instant {
        let low = low.max(now);
        if high <= low {
            return low;
        }
        self.pass(now);
        let (first, last) = (second_of(low), second_of(high));
        let drawn = low + jitter.between(Duration::ZERO, low.until(high));
        let mut best = self.least(first, last, second_of(drawn));
        for _ in 1..DRAWS {
            let other = second_of(low + jitter.between(Duration::ZERO, low.until(high)));
            let other = self.least(first, last, other);
            if self.counts[index(other)] < self.counts[index(best)] {
                best = other;
            }
        }
        let count = &mut self.counts[index(best)];
        *count = count.saturating_add(1);
        // As far into that second as was drawn.
        let within = Duration::from_micros(drawn.micros() % SECOND);
        (Instant::from_micros(best * SECOND) + within).clamp(low, high)
    }

    /// Returns the least loaded second of the window around one, the nearest if several are.
    fn least(&self, first: u64, last: u64, around: u64) -> u64 {
        let (mut best, mut count) = (around, self.counts[index(around)]);
        let mut try_one = |second: u64| {
            let other = self.counts[index(second)];
            if other < count {
                (best, count) = (second, other);
            }
        };
        for apart in 1..=AROUND {
            // The sooner of two as near.
            if around - first >= apart {
                try_one(around - apart);
            }
            if last - around >= apart {
                try_one(around + apart);
            }
        }
        best
    }

    /// Forgets the seconds that have passed.
    fn pass(&mut self, now: Instant) {
        let second = second_of(now);
        if self.counts.is_empty() {
            self.counts = vec![0; SECONDS];
            self.passed = second;
        }
        let gone = (second.saturating_sub(self.passed)).min(SECONDS as u64);
        for back in 0..gone {
            self.counts[index(second - back - 1)] = 0;
        }
        self.passed = second;
    }
}

fn second_of(at: Instant) -> u64 {
    at.micros() / SECOND
}

fn index(second: u64) -> usize {
    usize::try_from(second % SECONDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_second_is_hardly_busier_than_the_mean() {
        let (mut slots, mut jitter) = (Slots::default(), Jitter::new(5));
        let hour = Duration::from_secs(3600);
        let plan = |slots: &mut Slots, jitter: &mut Jitter, at: Instant| slots.take(at, at + hour / 2, at + hour * 3 / 4, jitter);
        let mut due = std::collections::BTreeMap::<Instant, u32>::new();
        // All at once, as after a start.
        for _ in 0..20_000 {
            *due.entry(plan(&mut slots, &mut jitter, Instant::from_micros(7_000_000))).or_default() += 1;
        }
        let mut seconds = std::collections::BTreeMap::<u64, u32>::new();
        while let Some((at, count)) = due.pop_first() {
            if at > Instant::from_micros(0) + hour * 10 {
                continue;
            }
            *seconds.entry(at.micros() / SECOND).or_default() += count;
            for _ in 0..count {
                *due.entry(plan(&mut slots, &mut jitter, at)).or_default() += 1;
            }
        }
        let busiest = |from: u64, to: u64| {
            let counts: Vec<u32> = seconds.range(from..to).map(|(_, &count)| count).collect();
            let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
            f64::from(*counts.iter().max().unwrap()) / mean
        };
        assert!(busiest(1810, 2700) <= 1.05, "{}", busiest(1810, 2700));
        // Later it spreads over all seconds; what was a wave at first fades.
        assert!(busiest(28_800, 36_000) <= 1.2, "{}", busiest(28_800, 36_000));
    }

    #[test]
    fn a_window_that_has_passed_is_now() {
        let now = Instant::from_micros(10_000_000);
        let second = Duration::from_secs(1);
        assert_eq!(Slots::default().take(now, now - second * 2, now - second, &mut Jitter::new(1)), now);
    }
}
