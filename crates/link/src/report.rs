use diagnosis::Diagnosis;
use serde::{Deserialize, Serialize};

use crate::{Attempt, Generation, Negotiated, Renewal, Step, TrunkStatus, UnixMicros, Verdict};

/// What an edge reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromEdge {
    /// Observed states that changed, the latest of each trunk, at most 250 ms old.
    Status(Vec<TrunkStatus>),
    /// Bindings that were renewed, and nothing else about them is new. Each follows the trunk's latest status.
    Renewed(Vec<Renewal>),
    /// An exchange that is kept as evidence. A verification's comes before the verdict that names it.
    Attempt(Box<Attempt>),
    /// A verification that is on has come so far; not told again after a restart of the edge.
    Progress {
        /// The order's id.
        verification: String,
        /// What is behind it.
        step: Step,
    },
    /// A verification has ended.
    Verdict(Box<Verdict>),
    /// The carrier accepted a credential version: the first time after it was assigned, and whenever what was negotiated changes.
    Accepted {
        /// The trunk's id.
        trunk: String,
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
        /// A digest was asked for and accepted.
        authenticated: bool,
        /// Realm and algorithm, to be pinned.
        negotiated: Option<Negotiated>,
        /// When the answer came.
        at: UnixMicros,
    },
    /// The carrier refused a credential version of the registration itself.
    Refused {
        /// The trunk's id.
        trunk: String,
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
        /// A digest was sent, so it counts as a failed digest.
        digest_sent: bool,
        /// The version is held: it is not tried again by itself.
        held: bool,
        /// Why.
        diagnosis: Box<Diagnosis>,
        /// When the answer came.
        at: UnixMicros,
    },
    /// Another holds the place of a trunk's binding at the registrar; told when it begins.
    BindingContested {
        /// The trunk's id.
        trunk: String,
        /// The Contacts that the registrar lists and that are not ours, cut to a bounded length.
        listed: Vec<String>,
        /// When the answer came.
        at: UnixMicros,
    },
    /// Calls came that nobody here answers.
    CallUnrouted {
        /// Who sent them, `ADDR:PORT`.
        source: String,
        /// How many.
        count: u64,
        /// When the latest came.
        at: UnixMicros,
    },
    /// A withdrawn trunk's binding is gone from the carrier, or has lapsed.
    Unregistered {
        /// The trunk's id.
        trunk: String,
    },
}
