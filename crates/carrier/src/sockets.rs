//! Registrars on real sockets: UDP, TCP, TLS, and WebSocket over either (RFC 7118).

mod batches;
mod bytes;
mod connection;
mod datagrams;
mod frames;
mod identity;
mod lab;
mod open;
mod station;
mod streams;

pub use batches::Batches;
pub use lab::{Lab, ListenError};
