use std::collections::VecDeque;
use std::time::Duration;

use ua::Instant;

const SECOND: Duration = Duration::from_secs(1);

/// What a carrier was sent lately.
#[derive(Debug)]
pub struct Pace {
    rate: u32,
    in_flight: u32,
    sent: VecDeque<Instant>,
    open: u32,
}

impl Pace {
    /// Begins with a carrier's limits.
    pub fn new(rate: u32, in_flight: u32) -> Self {
        Pace { rate, in_flight, sent: VecDeque::new(), open: 0 }
    }

    /// Counts a registration's REGISTER datagram. Returns how many went within a second up to now.
    pub fn datagram(&mut self, now: Instant) -> usize {
        while self.sent.front().is_some_and(|&at| now.since(at) >= SECOND) {
            self.sent.pop_front();
        }
        self.sent.push_back(now);
        self.sent.len()
    }

    /// The most datagrams that a second may see: a fifth above the rate (design section 10), because answers to challenges come when they
    /// come, and a request with its answer more.
    pub fn limit(&self) -> usize {
        (self.rate + self.rate / 5 + 2) as usize
    }

    /// Counts a transaction that begins. Returns whether that is one too many.
    pub fn begins(&mut self) -> bool {
        self.open += 1;
        self.open > self.in_flight
    }

    /// Counts a transaction that has ended.
    pub fn ends(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// The edge has stopped.
    pub fn stopped(&mut self) {
        self.open = 0;
    }

    /// Returns how many are open.
    pub fn open(&self) -> u32 {
        self.open
    }
}
