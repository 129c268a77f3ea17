//! A carrier's next hops: names, the addresses that they lead to, and which of those answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::request::hop;
use crate::{Instant, Profile, Query, Resolution, ResolveFault};

/// A failed look-up is not repeated sooner.
const LOOKUP_PAUSE: Duration = Duration::from_secs(5);

/// The next hops of one profile, in order.
#[derive(Clone, Debug)]
pub struct Targets {
    hops: Vec<Hop>,
    health: Vec<Health>,
}

#[derive(Clone, Debug)]
struct Hop {
    uri: Box<str>,
    place: Option<(Arc<str>, u16)>,
    found: Option<(Vec<SocketAddr>, Instant)>,
    asked: Option<Query>,
    fault: Option<(ResolveFault, Instant)>,
}

/// What is known of one address.
#[derive(Clone, Debug)]
struct Health {
    target: SocketAddr,
    shunned_until: Instant,
    answered: bool,
}

/// A next hop to send to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where to.
    pub address: SocketAddr,
    /// The registrar that led there.
    pub registrar: Box<str>,
}

/// What to do for a next hop.
#[derive(Debug)]
pub enum Next {
    /// Send there.
    Ask(Target),
    /// Look names up first; each entry is a look-up that nobody has ordered yet (an empty list: they are on their way).
    LookUp(Vec<(usize, Arc<str>, u16)>),
    /// Every address was tried in this attempt.
    Exhausted,
    /// No name leads anywhere.
    Nowhere { registrar: Box<str>, fault: ResolveFault },
}

impl Targets {
    /// Reads a profile's registrars; an outbound proxy takes their place as next hop.
    pub fn new(profile: &Profile) -> Self {
        let uris: Vec<&str> = match &profile.outbound_proxy {
            Some(proxy) => vec![proxy],
            None => profile.registrars.iter().map(|uri| &**uri).collect(),
        };
        let hops = uris.into_iter().map(|uri| Hop {
            uri: uri.into(),
            place: hop(uri).map(|(host, port)| (host.into(), port)),
            found: None,
            asked: None,
            fault: None,
        });
        Targets { hops: hops.collect(), health: Vec::new() }
    }

    /// Copies what is known, without the look-ups that somebody else waits for.
    #[must_use]
    pub fn known(&self) -> Self {
        let mut copy = self.clone();
        copy.hops.iter_mut().for_each(|hop| hop.asked = None);
        copy
    }

    /// Returns the first next hop's URI.
    pub fn first_uri(&self) -> &str {
        self.hops.first().map_or("", |hop| &hop.uri)
    }

    /// Chooses the next hop: in order, those that are shunned last, none that was tried.
    pub fn next(&self, now: Instant, tried: &[SocketAddr]) -> Next {
        let missing: Vec<usize> = (0..self.hops.len()).filter(|&at| self.hops[at].wants_lookup(now)).collect();
        // Nobody overtakes the first in order because its name takes longer to look up.
        let first = self.hops.iter().find(|hop| hop.is_unheard() || !hop.addresses().is_empty());
        if tried.is_empty() && first.is_some_and(Hop::is_unheard) {
            return Next::LookUp(self.lookups(missing));
        }
        let mut candidates = self.hops.iter().flat_map(|hop| hop.addresses().iter().map(move |&address| (hop, address)));
        let open = |address: SocketAddr| !tried.contains(&address);
        let healthy = candidates.clone().find(|&(_, address)| open(address) && !self.is_shunned(now, address));
        if let Some((hop, address)) = healthy.or_else(|| candidates.clone().find(|&(_, address)| open(address))) {
            return Next::Ask(Target { address, registrar: hop.uri.clone() });
        }
        if candidates.next().is_some() {
            return Next::Exhausted;
        }
        if !missing.is_empty() || self.is_looked_up() {
            return Next::LookUp(self.lookups(missing));
        }
        let failed = self.hops.iter().find_map(|hop| Some((hop.uri.clone(), hop.fault.clone()?.0)));
        let (registrar, fault) =
            failed.unwrap_or_else(|| (self.first_uri().into(), ResolveFault::Failed("the registrar is not a SIP URI".into())));
        Next::Nowhere { registrar, fault }
    }

