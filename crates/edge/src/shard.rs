//! A shard: one thread, its sockets and its endpoint.

mod alarm;
mod icmp;
mod inbox;
mod outbox;
mod receive;
mod socket;
mod turn;
mod wire;

#[cfg(test)]
pub(crate) use inbox::Inbox;
pub(crate) use inbox::{Mailer, ToShard, inbox};
pub(crate) use socket::open;
pub(crate) use turn::{Shard, ShardParts};

#[cfg(test)]
mod tests;
