use std::net::SocketAddr;
use std::time::Instant;

use sip::Uri;

/// A binding of an address-of-record to a Contact (RFC 3261 10.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The Contact's URI as it was sent.
    pub contact: String,
    /// The Contact's header parameters as they were sent, `expires` excepted.
    pub params: Vec<(String, Option<String>)>,
    /// The Call-ID that made or renewed it.
    pub call_id: String,
    /// The CSeq that made or renewed it.
    pub cseq: u32,
    /// Where that request came from.
    pub source: SocketAddr,
    /// On which connection; absent for a datagram.
    pub connection: Option<u64>,
    /// The seconds that were granted.
    pub granted: u32,
    /// When it lapses.
    pub expires_at: Instant,
}

impl Binding {
    /// Whether it runs.
    pub fn runs(&self, now: Instant) -> bool {
        self.expires_at > now
    }

    /// The seconds that remain, rounded up.
    pub fn remaining(&self, now: Instant) -> u64 {
        self.expires_at.saturating_duration_since(now).as_nanos().div_ceil(1_000_000_000).try_into().unwrap_or(u64::MAX)
    }

    /// Whether it is for this Contact: RFC 3261 19.1.4, or byte for byte for what is no SIP URI.
    pub(crate) fn is_for(&self, contact: &str) -> bool {
        match (Uri::parse(&self.contact), Uri::parse(contact)) {
            (Ok(ours), Ok(theirs)) => ours.equivalent(&theirs),
            _ => self.contact == contact,
        }
    }
}
