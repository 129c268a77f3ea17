use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use ua::Instant;

/// RFC 3261 17.1.2.2 timer F, and a tick of the endpoint's wheel.
pub const TIMER_F: Duration = Duration::from_micros(32_000_000 + 1_024);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Binds or renews.
    Bind,
    /// Removes a binding.
    Remove,
    /// A verification's, by a Call-ID of its own.
    Probe,
    /// OPTIONS, or no trunk's.
    Other,
}

impl Kind {
    /// Its name in a trace.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Bind => "REGISTER",
            Kind::Remove => "un-REGISTER",
            Kind::Probe => "REGISTER (verification)",
            Kind::Other => "OPTIONS",
        }
    }
}

/// A client transaction as it looks from outside.
#[derive(Debug)]
pub struct Transaction {
    /// Whose.
    pub trunk: Option<usize>,
    /// What for.
    pub kind: Kind,
    /// A hash of its datagram.
    pub print: u64,
    /// Where to.
    pub to: SocketAddr,
    /// When it was sent first.
    pub first_at: Instant,
    /// How often it was sent again.
    pub again: u32,
    /// Its CSeq.
    pub cseq: u32,
    /// Its final answer has come.
    pub answered: bool,
    /// Seconds asked for.
    pub asked: u32,
    /// The URI of its Contact.
    pub contact: Box<str>,
    /// It carries a digest over a nonce of this very attempt.
    pub fresh_digest: bool,
    /// It carries a digest.
    pub digest: bool,
}

/// All client transactions of the last minute, and the CSeq of every Call-ID.
#[derive(Debug, Default)]
pub struct Transactions {
    by_branch: HashMap<Box<str>, Transaction>,
    cseqs: HashMap<Box<str>, u32>,
}

impl Transactions {
    /// Finds one.
    pub fn at(&mut self, branch: &str) -> Option<&mut Transaction> {
        self.by_branch.get_mut(branch)
    }

    /// Begins one. Returns the CSeq that its Call-ID had before.
    pub fn begin(&mut self, branch: &str, call_id: &str, transaction: Transaction) -> Option<u32> {
        let before = match self.cseqs.get_mut(call_id) {
            Some(last) => Some(std::mem::replace(last, transaction.cseq.max(*last))),
            None => {
                self.cseqs.insert(call_id.into(), transaction.cseq);
                None
            }
        };
        self.by_branch.insert(branch.into(), transaction);
        before
    }

    /// Forgets those that nothing can belong to any more.
    pub fn forget_old(&mut self, now: Instant) {
        self.by_branch.retain(|_, transaction| now.since(transaction.first_at) < TIMER_F * 3);
    }
}
