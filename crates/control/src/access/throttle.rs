use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Failures that one address may make within the window at the token endpoint.
const FAILURES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// So many addresses are told apart.
const ADDRESSES_MAX: usize = 10_000;

/// Slows down whoever guesses client secrets. Successes cost nothing.
#[derive(Debug, Default)]
pub struct Throttle {
    failures: Mutex<HashMap<Option<IpAddr>, (Instant, u32)>>,
}

impl Throttle {
    /// Returns the seconds to wait where the address has failed too often.
    pub fn wait(&self, address: Option<IpAddr>) -> Option<u32> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let (began, count) = failures.get(&address)?;
        let left = WINDOW.checked_sub(began.elapsed())?;
        (*count >= FAILURES_MAX).then(|| u32::try_from(left.as_secs()).unwrap_or(60) + 1)
    }

    /// Counts a failure.
    pub fn failed(&self, address: Option<IpAddr>) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= ADDRESSES_MAX {
            failures.retain(|_, (began, _)| began.elapsed() < WINDOW);
        }
        let entry = failures.entry(address).or_insert((Instant::now(), 0));
        if entry.0.elapsed() >= WINDOW {
            *entry = (Instant::now(), 0);
        }
        entry.1 += 1;
    }
}
