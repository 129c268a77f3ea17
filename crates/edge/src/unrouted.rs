use std::collections::HashMap;
use std::net::SocketAddr;

use ua::Instant;

/// Calls that nobody here answers, counted for each sender until they are told.
#[derive(Debug, Default)]
pub(crate) struct Unrouted {
    senders: HashMap<SocketAddr, (u64, Instant)>,
}

impl Unrouted {
    /// So many senders are told apart between two reports; the calls of others are counted by the edge alone. A flood of calls must not
    /// push reports about registrations out of their queue.
    const SENDERS_MAX: usize = 256;

    /// Counts a call.
    pub(crate) fn count(&mut self, source: SocketAddr, at: Instant) {
        if self.senders.len() < Self::SENDERS_MAX || self.senders.contains_key(&source) {
            let (count, latest) = self.senders.entry(source).or_insert((0, at));
            (*count, *latest) = (*count + 1, at);
        }
    }

    /// Tells whether there was none.
    pub(crate) fn is_empty(&self) -> bool {
        self.senders.is_empty()
    }

    /// Iterates over who called, how often, and when last.
    pub(crate) fn senders(self) -> impl Iterator<Item = (SocketAddr, u64, Instant)> {
        self.senders.into_iter().map(|(source, (count, at))| (source, count, at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_for_each_sender_and_a_flood_of_senders_is_bounded() {
        let (mut unrouted, at) = (Unrouted::default(), Instant::from_micros(7));
        for _ in 0..3 {
            unrouted.count("192.0.2.1:5060".parse().unwrap(), at);
        }
        for port in 1..2_000 {
            unrouted.count(SocketAddr::new([198, 51, 100, 1].into(), port), at);
        }
        let senders: Vec<_> = unrouted.senders().collect();
        assert_eq!(senders.len(), Unrouted::SENDERS_MAX);
        assert!(senders.contains(&("192.0.2.1:5060".parse().unwrap(), 3, at)));
    }
}
