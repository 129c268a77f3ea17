//! Talks with the lab carrier, datagram by datagram. The other end computes its digests by `sip`, so the two check each other.

mod bindings;
mod challenges;
#[cfg(feature = "sockets")]
mod client;
mod connections;
mod final_answers;
mod network;
mod phone;
#[cfg(feature = "sockets")]
mod sockets;
#[cfg(feature = "sockets")]
mod streams;
#[cfg(feature = "sockets")]
mod tls;
