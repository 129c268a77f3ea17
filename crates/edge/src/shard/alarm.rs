use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use crate::tally::Tally;

/// Tells if the thread that holds it fails.
pub(crate) struct Alarm(pub(crate) Arc<Tally>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.failed.store(true, Ordering::Relaxed);
            tracing::error!("a shard of the edge has failed; its registrations lapse: restart the edge, and report the panic above");
        }
    }
}
