use diagnosis::Diagnosis;
use serde::{Deserialize, Serialize};

use crate::{Negotiated, UnixMicros};

/// Stands in the place of a carrier's id where there is no profile; no carrier may have it.
pub const NO_CARRIER: &str = "~";

/// One exchange with a carrier, kept as evidence. Its messages are redacted where they were made (`sip::redact`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Unique; a verification's is the order's id, and a diagnosis names it as `attemptId`.
    pub id: String,
    /// The trunk, where it belongs to one.
    pub trunk: Option<String>,
    /// The carrier's id; [`NO_CARRIER`] where the target was given for this once.
    pub carrier: String,
    /// The edge's id.
    pub edge: String,
    /// What it was for.
    pub kind: AttemptKind,
    /// When it began.
    pub started_at: UnixMicros,
    /// When it ended.
    pub ended_at: UnixMicros,
    /// The next hop as configured, a SIP URI.
    pub registrar: String,
    /// What the name led to, in the order of the tries, `ADDR:PORT`; empty where it led nowhere.
    pub targets: Vec<String>,
    /// `udp`, `tcp`, `tls`, `ws` or `wss`.
    pub transport: String,
    /// TLS version and cipher suite, such as `TLS 1.3 TLS13_AES_128_GCM_SHA256`, where there was TLS.
    #[serde(default)]
    pub secured: Option<String>,
    /// The edge's own address, `ADDR:PORT`.
    pub source_address: Option<String>,
    /// The edge's address as the carrier saw it.
    pub public_address: Option<String>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptMessage {
    /// When it went or came; a retransmitted request stands once, at its first time.
    pub at: UnixMicros,
    /// The edge sent it.
    pub sent: bool,
    /// The edge's address, `ADDR:PORT`.
    pub local: String,
    /// The other side's address, `ADDR:PORT`.
    pub remote: String,
    /// How often it was sent again.
    pub retransmissions: u32,
    /// The message, redacted. Bytes: carriers do not promise UTF-8.
    pub bytes: Vec<u8>,
}

/// Something that a carrier does otherwise than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// `realm`, `algorithm`, `qop`, `offered` or `expires`.
    pub what: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}
