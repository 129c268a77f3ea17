//! A carrier of a few lines and a control plane of fewer, for the edge to stand between.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part")]

pub mod control;
pub mod dns;
pub mod registrar;

pub use control::{Lab, edge_config};
pub use registrar::{Registrar, Seen};

use std::time::{Duration, Instant};

/// What must happen happens within so long, on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// Asks until the answer is yes.
pub fn until(what: &str, mut ask: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !ask() {
        assert!(Instant::now() < end, "{what}: not within {DEADLINE:?}");
        std::thread::yield_now();
    }
}
