use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::Transport;

/// So many connections are remembered; beyond that the oldest that has closed is forgotten.
const REMEMBERED_MAX: usize = 10_000;

/// A connection that a registrar has, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its number, from 1, in the order of opening.
    pub id: u64,
    /// What it is.
    pub transport: Transport,
    /// The other end.
    pub source: SocketAddr,
    /// When it was ready for messages: the handshakes of TLS and WebSocket are over by then.
    pub opened_at: Instant,
    /// When it ended; open where absent.
    pub closed_at: Option<Instant>,
    /// Requests that came over it, retransmissions among them.
    pub requests: u32,
    /// Pings (CRLF CRLF, RFC 5626 3.5.1) that came over it.
    pub pings: u32,
    /// What TLS and the WebSocket handshake told.
    pub greeting: Greeting,
    /// It answers 403 to everything (N9).
    pub stale: bool,
}

/// What the handshakes of a connection told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Greeting {
    /// The server name that TLS asked for (RFC 6066 3).
    pub server_name: Option<String>,
    /// The client proved a certificate that is good here.
    pub client_certificate: bool,
    /// Path and query of the WebSocket request.
    pub path: Option<String>,
}

/// What connections a registrar knows of.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    last: u64,
    by_id: BTreeMap<u64, Connection>,
}

impl Connections {
    pub(crate) fn opened(&mut self, now: Instant, transport: Transport, source: SocketAddr, greeting: Greeting) -> u64 {
        if self.by_id.len() >= REMEMBERED_MAX
            && let Some(id) = self.by_id.values().find(|known| known.closed_at.is_some()).map(|known| known.id)
        {
            self.by_id.remove(&id);
        }
        self.last += 1;
        let id = self.last;
        let connection =
            Connection { id, transport, source, opened_at: now, closed_at: None, requests: 0, pings: 0, greeting, stale: false };
        self.by_id.insert(id, connection);
        id
    }

    /// An open one.
    pub(crate) fn open_mut(&mut self, id: u64) -> Option<&mut Connection> {
        self.by_id.get_mut(&id).filter(|connection| connection.closed_at.is_none())
    }

    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = &Connection> {
        self.by_id.values()
    }

    pub(crate) fn all_open_mut(&mut self) -> impl Iterator<Item = &mut Connection> {
        self.by_id.values_mut().filter(|connection| connection.closed_at.is_none())
    }
}

impl Connection {
    /// Whether it has become stale by age or use.
    pub(crate) fn stales(&self, now: Instant, after: Option<u32>, after_requests: Option<u32>) -> bool {
        let age = now.saturating_duration_since(self.opened_at);
        self.stale
            || after.is_some_and(|seconds| age >= Duration::from_secs(seconds.into()))
            || after_requests.is_some_and(|requests| self.requests > requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_come_and_go_do_not_pile_up() {
        let now = Instant::now();
        let source = "192.0.2.1:5060".parse().unwrap();
        let mut connections = Connections::default();
        let kept = connections.opened(now, Transport::Tcp, source, Greeting::default());
        for _ in 0..2 * REMEMBERED_MAX {
            let id = connections.opened(now, Transport::Tcp, source, Greeting::default());
            connections.open_mut(id).unwrap().closed_at = Some(now);
            assert!(connections.open_mut(id).is_none());
        }
        assert!(connections.all().count() <= REMEMBERED_MAX && connections.open_mut(kept).is_some());
    }
}
