//! What control plane and edges say to each other.
//!
//! The control plane orders ([`ToEdge`]): carriers, assignments, verifications, actions. An edge reports ([`FromEdge`]): status,
//! verdicts, accepted and refused credentials. Desired and observed state never share a type. A secret crosses only [`Sealed`] to the one
//! edge that is at the other end. Today the two ends meet [in process](pair); the same messages are to travel over one HTTP/2 stream.

mod assignment;
mod attempt;
mod carrier;
mod edge;
mod pair;
mod reach;
pub mod render;
mod report;
mod seal;
mod status;
mod verification;

pub use assignment::{Account, Assignment, Contact, Credential, DigestPolicy, Generation, OnDowngrade, PolicySource, ProxyTerms};
pub use attempt::{Attempt, AttemptKind, AttemptMessage, Drift, NO_CARRIER};
pub use carrier::{
    CarrierProfile, ContactReplacement, FailureBudget, Manners, NonceReuse, OptionsPing, Pacing, TlsSettings, Transport, VerifyBy,
};
pub use edge::{Hello, Sites};
pub use pair::{Action, ControlEnd, EdgeEnd, LinkClosed, ToEdge, Withdrawal, pair};
pub use reach::is_public;
pub use report::FromEdge;
pub use seal::{SealError, SealKey, Sealed, Secret, Secrets};
pub use status::{Negotiated, OptionsState, OptionsStatus, RegistrationState, Renewal, TrunkStatus};
pub use verification::{Outcome, Step, Verdict, VerifyMode, VerifyOrder};

/// Microseconds since the Unix epoch, UTC.
pub type UnixMicros = i64;
