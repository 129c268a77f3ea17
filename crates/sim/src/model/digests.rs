use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use ua::Instant;

/// The window of the failed-digest budget (carriers.md, back-off).
const WINDOW: Duration = Duration::from_secs(600);
/// A nonce that nobody used for so long is forgotten; longer than any binding.
const NONCE_KEPT: Duration = Duration::from_secs(8 * 3600);

/// Nonces that were asked for, and digests that failed.
#[derive(Debug, Default)]
pub struct Digests {
    nonces: HashMap<Box<str>, Nonce>,
    failures: HashMap<usize, VecDeque<Instant>>,
}

/// A nonce that reached the edge in an answer to a request of its own.
#[derive(Clone, Copy, Debug)]
pub struct Nonce {
    /// The trunk that asked.
    pub trunk: usize,
    /// The address that was asked.
    pub target: SocketAddr,
    /// When it came.
    pub came_at: Instant,
    /// The highest count that was used.
    pub count: u32,
}

impl Digests {
    /// Takes a nonce that came.
    pub fn came(&mut self, nonce: &str, new: Nonce) {
        match self.nonces.get_mut(nonce) {
            // The same challenge again, or a nonce that is repeated.
            Some(known) => known.came_at = new.came_at,
            None => {
                self.nonces.insert(nonce.into(), new);
            }
        }
    }

    /// Finds a nonce.
    pub fn nonce(&mut self, nonce: &str) -> Option<&mut Nonce> {
        self.nonces.get_mut(nonce)
    }

    /// Counts a failed digest of a trunk's user name.
    pub fn failed(&mut self, now: Instant, trunk: usize) {
        self.failures.entry(trunk).or_default().push_back(now);
    }

    /// Returns how many digests of a trunk's user name failed within the window.
    pub fn failures(&mut self, now: Instant, trunk: usize) -> usize {
        let Some(failures) = self.failures.get_mut(&trunk) else { return 0 };
        while failures.front().is_some_and(|&at| now.since(at) >= WINDOW) {
            failures.pop_front();
        }
        failures.len()
    }

    /// The edge ended before it could keep the failure of that time.
    pub fn lost(&mut self, trunk: usize, at: Instant) {
        if let Some(failures) = self.failures.get_mut(&trunk) {
            failures.retain(|&failed| failed != at);
        }
    }

    /// Of the failures of a trunk's user name the last so many outlive the edge.
    pub fn outlive(&mut self, trunk: usize, count: usize) {
        if let Some(failures) = self.failures.get_mut(&trunk) {
            let gone = failures.len().saturating_sub(count);
            failures.drain(..gone);
        }
    }

    /// Forgets nonces that nobody will use.
    pub fn forget_old(&mut self, now: Instant) {
        self.nonces.retain(|_, nonce| now.since(nonce.came_at) < NONCE_KEPT);
    }
}
