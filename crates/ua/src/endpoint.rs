//! The endpoint: everything of a shard.

use crate::{Input, Instant, Output, Resume, Seeds, Socket};

/// How an endpoint is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its UDP sockets; `Local` is the place in this list. At least one.
    pub sockets: Vec<Socket>,
    /// User-Agent, unless an account has its own.
    pub user_agent: Box<str>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTER requests, retransmissions not counted.
    pub registers: u64,
    /// Retransmitted requests.
    pub retransmissions: u64,
    /// Datagrams that are no SIP, or belong to nothing of ours.
    pub strangers: u64,
    /// Registrations that are bound now.
    pub bound: u64,
}

/// A shard's registrations and all that keeps them.
pub struct Endpoint {
    _config: Config,
}

impl Endpoint {
    /// Makes an endpoint without registrations.
    pub fn new(config: Config, _seeds: Seeds) -> Self {
        Endpoint { _config: config }
    }

    /// Takes something in at its time. Then call `poll` until it says when to wake.
    pub fn handle(&mut self, _now: Instant, _input: Input<'_>) {}

    /// Gives the next thing to do. Extra calls are harmless.
    pub fn poll(&mut self, _now: Instant) -> Output<'_> {
        Output::Wake(None)
    }

    /// Returns what to keep of every registration when the endpoint is stopped in order (`clean`).
    pub fn snapshot(&self) -> Vec<Resume> {
        Vec::new()
    }

    /// Returns what was counted.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
