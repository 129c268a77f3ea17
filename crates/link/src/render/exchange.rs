use super::message::Message;
use crate::{Attempt, UnixMicros};

/// A request and what was answered to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The request's method.
    pub method: String,
    /// The number of its CSeq.
    pub cseq: Option<u32>,
    /// Whom it went to, `ADDR:PORT`.
    pub remote: String,
    /// When it went first.
    pub sent_at: UnixMicros,
    /// The final answer's code; that of a provisional one where no final one came.
    pub status: Option<u16>,
    /// When that came.
    pub answered_at: Option<UnixMicros>,
}

impl Exchange {
    /// Returns the time between request and answer, in microseconds.
    pub fn round_trip(&self) -> Option<i64> {
        self.answered_at.map(|at| (at - self.sent_at).max(0))
    }
}

/// Pairs the requests of an attempt with their answers, in the order in which they were sent.
pub fn exchanges(attempt: &Attempt) -> Vec<Exchange> {
    let read: Vec<(&crate::AttemptMessage, Message)> =
        attempt.messages.iter().map(|message| (message, Message::read(&message.bytes))).collect();
    let requests = read.iter().enumerate().filter(|(_, (message, text))| message.sent && text.status().is_none());
    requests
        .map(|(place, (message, text))| {
            let mut answers = read.iter().skip(place + 1).filter(|(answer, of)| {
                !answer.sent && of.status().is_some() && answer.remote == message.remote && of.transaction() == text.transaction()
            });
            let first = answers.clone().next();
            let answer = answers.find(|(_, of)| of.status().is_some_and(|(code, _)| code >= 200)).or(first);
            Exchange {
                method: text.method().to_owned(),
                cseq: text.cseq(),
                remote: message.remote.clone(),
                sent_at: message.at,
                status: answer.and_then(|(_, of)| of.status()).map(|(code, _)| code),
                answered_at: answer.map(|(answer, _)| answer.at),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    #[test]
    fn every_request_has_its_own_answer() {
        let all = exchanges(&samples::rejected());
        let seen: Vec<_> = all.iter().map(|one| (one.method.as_str(), one.cseq, one.status, one.round_trip())).collect();
        assert_eq!(seen, [("REGISTER", Some(1), Some(401), Some(41_000)), ("REGISTER", Some(2), Some(401), Some(39_500))]);
    }

    #[test]
    fn what_was_not_answered_says_so() {
        let all = exchanges(&samples::silent());
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|one| one.answered_at.is_none() && one.round_trip().is_none()));
    }
}
