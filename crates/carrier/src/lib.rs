//! The lab carrier: a SIP registrar with the temperaments of real carriers, for tests, demo and benchmarks.
//!
//! - [`Carrier::handle`] takes a datagram, [`Carrier::handle_on`] a message of a connection, and gives what is sent back, and when.
//!   Sans-IO: time comes as an argument, chance from a seed.
//! - Bindings follow RFC 3261 10.3, nonces are a MAC over time, counts must rise; all else is [`Temperament`], selected by the
//!   rows of `carriers.md` ([`rows`]) or field by field, from Rust or from a small TOML file ([`Config`]).
//! - It computes digests by code of its own (RFC 2069, 2617, 7616), so that an error in `sip` cannot cancel itself out.
//! - It counts and remembers what it saw ([`Counters`], [`Seen`]), so that a test can ask the other side.
//! - With feature `sockets` a `sockets::Lab` serves several registrars on real sockets: UDP, TCP, TLS, WebSocket.
//! - [`fast`] is a registrar that only measures, for benchmarks; `sockets::Batches` serves it.
//! - With feature `certificates` there are certificates of every kind, made at run time.

mod account;
mod algorithm;
mod answer;
mod arrival;
mod authenticate;
mod authorization;
mod binding;
mod block;
mod border;
mod call;
mod carrier;
mod certificate_kind;
#[cfg(feature = "certificates")]
pub mod certificates;
mod challenge;
mod chance;
mod config;
mod connection;
mod counters;
mod digest;
pub mod fast;
mod forgery;
mod listen;
mod listing;
mod nonce;
mod password;
mod phrase;
mod refusal;
mod register;
mod request;
mod rows;
mod seen;
#[cfg(feature = "sockets")]
pub mod sockets;
mod temperament;
mod tls;
mod transaction;

pub use account::Account;
pub use binding::Binding;
pub use border::Border;
pub use carrier::{Carrier, Reply};
pub use certificate_kind::CertificateKind;
pub use challenge::Challenge;
pub use config::{Config, ConfigError, Registrar};
pub use connection::{Connection, Greeting};
pub use counters::Counters;
pub use listen::{Listen, Transport};
pub use password::Password;
pub use refusal::{Refusal, When, Which};
pub use rows::{Row, rows};
pub use seen::{DigestSeen, Seen};
pub use temperament::{GrantShown, Listing, NonceBound, Temperament, WebSocketManner};
pub use tls::Tls;
