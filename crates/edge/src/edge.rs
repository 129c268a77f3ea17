use crate::{Bound, Config, Counters, StartError};

/// A running edge.
pub struct Edge {}

impl Edge {
    /// Opens sockets and state, so that the real ports are known before a control plane is.
    ///
    /// # Errors
    /// [`StartError`], one line that says what to do.
    pub fn bind(config: Config) -> Result<Bound, StartError> {
        Bound::open(config)
    }

    /// Returns what was counted.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }

    /// Stops in order: un-registers nothing and saves what a restart goes on from. Blocks, at most five seconds.
    pub fn stop(self) {}
}
