//! TLS towards registrars: whom we trust, which names a certificate has, and what we show of ourselves.
//!
//! The chain is verified by `webpki` alone; what is ours is which names are good for a SIP domain (RFC 5922), and saying in the terms of
//! [`ua::TlsFault`] what is wrong.

mod client;
mod fault;
mod identities;
mod identity;
mod judge;
mod roots;
mod shown;
mod words;

pub use identity::TlsIdentity;
pub use roots::check_roots;

pub(crate) use client::Clients;
pub(crate) use fault::{Phase, fault};
pub(crate) use identity::Wallet;
pub(crate) use shown::Shown;
