//! What becomes of a datagram.

use std::time::Duration;

use crate::Weather;
use crate::chance::Chance;

/// The least that a datagram takes.
const NEAR: Duration = Duration::from_millis(2);
/// A datagram that is overtaken is held back for up to so long.
const HELD_BACK: Duration = Duration::from_secs(1);

/// Datagrams under way: lost, doubled, held back, late.
#[derive(Debug)]
pub struct Network {
    chance: Chance,
    /// What it is like now.
    pub weather: Weather,
}

impl Network {
    /// Makes a network.
    pub fn new(seed: u64, weather: Weather) -> Self {
        Network { chance: Chance::new(seed, "network"), weather }
    }

    /// Draws after which times copies of a datagram arrive; none where it is lost.
    pub fn travel(&mut self) -> Copies {
        let first = self.copy();
        let second = if self.chance.happens(self.weather.duplicates) { self.copy() } else { None };
        Copies { first, second }
    }

    fn copy(&mut self) -> Option<Duration> {
        if self.chance.happens(self.weather.loss) {
            return None;
        }
        let mut delay = self.within(self.weather.delay.max(NEAR));
        if self.chance.happens(self.weather.reorder) {
            delay += self.within(HELD_BACK);
        }
        Some(delay)
    }

    fn within(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.chance.between(1_000, most))
    }
}

/// When copies of a datagram arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copies {
    /// After so long; lost where absent.
    pub first: Option<Duration>,
    /// A duplicate.
    pub second: Option<Duration>,
}

impl Copies {
    /// Walks over the copies that arrive.
    pub fn arriving(self) -> impl Iterator<Item = Duration> {
        [self.first, self.second].into_iter().flatten()
    }

    /// Counts the copies that arrive.
    pub fn count(self) -> u8 {
        u8::from(self.first.is_some()) + u8::from(self.second.is_some())
    }
}