    /// Returns the names whose addresses have grown old; the old ones are used meanwhile.
    pub fn stale(&self, now: Instant) -> Vec<(usize, Arc<str>, u16)> {
        self.lookups((0..self.hops.len()).filter(|&at| self.hops[at].wants_lookup(now)).collect())
    }

    fn lookups(&self, hops: Vec<usize>) -> Vec<(usize, Arc<str>, u16)> {
        hops.into_iter().filter_map(|at| self.hops[at].place.clone().map(|(host, port)| (at, host, port))).collect()
    }

    /// Tells whether a name is being looked up.
    pub fn is_looked_up(&self) -> bool {
        self.hops.iter().any(|hop| hop.asked.is_some())
    }

    /// Counts the next hops whose first look-up has not ended yet.
    pub fn unheard(&self) -> usize {
        self.hops.iter().filter(|hop| hop.is_unheard()).count()
    }

    /// Notes that a look-up was ordered.
    pub fn asked(&mut self, at: usize, query: Query) {
        if let Some(hop) = self.hops.get_mut(at) {
            hop.asked = Some(query);
        }
    }

    /// Takes a look-up's outcome; while it fails, the last good addresses are kept. Tells whether it was awaited.
    pub fn resolved(&mut self, now: Instant, query: Query, outcome: Result<Resolution, ResolveFault>) -> bool {
        let Some(hop) = self.hops.iter_mut().find(|hop| hop.asked == Some(query)) else { return false };
        hop.asked = None;
        match outcome {
            Ok(found) => {
                hop.fault = None;
                hop.found = Some((found.addresses, now + found.ttl));
            }
            Err(fault) => {
                // The gate's word is final: an address that it forbids now is not used because it was allowed before.
                if !matches!(fault, ResolveFault::Failed(_)) {
                    hop.found = None;
                }
                hop.fault = Some((fault, now + LOOKUP_PAUSE));
            }
        }
        true
    }

    /// Returns every known address with its registrar's URI, in order.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.hops.iter().flat_map(|hop| hop.addresses().iter().map(|&address| (&*hop.uri, address)))
    }

    /// Puts an address last until then.
    pub fn shun(&mut self, target: SocketAddr, until: Instant) {
        let health = self.health_of(target);
        health.shunned_until = health.shunned_until.max(until);
    }

    /// Notes that an address answered.
    pub fn answered(&mut self, target: SocketAddr) {
        let health = self.health_of(target);
        health.answered = true;
    }

    /// Takes an address back into its place.
    pub fn trust(&mut self, target: SocketAddr) {
        self.health_of(target).shunned_until = Instant::default();
    }

    /// Tells whether an address ever answered.
    pub fn has_answered(&self, target: SocketAddr) -> bool {
        self.health.iter().any(|health| health.target == target && health.answered)
    }

    fn is_shunned(&self, now: Instant, target: SocketAddr) -> bool {
        self.health.iter().any(|health| health.target == target && health.shunned_until > now)
    }

    fn health_of(&mut self, target: SocketAddr) -> &mut Health {
        let at = match self.health.iter().position(|health| health.target == target) {
            Some(at) => at,
            None => {
                let known: Vec<SocketAddr> = self.addresses().map(|(_, address)| address).collect();
                self.health.retain(|health| known.contains(&health.target));
                self.health.push(Health { target, shunned_until: Instant::default(), answered: false });
                self.health.len() - 1
            }
        };
        &mut self.health[at]
    }
}

impl Hop {
    fn addresses(&self) -> &[SocketAddr] {
        self.found.as_ref().map_or(&[], |(addresses, _)| addresses)
    }

    /// Its first look-up has not ended yet.
    fn is_unheard(&self) -> bool {
        self.place.is_some() && self.found.is_none() && self.fault.is_none()
    }

    fn wants_lookup(&self, now: Instant) -> bool {
        self.place.is_some()
            && self.asked.is_none()
            && self.found.as_ref().is_none_or(|&(_, until)| until <= now)
            && self.fault.as_ref().is_none_or(|&(_, until)| until <= now)
    }
}
