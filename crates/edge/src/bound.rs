use std::net::SocketAddr;
use std::sync::Arc;

use ua::{Endpoint, Seeds};

use crate::clock::Clock;
use crate::gate::Gate;
use crate::listen::{self, Sockets};
use crate::resolve::Families;
use crate::state::{self, Saved, Writer};
use crate::tally::Tally;
use crate::tls::{Clients, Wallet};
use crate::{Config, Edge, StartError};

/// An edge whose sockets and state are open, and that sends nothing yet.
pub struct Bound {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) gate: Arc<Gate>,
    pub(crate) families: Families,
    pub(crate) shards: Vec<(Sockets, Endpoint)>,
    pub(crate) saved: Saved,
    pub(crate) writer: Writer,
    pub(crate) tally: Arc<Tally>,
    pub(crate) clients: Arc<Clients>,
}

impl Bound {
    pub(crate) fn open(config: Config) -> Result<Self, StartError> {
        let clock = Clock::new();
        let gate = Arc::new(Gate::new(&config.allow_targets, &config.allow_ports));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = Arc::new(Clients::new(Wallet::open(&config.tls_identities, &provider)?, provider));
        let sockets = listen::open(&config, &gate)?;
        let all = sockets.iter().flat_map(|shard| &shard.told);
        let families = Families::of(all.map(|socket| socket.address)).ok_or(StartError::NoUsableAddress)?;
        let tally = Arc::new(Tally::new(sockets.len()));
        let (saved, writer) = state::open(&config.data, &clock, Arc::clone(&tally))?;
        let shards = sockets.into_iter().map(with_endpoint).collect::<Result<_, _>>()?;
        Ok(Bound { config, clock, gate, families, shards, saved, writer, tally, clients })
    }

    /// Introduces the edge to a control plane.
    pub fn hello(&self) -> link::Hello {
        self.config.hello(self)
    }

    /// Returns the addresses that it listens on, with the real ports.
    pub fn local(&self) -> Vec<SocketAddr> {
        self.sockets().map(|socket| socket.address).collect()
    }

    /// Returns how many registrations were saved before this start, and whether the edge was stopped in order.
    pub fn saved(&self) -> (usize, bool) {
        (self.saved.len(), self.saved.is_clean())
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = &ua::Socket> {
        self.shards.iter().flat_map(|(sockets, _)| &sockets.told)
    }

    /// Starts the edge at its end of the link. It brings its own threads and needs no runtime around it.
    ///
    /// # Panics
    /// If the system gives no threads.
    pub fn start(self, end: link::EdgeEnd) -> Edge {
        Edge::start(self, end).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn with_endpoint(sockets: Sockets) -> Result<(Sockets, Endpoint), StartError> {
    let mut jitter = [0; 8];
    let mut tokens = [0; 32];
    getrandom::fill(&mut jitter)
        .and_then(|()| getrandom::fill(&mut tokens))
        .map_err(|error| StartError::System { what: "entropy", source: std::io::Error::other(error) })?;
    let config = ua::Config { sockets: sockets.told.clone(), user_agent: concat!("Trunkline/", env!("CARGO_PKG_VERSION")).into() };
    Ok((sockets, Endpoint::new(config, Seeds { jitter: u64::from_ne_bytes(jitter), tokens })))
}
