use diagnosis::{Diagnosis, Evidence};
use serde::{Deserialize, Serialize};

use crate::{Account, CarrierProfile, Credential, DigestPolicy, Negotiated, UnixMicros, VerifyBy};

/// Credentials to be tried at a carrier from this edge.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VerifyOrder {
    /// Names the verification; ordered again, it is answered from memory and never costs a second digest.
    pub id: String,
    /// The trunk whose credentials are tried; absent where they belong to none.
    pub trunk: Option<String>,
    /// Where to ask.
    pub carrier: CarrierProfile,
    /// Who asks.
    pub account: Account,
    /// What may be answered.
    pub policy: DigestPolicy,
    /// What is tried; may be absent where only the challenge is asked for.
    /// Sealed with the trunk's id (empty where it belongs to none) and the version as associated data.
    pub credential: Option<Credential>,
    /// How far to go.
    pub mode: VerifyMode,
    /// By which request; the profile's choice, or the caller's.
    pub by: VerifyBy,
    /// It may put a Contact at the carrier to find out. Not for a trunk out of service: another system may hold the account's only binding.
    pub may_bind: bool,
    /// A person waits: may use the reserved failed digest.
    pub by_person: bool,
    /// So long may it take, in milliseconds; a verdict comes no later.
    pub patience_ms: u64,
}

/// How far a verification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyMode {
    /// Learns realm and algorithms; sends no digest.
    ChallengeOnly,
    /// Sends one digest.
    Digest,
}

/// What a verification has behind it, in order; the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// An address of the registrar is known.
    Resolve,
    /// It has answered.
    Reach,
    /// Its challenge agrees with what was asked for and allowed; the digest follows.
    Challenge,
}

/// How a verification ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The order's id.
    pub id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Realm and algorithm that were answered, or would have been.
    pub negotiated: Option<Negotiated>,
    /// What was seen, whatever the outcome.
    pub evidence: Evidence,
    /// When it ended.
    pub at: UnixMicros,
}

/// How a verification ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// A challenge, one digest, a 2xx.
    Proved,
    /// Only the challenge was asked for, and it can be answered.
    Learned,
    /// A 2xx without a challenge, and the profile accepts that.
    AcceptedUnproven,
    /// Refused, or not to be decided.
    Refused(Box<Diagnosis>),
}
