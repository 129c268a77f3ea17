//! Talks with the lab carrier, datagram by datagram. The other end computes its digests by `sip`, so the two check each other.

mod bindings;
mod challenges;
mod final_answers;
mod network;
mod phone;
#[cfg(feature = "sockets")]
mod sockets;
