//! Connections on loopback, from a shard's side.

mod authority;
mod stage;
mod tcp;
mod tls;
mod websocket;
