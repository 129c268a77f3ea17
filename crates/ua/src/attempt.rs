//! One exchange with a carrier, kept as evidence.

use std::net::SocketAddr;
use std::sync::Arc;

use diagnosis::Diagnosis;

use crate::{Instant, Negotiated, Transport};

/// One exchange with a carrier. Its messages are redacted already.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Unique; a verification's is its order's. A diagnosis names it as `attempt_id`.
    pub id: Arc<str>,
    /// The trunk, where it belongs to one.
    pub trunk: Option<Arc<str>>,
    /// The carrier's id.
    pub carrier: Arc<str>,
    /// What it was for.
    pub kind: AttemptKind,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Instant,
    /// The next hop as configured.
    pub registrar: Box<str>,
    /// The addresses that were tried, in order.
    pub targets: Vec<SocketAddr>,
    /// How the last of them was reached.
    pub transport: Transport,
    /// TLS version and cipher suite, where there was TLS.
    pub secured: Option<Box<str>>,
    /// Our own address.
    pub source: Option<SocketAddr>,
    /// Our address as the carrier saw it.
    pub public: Option<SocketAddr>,
    /// What went and came, in order.
    pub messages: Vec<AttemptMessage>,
    /// It ended well.
    pub accepted: bool,
    /// What was agreed upon.
    pub negotiated: Option<Negotiated>,
    /// Why it ended as it did, if not well.
    pub diagnosis: Option<Box<Diagnosis>>,
    /// What the carrier does otherwise than before.
    pub changes: Vec<Drift>,
}

/// What an exchange was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttemptKind {
    /// The first registration since the trunk was last bound.
    FirstRegistration,
    /// A renewal of the binding.
    Refresh,
    /// The removal of the binding.
    Removal,
    /// Credentials were tried.
    Verification,
}

/// One message of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptMessage {
    /// When it went or came; a retransmitted request stands once, at its first time.
    pub at: Instant,
    /// We sent it.
    pub sent: bool,
    /// Our address.
    pub local: SocketAddr,
    /// The other side's.
    pub remote: SocketAddr,
    /// How often it was sent again.
    pub retransmissions: u32,
    /// The message, redacted (`sip::redact`).
    pub bytes: Vec<u8>,
}

/// Something that a carrier does otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// `realm`, `algorithm`, `qop`, `offered` or `expires`.
    pub what: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}
