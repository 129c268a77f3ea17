use std::time::Duration;

/// REGISTERs are counted by so much time.
pub const SLOT: Duration = Duration::from_millis(100);

/// So many slots are kept: six hours.
const SLOTS_MAX: usize = 216_000;

/// What was counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FastCounts {
    /// REGISTERs without a digest.
    pub challenged: u64,
    /// Digests over a nonce that is not ours, or was used with that count.
    pub stale: u64,
    /// Wrong digests.
    pub wrong: u64,
    /// 2xx.
    pub accepted: u64,
    /// First bindings.
    pub bound_first: u64,
    /// Bindings that were renewed in time.
    pub refreshed: u64,
    /// Bindings that ended because nobody renewed them in time.
    pub lapsed: u64,
    /// Requests whose branch was the user's last.
    pub retransmitted: u64,
    /// Other requests than REGISTER.
    pub others: u64,
    /// Bindings that run.
    pub bound: u64,
    /// REGISTERs by [`SLOT`].
    pub series: Vec<u32>,
}

impl FastCounts {
    pub(super) fn arrived(&mut self, now: Duration) {
        let slot = usize::try_from(now.as_micros() / SLOT.as_micros()).unwrap_or(usize::MAX);
        if slot >= SLOTS_MAX {
            return;
        }
        if slot >= self.series.len() {
            self.series.resize(slot + 1, 0);
        }
        self.series[slot] += 1;
    }

    /// Adds another registrar's.
    pub fn add(&mut self, other: &FastCounts) {
        let FastCounts { challenged, stale, wrong, accepted, bound_first, refreshed, lapsed, retransmitted, others, bound, series } = other;
        let sums = [
            (&mut self.challenged, challenged),
            (&mut self.stale, stale),
            (&mut self.wrong, wrong),
            (&mut self.accepted, accepted),
            (&mut self.bound_first, bound_first),
            (&mut self.refreshed, refreshed),
            (&mut self.lapsed, lapsed),
            (&mut self.retransmitted, retransmitted),
            (&mut self.others, others),
            (&mut self.bound, bound),
        ];
        sums.into_iter().for_each(|(sum, more)| *sum += more);
        if self.series.len() < series.len() {
            self.series.resize(series.len(), 0);
        }
        self.series.iter_mut().zip(series).for_each(|(sum, more)| *sum += more);
    }
}
