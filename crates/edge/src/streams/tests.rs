//! Connections on loopback, from a shard's side.

mod stage;
mod tcp;
