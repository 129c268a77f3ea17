use std::sync::atomic::{AtomicBool, Ordering};

use super::StoreError;

/// Whether what the data lie on takes changes, as far as the last one shows.
#[derive(Debug, Default)]
pub(super) struct Storage {
    failing: AtomicBool,
}

impl Storage {
    /// Notes what came of a change.
    pub(super) fn note(&self, error: &StoreError) {
        if error.is_of_storage() && !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "changes cannot be written; registrations go on, nothing is acknowledged until they can");
        }
    }

    /// Notes that a change was written.
    pub(super) fn wrote(&self) {
        if self.failing.load(Ordering::Relaxed) && self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("changes are written again");
        }
    }

    pub(super) fn is_well(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }
}
