use std::net::SocketAddr;

use crate::Transport;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Over what.
    pub transport: Transport,
    /// From where.
    pub source: SocketAddr,
    /// On which connection; absent for a datagram.
    pub connection: Option<u64>,
}

impl Arrival {
    /// A datagram's.
    pub(crate) fn datagram(source: SocketAddr) -> Self {
        Arrival { transport: Transport::Udp, source, connection: None }
    }
}
