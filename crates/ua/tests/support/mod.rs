//! Talks: an endpoint and a scripted registrar over virtual time. Nothing sleeps, and the same seed gives the same talk.

mod expect;
mod happening;
mod says;
mod sent;
mod setup;
mod talk;
mod zone;

pub use expect::*;
pub use happening::*;
pub use says::*;
pub use sent::Sent;
pub use setup::*;
pub use talk::{Talk, talk};
pub use zone::Zone;

use std::time::Duration;

/// So many seconds.
pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many milliseconds.
pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// A place that is reached by datagrams.
pub fn udp(address: &str) -> ua::Place {
    ua::Place { transport: ua::Transport::Udp, address: address.parse().unwrap() }
}
