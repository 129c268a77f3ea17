//! What went and came in an exchange, kept as it was until it is known whether anybody is told of it.

use std::net::SocketAddr;

use sip::{Message, redact};

use crate::wire::{Transaction, Wire};
use crate::{AttemptMessage, Instant};

/// More messages than any exchange needs; beyond, those in the middle go: how it began and how it ended decide.
const MESSAGES_MAX: usize = 48;
/// So much is kept of an answer: one to REGISTER that is longer says nothing more.
const BYTES_MAX: usize = 8 * 1024;

/// The messages of an exchange. They hold digests, so nothing here can be printed; [`Record::tell`] redacts them.
#[derive(Default)]
pub struct Record {
    messages: Vec<Recorded>,
    /// Our address as the carrier saw it.
    pub public: Option<SocketAddr>,
    /// Our end of the connection that was used last, where it was one.
    pub own: Option<SocketAddr>,
    /// TLS version and cipher suite.
    pub secured: Option<Box<str>>,
}

struct Recorded {
    at: Instant,
    /// Of its transaction: what went at one time went in that order.
    order: u64,
    sent: bool,
    local: Option<SocketAddr>,
    remote: SocketAddr,
    retransmissions: u32,
    bytes: Vec<u8>,
}

impl Record {
    /// Takes in what a transaction sent and what it heard. The request's bytes are moved, not copied, so that a second call adds no second
    /// request.
    pub fn note(&mut self, wire: &mut Wire, now: Instant, transaction: &mut Transaction, answer: Option<&Message<'_>>) {
        let (target, order) = (transaction.target.address, transaction.order);
        let opening = transaction.flow.and_then(|flow| wire.flows.at(flow)?.opening.as_ref());
        let local = opening.map(|opening| opening.local).or_else(|| wire.source(transaction.local));
        self.own = opening.map(|opening| opening.local);
        self.secured = opening.and_then(|opening| opening.secured.clone()).or(self.secured.take());
        if let (Some(bytes), Some(retransmissions)) = (transaction.take_request(), transaction.sends.checked_sub(1)) {
            self.push(Recorded { at: transaction.sent_at, order, sent: true, local, remote: target, retransmissions, bytes });
        }
        let received = |at, remote, bytes| Recorded { at, order, sent: false, local, remote, retransmissions: 0, bytes };
        if let Some(heard) = transaction.provisional.take() {
            self.push(received(heard.at, heard.source, heard.bytes));
        }
        if let Some(answer) = answer {
            self.public = super::endpoint::public_address(answer).or(self.public);
            self.push(received(now, transaction.answered_from, kept(wire, answer)));
        }
    }

    /// Gives the messages out in the order of their times, redacted, and is empty.
    pub fn tell(&mut self, wire: &mut Wire) -> Vec<AttemptMessage> {
        let mut messages = std::mem::take(&mut self.messages);
        messages.sort_by_key(|message| (message.at, message.order));
        messages
            .into_iter()
            .filter_map(|message| {
                let Recorded { at, sent, local, remote, retransmissions, bytes, .. } = message;
                let told = AttemptMessage { at, sent, local: local?, remote, retransmissions, bytes: redact(&bytes) };
                wire.reclaim(bytes);
                Some(told)
            })
            .collect()
    }

    /// Gives the buffers back: nobody is told.
    pub fn drop_into(&mut self, wire: &mut Wire) {
        self.messages.drain(..).for_each(|message| wire.reclaim(message.bytes));
    }

    fn push(&mut self, message: Recorded) {
        if self.messages.len() >= MESSAGES_MAX {
            self.messages.remove(MESSAGES_MAX / 2);
        }
        self.messages.push(message);
    }
}

/// Copies as much of a message as is kept.
pub fn kept(wire: &mut Wire, message: &Message<'_>) -> Vec<u8> {
    let bytes = message.bytes();
    let mut kept = wire.buffer();
    kept.extend_from_slice(bytes.get(..BYTES_MAX).unwrap_or(bytes));
    kept
}
