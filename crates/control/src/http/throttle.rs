use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, header};

/// How many requests one caller may make in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many.
    pub requests: u32,
    /// In so many seconds.
    pub seconds: u32,
}

impl Default for RateLimit {
    /// Far above what a script needs, below what would starve the others.
    fn default() -> Self {
        RateLimit { requests: 60_000, seconds: 60 }
    }
}

/// So many callers are told apart; what comes beyond shares one count.
const CALLERS_MAX: usize = 10_000;

/// Counts the requests of each caller.
#[derive(Debug, Default)]
pub struct Rates {
    limit: RateLimit,
    hasher: RandomState,
    window: Mutex<Option<Window>>,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    counts: HashMap<u64, u32>,
}

/// What a caller has used of its allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Requests of this window, this one included.
    pub count: u32,
    /// Requests that a window allows.
    pub allowed: u32,
    /// Seconds until the next window.
    pub reset: u32,
}

impl Rates {
    /// Counts against this limit.
    pub fn new(limit: RateLimit) -> Self {
        Rates { limit, ..Rates::default() }
    }

    /// Counts a request of whoever sends this token, or from this address where there is none.
    pub fn count(&self, headers: &HeaderMap, address: Option<IpAddr>) -> Allowance {
        let caller = match headers.get(header::AUTHORIZATION) {
            Some(token) => self.hasher.hash_one(token),
            None => self.hasher.hash_one(address),
        };
        let now = Instant::now();
        let window_length = Duration::from_secs(self.limit.seconds.into());
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match window.take() {
            Some(current) if now.duration_since(current.began) < window_length => current,
            _ => Window { began: now, counts: HashMap::new() },
        };
        let current = window.insert(current);
        let known = current.counts.len() < CALLERS_MAX || current.counts.contains_key(&caller);
        let count = current.counts.entry(if known { caller } else { 0 }).or_default();
        *count = count.saturating_add(1);
        let left = window_length.saturating_sub(now.duration_since(current.began)).as_secs();
        Allowance { count: *count, allowed: self.limit.requests, reset: u32::try_from(left).unwrap_or(60) + 1 }
    }
}

impl Allowance {
    /// Tells whether the request is one too many.
    pub fn spent(self) -> bool {
        self.count > self.allowed
    }

    /// Writes the headers that the platform's clients know.
    pub fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [("count", self.count), ("allowed", self.allowed), ("reset", self.reset)] {
            if let Ok(name) = HeaderName::try_from(format!("inin-ratelimit-{name}")) {
                headers.insert(name, value.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_counted_apart_and_stopped_beyond_their_allowance() {
        let rates = Rates::new(RateLimit { requests: 100, seconds: 60 });
        let mut one = HeaderMap::new();
        one.insert(header::AUTHORIZATION, "Bearer a".parse().expect("a value"));
        for count in 1..=100 {
            let allowance = rates.count(&one, None);
            assert_eq!((allowance.count, allowance.spent()), (count, false));
        }
        assert!(rates.count(&one, None).spent());
        assert_eq!(rates.count(&HeaderMap::new(), None).count, 1);
        assert!((1..=61).contains(&rates.count(&one, None).reset));
    }

    #[test]
    fn a_flood_of_made_up_tokens_takes_no_memory() {
        let rates = Rates::default();
        let mut headers = HeaderMap::new();
        for n in 0..2 * CALLERS_MAX {
            headers.insert(header::AUTHORIZATION, format!("Bearer {n}").parse().expect("a value"));
            rates.count(&headers, None);
        }
        let window = rates.window.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(window.as_ref().is_some_and(|window| window.counts.len() <= CALLERS_MAX + 1));
    }
}
