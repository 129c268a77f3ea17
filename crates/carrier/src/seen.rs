use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use crate::{Transport, Which};

/// So many requests are remembered; older ones are forgotten.
const SEEN_MAX: usize = 10_000;

/// A request that was seen, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// From where.
    pub source: SocketAddr,
    /// Over what.
    pub transport: Transport,
    /// On which connection; absent for a datagram.
    pub connection: Option<u64>,
    /// Its method.
    pub method: String,
    /// The user of the address-of-record (To).
    pub user: String,
    /// Its Call-ID.
    pub call_id: String,
    /// Its CSeq number.
    pub cseq: u32,
    /// What kind of REGISTER.
    pub kind: Option<Which>,
    /// The first Contact's URI.
    pub contact: Option<String>,
    /// The seconds asked for, by the first Contact or Expires.
    pub expires: Option<u32>,
    /// What its digest was like.
    pub digest: DigestSeen,
    /// The final answer; silence where absent.
    pub answer: Option<u16>,
}

/// What a request's digest was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DigestSeen {
    /// There was none, or none was looked at.
    #[default]
    None,
    /// Right, over a good nonce.
    Right,
    /// Wrong.
    Wrong,
    /// Right, over a nonce that is not good.
    Stale,
    /// Not to be read, or no answer to a challenge of ours.
    Unreadable,
}

/// The latest requests.
#[derive(Debug, Default)]
pub(crate) struct Log(VecDeque<Seen>);

impl Log {
    pub(crate) fn push(&mut self, seen: Seen) {
        if self.0.len() == SEEN_MAX {
            self.0.pop_front();
        }
        self.0.push_back(seen);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.0.iter()
    }
}
