use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, header};

use crate::access::throttle::{Network, network};

/// How many requests one client may make in a window; and whoever sends no good token, one network.
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

/// So many tokens are known to be good; each was one. And so many clients are counted apart.
const TOKENS_MAX: usize = 100_000;
/// So many networks are counted apart, of callers without a good token; what comes beyond shares one count.
const NETWORKS_MAX: usize = 10_000;

/// Counts the requests of each client, whatever token it sends; and of each network, the requests that come without a token that is known to
/// be good. A made-up token is nobody: it spends the allowance of where it comes from, and of no client.
#[derive(Debug, Default)]
pub struct Rates {
    limit: RateLimit,
    hasher: RandomState,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    window: Option<Window>,
    /// Clients by the hashes of their tokens.
    tokens: HashMap<u64, Good>,
}

#[derive(Debug)]
struct Good {
    client: u64,
    used: Instant,
}

#[derive(Debug)]
struct Window {
    began: Instant,
    clients: HashMap<u64, u32>,
    networks: HashMap<Network, u32>,
    others: u32,
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

    /// Counts a request of whoever sends this token, or from this address where that is not known to be a good one.
    pub fn count(&self, headers: &HeaderMap, address: Option<IpAddr>, now: Instant) -> Allowance {
        let length = Duration::from_secs(self.limit.seconds.into());
        let mut state = self.state();
        let State { window, tokens } = &mut *state;
        let good = self.token(headers).and_then(|token| tokens.get_mut(&token));
        let current = match window.take() {
            Some(current) if now.duration_since(current.began) < length => current,
            _ => Window { began: now, clients: HashMap::new(), networks: HashMap::new(), others: 0 },
        };
        let current = window.insert(current);
        let count = match good {
            Some(good) => {
                good.used = now;
                let room = current.clients.len() < TOKENS_MAX || current.clients.contains_key(&good.client);
                if room { current.clients.entry(good.client).or_default() } else { &mut current.others }
            }
            None => {
                let network = network(address);
                let room = current.networks.len() < NETWORKS_MAX || current.networks.contains_key(&network);
                if room { current.networks.entry(network).or_default() } else { &mut current.others }
            }
        };
        *count = count.saturating_add(1);
        let left = length.saturating_sub(now.duration_since(current.began)).as_secs();
        Allowance { count: *count, allowed: self.limit.requests, reset: u32::try_from(left).unwrap_or(60) + 1 }
    }

    /// Remembers whose token a request came with: what comes with it from now on is counted with that client.
    pub fn is_good(&self, headers: &HeaderMap, client: &str, now: Instant) {
        let Some(token) = self.token(headers) else { return };
        let mut state = self.state();
        if state.tokens.len() >= TOKENS_MAX && !state.tokens.contains_key(&token) {
            let length = Duration::from_secs(self.limit.seconds.into());
            state.tokens.retain(|_, good| now.duration_since(good.used) < length);
            if state.tokens.len() >= TOKENS_MAX {
                state.tokens.clear();
            }
        }
        state.tokens.insert(token, Good { client: self.hasher.hash_one(client), used: now });
    }

    /// Forgets a token that was refused: it has expired, or was revoked.
    pub fn is_bad(&self, token: u64) {
        self.state().tokens.remove(&token);
    }

    /// Returns what a request's token is known by here.
    pub fn token(&self, headers: &HeaderMap) -> Option<u64> {
        headers.get(header::AUTHORIZATION).map(|token| self.hasher.hash_one(token))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn with(token: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().expect("a value"));
        headers
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    #[test]
    fn clients_are_counted_apart_with_all_their_tokens_and_stopped_beyond_their_allowance() {
        let (rates, now) = (Rates::new(RateLimit { requests: 100, seconds: 60 }), Instant::now());
        for (token, client) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
            rates.is_good(&with(token), client, now);
        }
        for count in 1..=100 {
            let allowance = rates.count(&with(if count % 2 == 0 { "a1" } else { "a2" }), address("192.0.2.1"), now);
            assert_eq!((allowance.count, allowance.spent()), (count, false));
        }
        assert!(rates.count(&with("a1"), None, now).spent() && rates.count(&with("a2"), None, now).spent());
        assert_eq!(rates.count(&with("b1"), address("192.0.2.1"), now).count, 1);
        assert_eq!(rates.count(&HeaderMap::new(), address("192.0.2.1"), now).count, 1);
        assert_eq!(rates.count(&with("a1"), None, now + Duration::from_secs(50)).reset, 11);
        let next = now + Duration::from_secs(60);
        assert_eq!(rates.count(&with("a2"), None, next), Allowance { count: 1, allowed: 100, reset: 61 });
    }

    #[test]
    fn made_up_tokens_spend_the_allowance_of_where_they_come_from_and_of_no_client() {
        let (rates, now) = (Rates::new(RateLimit { requests: 100, seconds: 60 }), Instant::now());
        rates.is_good(&with("good"), "a", now);
        for n in 0..200 {
            let spent = rates.count(&with(&format!("made-up-{n}")), address("192.0.2.1"), now).spent();
            assert_eq!(spent, n >= 100, "{n}");
        }
        assert_eq!(rates.count(&with("good"), address("192.0.2.1"), now).count, 1);
        assert_eq!(rates.count(&with("made-up"), address("192.0.2.2"), now).count, 1);
        // A token that was refused is made up from then on.
        rates.is_bad(rates.token(&with("good")).expect("a token"));
        assert!(rates.count(&with("good"), address("192.0.2.1"), now).spent());
    }

    #[test]
    fn a_flood_of_made_up_tokens_and_networks_takes_no_memory_and_shuts_no_client_out() {
        let (rates, now) = (Rates::default(), Instant::now());
        rates.is_good(&with("good"), "a", now);
        let flooder = |n: u32| Some(IpAddr::V6((u128::from(n) << 64).into()));
        for n in 0..RateLimit::default().requests + 2 * u32::try_from(NETWORKS_MAX).expect("a number") {
            rates.count(&with(&n.to_string()), flooder(n), now);
        }
        assert!(rates.count(&with("x"), flooder(u32::MAX), now).spent());
        assert_eq!(rates.count(&with("good"), flooder(u32::MAX), now).count, 1);
        let state = rates.state();
        assert_eq!((state.window.as_ref().map(|window| window.networks.len()), state.tokens.len()), (Some(NETWORKS_MAX), 1));
    }

    #[test]
    fn tokens_that_nobody_uses_any_more_make_room() {
        let (rates, now) = (Rates::default(), Instant::now());
        for n in 0..=TOKENS_MAX {
            rates.is_good(&with(&n.to_string()), "a", now);
        }
        assert_eq!(rates.state().tokens.len(), 1);
        for n in 0..TOKENS_MAX {
            rates.is_good(&with(&n.to_string()), "a", now + Duration::from_secs(n as u64 / 500));
        }
        assert!(rates.state().tokens.len() <= TOKENS_MAX);
    }
}
