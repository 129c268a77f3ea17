//! Attempts that wait for the control plane.

use std::collections::VecDeque;

use ua::{Attempt, Instant};

/// So many wait; beyond, the oldest go: the control plane would not keep them either.
const WAITING_MAX: usize = 4_096;
/// So many bytes they may take.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Attempts that wait, the oldest first, each with its place among all that is told.
#[derive(Default)]
pub(crate) struct Attempts {
    waiting: VecDeque<(u64, Box<Attempt>, Instant)>,
    bytes: usize,
}

impl Attempts {
    /// Takes an attempt in; returns how many older ones went for it.
    pub(crate) fn push(&mut self, place: u64, attempt: Box<Attempt>, at: Instant) -> u64 {
        self.bytes += size(&attempt);
        self.waiting.push_back((place, attempt, at));
        let mut lost = 0;
        while self.waiting.len() > WAITING_MAX || (self.bytes > BYTES_MAX && self.waiting.len() > 1) {
            self.pop();
            lost += 1;
        }
        lost
    }

    /// Returns the place of the oldest.
    pub(crate) fn is_empty(&self) -> bool {
        self.place().is_none()
    }

    pub(crate) fn place(&self) -> Option<u64> {
        self.waiting.front().map(|(place, ..)| *place)
    }

    /// Takes the oldest out.
    pub(crate) fn pop(&mut self) -> Option<(Box<Attempt>, Instant)> {
        let (_, attempt, at) = self.waiting.pop_front()?;
        self.bytes -= size(&attempt);
        Some((attempt, at))
    }
}

fn size(attempt: &Attempt) -> usize {
    /// What an attempt takes beside its messages, about.
    const REST: usize = 1_024;
    REST + attempt.messages.iter().map(|message| message.bytes.len()).sum::<usize>()
}

#[cfg(test)]
pub(crate) mod tests {
    use ua::{AttemptKind, AttemptMessage};

    use super::*;

    pub(crate) fn attempt(id: &str, bytes: usize) -> Box<Attempt> {
        let address = "192.0.2.1:5060".parse().unwrap();
        let message = AttemptMessage {
            at: Instant::default(),
            sent: true,
            local: address,
            remote: address,
            retransmissions: 0,
            bytes: vec![b'x'; bytes],
        };
        Box::new(Attempt {
            id: id.into(),
            trunk: None,
            carrier: "c".into(),
            kind: AttemptKind::Verification,
            started_at: Instant::default(),
            ended_at: Instant::default(),
            registrar: "sip:192.0.2.1".into(),
            targets: Vec::new(),
            transport: ua::Transport::Udp,
            secured: None,
            source: None,
            public: None,
            messages: vec![message],
            accepted: true,
            negotiated: None,
            diagnosis: None,
            changes: Vec::new(),
        })
    }

    #[test]
    fn the_oldest_go_where_too_many_or_too_large_ones_wait() {
        let mut attempts = Attempts::default();
        let lost: u64 = (0..WAITING_MAX as u64 + 3).map(|n| attempts.push(n, attempt(&n.to_string(), 10), Instant::default())).sum();
        assert_eq!((lost, attempts.place()), (3, Some(3)));
        while attempts.pop().is_some() {}
        assert_eq!(attempts.bytes, 0);
        for n in 0..100 {
            attempts.push(n, attempt("large", 1024 * 1024), Instant::default());
            assert!(attempts.bytes <= BYTES_MAX);
        }
        assert!(attempts.waiting.len() > 10);
        attempts.push(200, attempt("larger than all may be", BYTES_MAX), Instant::default());
        assert_eq!(attempts.place(), Some(200), "the newest stays");
    }
}
