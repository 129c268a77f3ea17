use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// RFC 3261 17.2.2 timer J: so long a retransmission is answered as before.
const LIFE: Duration = Duration::from_secs(32);

/// So many are kept at most; beyond that the oldest goes early, and its retransmission counts as new.
const TRANSACTIONS_MAX: usize = 65_536;

/// Final answers by transaction (RFC 3261 17.2.3), to be repeated byte for byte.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    answers: HashMap<String, Vec<Vec<u8>>>,
    order: VecDeque<(Instant, String)>,
}

impl Transactions {
    pub(crate) fn find(&mut self, now: Instant, key: &str) -> Option<&[Vec<u8>]> {
        while self.order.front().is_some_and(|(born, _)| now.saturating_duration_since(*born) >= LIFE) {
            self.forget_oldest();
        }
        self.answers.get(key).map(Vec::as_slice)
    }

    pub(crate) fn remember(&mut self, now: Instant, key: String, answer: Vec<Vec<u8>>) {
        if self.order.len() >= TRANSACTIONS_MAX {
            self.forget_oldest();
        }
        if self.answers.insert(key.clone(), answer).is_none() {
            self.order.push_back((now, key));
        }
    }

    fn forget_oldest(&mut self) {
        if let Some((_, key)) = self.order.pop_front() {
            self.answers.remove(&key);
        }
    }
}
