//! OPTIONS keep-alive: once per local socket and target, never per trunk.

use std::time::Duration;

use crate::locate::Place;
use crate::request::Identity;
use crate::slab::Key;
use crate::wheel::TimerKey;
use crate::{Instant, Local, OptionsPing, OptionsState, OptionsStatus};

/// The keep-alive of one address.
#[derive(Debug)]
pub struct Ping {
    /// The place.
    pub target: Place,
    /// The registrar's URI, as Request-URI.
    pub uri: Box<str>,
    /// From this socket.
    pub local: Local,
    /// Call-ID, tag and CSeq.
    pub identity: Identity,
    /// What the operator sees.
    pub status: OptionsStatus,
    /// The OPTIONS that is out.
    pub out: Option<Key>,
    /// The next one.
    pub timer: Option<TimerKey>,
    successes: u32,
    failures: u32,
}

impl Ping {
    /// Begins to ask an address.
    pub fn new(target: Place, uri: &str, local: Local, identity: Identity) -> Self {
        Ping {
            target,
            uri: uri.into(),
            local,
            identity,
            status: OptionsStatus::default(),
            out: None,
            timer: None,
            successes: 0,
            failures: 0,
        }
    }

    /// Takes a final answer: any but 408 and 503 proves that it is reachable. Tells whether the state changed.
    pub fn answered(&mut self, now: Instant, code: u16, round_trip: Duration, limits: &OptionsPing) -> bool {
        if matches!(code, 408 | 503) {
            return self.silent(now, limits);
        }
        self.status.round_trip = Some(round_trip);
        self.failures = 0;
        self.successes = self.successes.saturating_add(1);
        self.successes >= limits.success_threshold && self.turn(now, OptionsState::Up)
    }

    /// Takes silence. Tells whether the state changed.
    pub fn silent(&mut self, now: Instant, limits: &OptionsPing) -> bool {
        self.successes = 0;
        self.failures = self.failures.saturating_add(1);
        self.failures >= limits.failure_threshold && self.turn(now, OptionsState::Down)
    }

    fn turn(&mut self, now: Instant, state: OptionsState) -> bool {
        if self.status.state == state {
            return false;
        }
        self.status.state = state;
        self.status.since = Some(now);
        true
    }
}
