use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Requests that one address may make within the window at the token endpoint: a token is good for a day.
pub const REQUESTS_MAX: u32 = 600;
/// Failures among them.
pub const FAILURES_MAX: u32 = 10;
const WINDOW: Duration = Duration::from_secs(60);
/// Failures of one client, from wherever, within [`LOCK`] that lock it out for as long.
pub const CLIENT_FAILURES_MAX: u32 = 50;
const LOCK: Duration = Duration::from_secs(15 * 60);
/// So many addresses and clients are told apart.
const ENTRIES_MAX: usize = 10_000;
/// So many addresses from which a client got a token are remembered.
const TRUSTED_MAX: usize = 16;

/// An IPv4 address, or the /64 of an IPv6 address: whoever has one of those has all of it. None where the address is not known.
pub type Network = Option<IpAddr>;

/// Slows down whoever guesses client secrets, and locks a client out that many guess at. Where a client got a token before, it gets the next
/// one though it is locked: else anybody could shut it out.
#[derive(Debug, Default)]
pub struct Throttle {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    addresses: HashMap<Network, Requests>,
    clients: HashMap<String, Guesses>,
}

#[derive(Debug)]
struct Requests {
    began: Instant,
    requests: u32,
    failures: u32,
}

#[derive(Debug)]
struct Guesses {
    began: Instant,
    failures: u32,
    locked: Option<Instant>,
    trusted: Vec<Network>,
}

impl Throttle {
    /// Counts a request. Returns the seconds to wait where the address has asked or failed too often.
    pub fn request(&self, address: Option<IpAddr>, now: Instant) -> Option<u32> {
        let mut state = self.state();
        make_room(&mut state.addresses, |requests| now.duration_since(requests.began) >= WINDOW);
        let entry = state.addresses.entry(network(address)).or_insert(Requests { began: now, requests: 0, failures: 0 });
        if now.duration_since(entry.began) >= WINDOW {
            *entry = Requests { began: now, requests: 0, failures: 0 };
        }
        entry.requests = entry.requests.saturating_add(1);
        let spent = entry.requests > REQUESTS_MAX || entry.failures >= FAILURES_MAX;
        spent.then(|| seconds(entry.began + WINDOW, now))
    }

    /// Returns the seconds to wait where the client is locked out for this address. It says nothing about whether there is such a client.
    pub fn locked(&self, client: &str, address: Option<IpAddr>, now: Instant) -> Option<u32> {
        let state = self.state();
        let guesses = state.clients.get(client)?;
        let until = guesses.locked.filter(|until| *until > now)?;
        (!guesses.trusted.contains(&network(address))).then(|| seconds(until, now))
    }

    /// Counts a failure. Returns whether it locks the client out.
    pub fn failed(&self, client: &str, address: Option<IpAddr>, now: Instant) -> bool {
        let mut state = self.state();
        if let Some(entry) = state.addresses.get_mut(&network(address)) {
            entry.failures = entry.failures.saturating_add(1);
        }
        make_room(&mut state.clients, |guesses| {
            now.duration_since(guesses.began) >= LOCK && guesses.locked.is_none_or(|until| until <= now)
        });
        let entry = state.clients.entry(client.to_owned()).or_insert_with(|| Guesses::new(now));
        if now.duration_since(entry.began) >= LOCK {
            (entry.began, entry.failures) = (now, 0);
        }
        entry.failures = entry.failures.saturating_add(1);
        let locks = entry.failures == CLIENT_FAILURES_MAX;
        if locks {
            entry.locked = Some(now + LOCK);
        }
        locks
    }

    /// Remembers from where a client got a token.
    pub fn succeeded(&self, client: &str, address: Option<IpAddr>, now: Instant) {
        let mut state = self.state();
        make_room(&mut state.clients, |guesses| {
            now.duration_since(guesses.began) >= LOCK && guesses.locked.is_none_or(|until| until <= now)
        });
        let entry = state.clients.entry(client.to_owned()).or_insert_with(|| Guesses::new(now));
        let network = network(address);
        if !entry.trusted.contains(&network) {
            if entry.trusted.len() >= TRUSTED_MAX {
                entry.trusted.remove(0);
            }
            entry.trusted.push(network);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guesses {
    fn new(now: Instant) -> Self {
        Guesses { began: now, failures: 0, locked: None, trusted: Vec::new() }
    }
}

/// Forgets what is over where there is no more room, and everything if that is not enough: a flood of made-up names takes no memory.
fn make_room<K: Eq + Hash, V>(entries: &mut HashMap<K, V>, over: impl Fn(&V) -> bool) {
    if entries.len() >= ENTRIES_MAX {
        entries.retain(|_, entry| !over(entry));
        if entries.len() >= ENTRIES_MAX {
            entries.clear();
        }
    }
}

/// Returns the network that an address stands for.
pub fn network(address: Option<IpAddr>) -> Network {
    address.map(|address| match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    })
}

fn seconds(until: Instant, now: Instant) -> u32 {
    u32::try_from(until.duration_since(now).as_secs()).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().expect("an address"))
    }

    // limit: token-requests
    // limit: token-failures
    #[test]
    fn an_address_is_slowed_down_by_failures_and_by_requests() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let (bad, busy) = (address("192.0.2.1"), address("192.0.2.2"));
        for _ in 0..FAILURES_MAX {
            assert_eq!(throttle.request(bad, now), None);
            throttle.failed("c", bad, now);
        }
        assert_eq!(throttle.request(bad, now + Duration::from_secs(20)), Some(41));
        assert_eq!(throttle.request(bad, now + WINDOW), None);
        for _ in 0..REQUESTS_MAX {
            assert_eq!(throttle.request(busy, now), None);
        }
        assert!(throttle.request(busy, now).is_some());
    }

    // limit: client-failures
    #[test]
    fn a_client_that_many_guess_at_is_locked_except_where_it_is_at_home() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        throttle.succeeded("c", address("192.0.2.9"), now);
        let locks: Vec<bool> = (0..CLIENT_FAILURES_MAX).map(|n| throttle.failed("c", address(&format!("198.51.100.{n}")), now)).collect();
        assert_eq!(locks.iter().filter(|locks| **locks).count(), 1);
        assert_eq!(throttle.locked("c", address("203.0.113.1"), now), Some(901));
        assert_eq!(throttle.locked("c", address("192.0.2.9"), now), None);
        assert_eq!(throttle.locked("d", address("203.0.113.1"), now), None);
        assert_eq!(throttle.locked("c", address("203.0.113.1"), now + LOCK), None);
    }

    #[test]
    fn a_network_of_version_6_counts_as_one() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..FAILURES_MAX {
            let address = address(&format!("2001:db8:0:1::{n}"));
            throttle.request(address, now);
            throttle.failed("c", address, now);
        }
        assert!(throttle.request(address("2001:db8:0:1:ffff::1"), now).is_some());
        assert!(throttle.request(address("2001:db8:0:2::1"), now).is_none());
    }

    #[test]
    fn a_flood_of_made_up_clients_takes_no_memory() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..2 * ENTRIES_MAX {
            throttle.failed(&n.to_string(), None, now);
        }
        assert!(throttle.state().clients.len() <= ENTRIES_MAX);
    }
}
