//! SIP on paper: messages, URIs, header values, message building and digest.
//!
//! - [`Message`] indexes a datagram once, without allocation, and borrows from it; header values are parsed when asked
//!   for, so a broken header that nobody reads costs nothing and hides nothing.
//! - Framing is strict (RFC 3261 7, 18.3): bare line feeds, conflicting lengths and truncated bodies are refused.
//! - No input panics; numbers from the wire are checked; every limit is a named constant.
//! - [`digest`] answers a [`Challenge`] by RFC 7616 and RFC 8760; [`build`] writes messages that cannot be split by a
//!   value; [`redact`](redact()) makes a message fit for a log; [`form`] judges what a caller typed before anything is sent,
//!   and [`form_rules`] has its rules as one table.
//! - No I/O, no clock, no randomness: the caller brings cnonces, tags and branches.

mod auth_info;
mod auth_params;
pub mod build;
mod challenge;
mod challenge_fault;
mod challenge_list;
mod contact;
mod cseq;
pub mod digest;
mod field_error;
pub mod form;
pub mod form_rules;
mod framing;
mod host;
mod lex;
mod message;
mod name;
mod name_addr;
mod params;
mod parse_error;
mod plain_reply;
mod redact;
mod seconds;
mod start_line;
pub mod stream;
mod uri;
mod uri_equivalence;
mod uri_error;
mod via;

pub use auth_info::AuthenticationInfo;
pub use challenge::{AlgorithmOffer, CHALLENGE_BYTES_MAX, Challenge, QopOffer};
pub use challenge_fault::{ChallengeFault, ChallengeSource};
pub use contact::Contact;
pub use cseq::CSeq;
pub use field_error::FieldError;
pub use host::Host;
pub use message::{HEADERS_MAX, MESSAGE_BYTES_MAX, Message};
pub use name::Name;
pub use name_addr::NameAddr;
pub use params::Params;
pub use parse_error::ParseError;
pub use plain_reply::PlainReply;
pub use redact::redact;
pub use start_line::Start;
pub use uri::{Scheme, Uri};
pub use uri_error::UriError;
pub use via::{Via, ViaMarks};
