//! The registering user agent, sans-IO.
//!
//! One [`Endpoint`] owns a shard's registrations: their transactions, timers, pacing and state. It is driven through one door in,
//! [`Endpoint::handle`], and one door out, [`Endpoint::poll`]; it reads no clock, opens no socket and draws no randomness but from the
//! seeds that it is given, so that the same inputs at the same times give the same outputs. There is no task, socket, timer or lock per
//! registration. What was observed is judged in [`verdict`]; the words for it are `diagnosis`'.

pub mod account;
mod allowance;
mod answering;
pub mod attempt;
mod budget;
mod carrier;
mod challenge;
pub mod chance;
pub mod command;
mod desired;
mod drift;
pub mod endpoint;
pub mod event;
mod flow;
mod flows;
mod granted;
pub mod locate;
mod ping;
pub mod planning;
mod probe;
pub mod profile;
mod record;
mod registration;
mod renewal;
mod request;
mod routes;
mod slab;
mod slots;
mod targets;
pub mod time;
mod transport;
pub mod verdict;
mod wheel;
mod wire;

pub use account::{Account, ContactSpec, Credential, DigestPolicy, OnDowngrade, PolicySource, ProxyCredential, Secret};
pub use attempt::{Attempt, AttemptKind, AttemptMessage, Drift};
pub use chance::Seeds;
pub use command::{
    Action, Assignment, Command, Generation, Input, Local, Query, Resolution, ResolveFault, SendFault, Socket, VerifyMode, VerifyOrder,
    Withdrawal,
};
pub use endpoint::{Config, Counters, Endpoint};
pub use event::{
    Event, Negotiated, OptionsState, OptionsStatus, Outcome, Output, RegistrationState, Resume, ResumeBinding, ResumeFailed, ResumeNonce,
    Status, Verdict, VerifyStep,
};
pub use flow::{Dial, Flow, FlowFault, Opening, TlsFault, TlsSettings};
pub use locate::{Naptr, Place, Question, Records, Srv};
pub use profile::{ContactReplacement, FailureBudget, Manners, NonceReuse, OptionsPing, Pacing, Profile, VerifyBy};
pub use renewal::{Renewal, Times};
pub use routes::Routes;
pub use sip::digest::{Algorithm, Hash};
pub use time::Instant;
pub use transport::Transport;
