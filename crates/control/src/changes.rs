//! What was changed and committed, for whoever brings the edges to it.

use tokio::sync::mpsc;

/// A committed change of the desired state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// The organisation's settings.
    Organization,
    /// A carrier's profile.
    Carrier(String),
    /// A carrier is gone; no trunk used it.
    CarrierDeleted(String),
    /// A site, or which sites there are.
    Site(String),
    /// A site is gone; no trunk was in it.
    SiteDeleted(String),
    /// A trunk is new or changed.
    Trunk(String),
    /// A trunk is gone.
    TrunkDeleted {
        /// Its id.
        id: String,
        /// The site whose edges served it.
        site: String,
        /// The carrier that it used.
        carrier: String,
    },
    /// An edge's settings, such as drain.
    Edge(String),
}

/// Announces changes after their commit. Never waits: what is announced is small, and whoever reads it looks the rest up in the store.
#[derive(Clone, Debug)]
pub struct Changes {
    queue: mpsc::UnboundedSender<Change>,
}

/// Yields the changes in the order of their announcement.
#[derive(Debug)]
pub struct ChangesReader {
    queue: mpsc::UnboundedReceiver<Change>,
}

/// Makes both ends.
pub fn changes() -> (Changes, ChangesReader) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Changes { queue: sender }, ChangesReader { queue: receiver })
}

impl Changes {
    /// Tells that a change is committed.
    pub fn announce(&self, change: Change) {
        // Without a reader the control plane is shutting down, and edges get a snapshot at the next start.
        let _ = self.queue.send(change);
    }
}

impl ChangesReader {
    /// Takes up to `limit` changes without repetitions, waiting for the first; none after the last handle is gone.
    pub async fn batch(&mut self, limit: usize) -> Vec<Change> {
        let mut batch = Vec::new();
        self.queue.recv_many(&mut batch, limit).await;
        let mut seen = std::collections::HashSet::new();
        batch.retain(|change| seen.insert(change.clone()));
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn repeated_changes_of_a_batch_are_told_once() {
        let (changes, mut reader) = changes();
        for _ in 0..3 {
            changes.announce(Change::Trunk("t1".into()));
        }
        changes.announce(Change::Organization);
        assert_eq!(reader.batch(10).await, [Change::Trunk("t1".into()), Change::Organization]);
    }
}
