use std::collections::VecDeque;

use link::Attempt;

/// So many attempts wait to be written; beyond, the oldest go unwritten: when a carrier fails with all its trunks, they tell the same.
pub const WAITING_MAX: usize = 2_048;
/// So many bytes they may take: 16 MiB.
pub const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// So many bytes of messages an attempt may have: a dozen large ones. What is beyond goes from the middle: how it began and how it ended
/// decide.
pub const MESSAGES_BYTES_MAX: usize = 128 * 1024;

/// Attempts that wait to be written, the oldest first. Each has its place in the order of arrival.
#[derive(Debug, Default)]
pub struct Queue {
    waiting: VecDeque<Attempt>,
    bytes: usize,
    /// The place of the newest.
    arrived: u64,
    unwritten: u64,
}

impl Queue {
    /// Takes an attempt in.
    pub fn push(&mut self, mut attempt: Attempt) {
        shorten(&mut attempt);
        self.bytes += size(&attempt);
        self.waiting.push_back(attempt);
        self.arrived += 1;
        while self.waiting.len() > WAITING_MAX || (self.bytes > WAITING_BYTES_MAX && self.waiting.len() > 1) {
            self.waiting.pop_front().inspect(|oldest| self.bytes -= size(oldest));
            self.unwritten += 1;
        }
    }

    /// Takes up to so many out, and tells the place of the last of them.
    pub fn take(&mut self, most: usize) -> (Vec<Attempt>, u64) {
        let batch: Vec<Attempt> = self.waiting.drain(..most.min(self.waiting.len())).collect();
        self.bytes -= batch.iter().map(size).sum::<usize>();
        (batch, self.arrived - self.waiting.len() as u64)
    }

    /// Returns the place of the newest.
    pub fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Tells whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns how many went unwritten since it was asked last.
    pub fn unwritten(&mut self) -> u64 {
        std::mem::take(&mut self.unwritten)
    }
}

fn size(attempt: &Attempt) -> usize {
    /// What an attempt takes beside its messages, about.
    const REST: usize = 1_024;
    REST + messages(attempt)
}

fn messages(attempt: &Attempt) -> usize {
    attempt.messages.iter().map(|message| message.bytes.len()).sum()
}

fn shorten(attempt: &mut Attempt) {
    while messages(attempt) > MESSAGES_BYTES_MAX && attempt.messages.len() > 2 {
        attempt.messages.remove(attempt.messages.len() / 2);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use link::{AttemptKind, AttemptMessage};

    use super::*;

    pub(in super::super) fn attempt(id: &str) -> Attempt {
        Attempt {
            id: id.into(),
            trunk: Some("t1".into()),
            carrier: "c1".into(),
            edge: "e1".into(),
            kind: AttemptKind::Verification,
            started_at: 1_000_000,
            ended_at: 1_082_000,
            registrar: "sip:192.0.2.1".into(),
            targets: vec!["192.0.2.1:5060".into()],
            transport: "udp".into(),
            secured: None,
            source_address: Some("192.0.2.9:5060".into()),
            public_address: None,
            messages: Vec::new(),
            accepted: true,
            negotiated: None,
            diagnosis: None,
            changes: Vec::new(),
        }
    }

    fn message(length: usize) -> AttemptMessage {
        AttemptMessage { at: 0, sent: true, local: String::new(), remote: String::new(), retransmissions: 0, bytes: vec![b'x'; length] }
    }

    #[test]
    fn the_oldest_go_where_too_many_or_too_large_ones_wait() {
        let mut queue = Queue::default();
        for n in 0..WAITING_MAX + 3 {
            queue.push(attempt(&n.to_string()));
        }
        assert_eq!((queue.unwritten(), queue.unwritten()), (3, 0));
        let (batch, place) = queue.take(2);
        assert_eq!((batch[0].id.as_str(), batch[1].id.as_str(), place), ("3", "4", 5));
        for _ in 0..WAITING_BYTES_MAX / (60 * 1024) + 10 {
            queue.push(Attempt { messages: vec![message(60 * 1024)], ..attempt("large") });
        }
        assert!(queue.bytes <= WAITING_BYTES_MAX);
        let arrived = queue.arrived();
        let (_, place) = queue.take(usize::MAX);
        assert_eq!((place, queue.bytes, queue.is_empty()), (arrived, 0, true));
    }

    #[test]
    fn a_long_attempt_keeps_how_it_began_and_how_it_ended() {
        let mut long = Attempt { messages: (0..100).map(|n| message(4_000 + n)).collect(), ..attempt("long") };
        shorten(&mut long);
        assert!(messages(&long) <= MESSAGES_BYTES_MAX);
        assert_eq!((long.messages[0].bytes.len(), long.messages.last().unwrap().bytes.len()), (4_000, 4_099));
    }
}
