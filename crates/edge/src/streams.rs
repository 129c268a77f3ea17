//! Connections to registrars: streams, streams under TLS, WebSockets.
//!
//! Each connection is a task on a thread of its own beside the shards. A shard fills the connection's [`Lane`]; what comes goes to the
//! shard's inbox, so much of it at a time and no more: behind that the socket is not read.

mod connections;
mod dial;
mod fault;
mod lane;
mod line_ends;
mod stream;
mod task;
mod teller;
mod thread;
mod websocket;

pub(crate) use connections::Connections;
pub(crate) use teller::Received;
pub(crate) use thread::{Opener, Streams};

#[cfg(test)]
mod tests;
