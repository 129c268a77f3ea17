use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::weights;
use crate::Transport;
use crate::chance::Jitter;

/// More places than that are not tried, and not asked by OPTIONS.
const PLACES_MAX: usize = 32;

/// Where a request can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Over this.
    pub transport: Transport,
    /// To there.
    pub address: SocketAddr,
}

/// As a diagnosis names it: datagrams go without saying.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.transport {
            Transport::Udp => self.address.fmt(f),
            transport => write!(f, "{} over {transport}", self.address),
        }
    }
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// So long may it be used without asking again.
    pub ttl: Duration,
    /// NAPTR or SRV records that may be there were not to be had: it is the best that could be found without.
    pub blind: bool,
    services: Vec<Service>,
    places: Vec<Place>,
    drawn: bool,
}

/// Servers that are reached over one transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    pub(super) transport: Transport,
    /// Where its servers stand in DNS; absent where it is the host itself.
    pub(super) srv: Option<Arc<str>>,
    /// By priority, then name and port: the order of an answer means nothing (RFC 2782).
    pub(super) servers: Vec<Server>,
}

/// A server of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) host: Arc<str>,
    pub(super) port: u16,
    pub(super) addresses: Vec<SocketAddr>,
}

impl Located {
    pub(super) fn new(services: Vec<Service>, ttl: Duration, blind: bool) -> Self {
        let drawn = services.iter().any(|service| service.servers.windows(2).any(|pair| pair[0].priority == pair[1].priority));
        let mut located = Located { ttl, blind, services, places: Vec::new(), drawn };
        located.places = located.places_by(|servers, _| servers);
        located
    }

    /// Returns every place, by preference and priority.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns the places in the order to be tried by whoever drew this lot; the same lot gives the same order, so that who was served
    /// by a server stays with it, and many lots share the servers by their weights.
    pub fn order(&self, lot: u64) -> Cow<'_, [Place]> {
        if !self.drawn {
            return Cow::Borrowed(&self.places);
        }
        Cow::Owned(self.places_by(|servers, at| {
            // A chance of its own for each priority: what changes in one leaves the others alone.
            let mut chance = Jitter::new(lot.wrapping_add(at.wrapping_mul(0xA076_1D64_78BD_642F)));
            weights::order(servers, |server| server.weight, &mut chance)
        }))
    }

    /// Returns the addresses that a server had.
    pub(super) fn of(&self, host: &str, port: u16) -> Option<&[SocketAddr]> {
        let servers = self.services.iter().flat_map(|service| &service.servers);
        servers.filter(|server| &*server.host == host && server.port == port).map(|server| &*server.addresses).find(|list| !list.is_empty())
    }

    fn places_by<'a>(&'a self, mut order: impl FnMut(Vec<&'a Server>, u64) -> Vec<&'a Server>) -> Vec<Place> {
        let mut places = Vec::new();
        for (at, service) in self.services.iter().enumerate() {
            for group in service.servers.chunk_by(|one, other| one.priority == other.priority) {
                let which = (at as u64) << 16 | u64::from(group[0].priority);
                for server in order(group.iter().collect(), which) {
                    for &address in &server.addresses {
                        let place = Place { transport: service.transport, address };
                        if places.len() < PLACES_MAX && !places.contains(&place) {
                            places.push(place);
                        }
                    }
                }
            }
        }
        places
    }
}
