//! What waits to be ordered from one edge. Nothing is dropped: what grows with callers is bounded by them, what grows with trunks is
//! coalesced by trunk.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use link::ToEdge;
use tokio::sync::Notify;

/// So many trunks are converged at a time, so that an urgent order waits behind no more.
pub const BATCH: usize = 256;

/// What waits to be ordered from one edge; filled from anywhere without waiting, emptied by the edge's own task.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    urgent: VecDeque<ToEdge>,
    carriers: BTreeSet<String>,
    trunks: BTreeSet<String>,
    everything: bool,
    closed: bool,
}

/// The next thing to do, in the order of haste.
#[derive(Debug)]
pub enum Work {
    /// An order to be sent as it is.
    Send(ToEdge),
    /// A carrier's profile changed, and with it all its trunks.
    Carrier(String),
    /// These trunks may differ from what the edge was told.
    Trunks(Vec<String>),
    /// Anything may differ.
    Everything,
    /// The edge was detached.
    Closed,
}

impl Outbox {
    /// Puts an order that does not wait behind convergence: a verification or an action.
    pub fn push(&self, order: ToEdge) {
        self.lock().urgent.push_back(order);
        self.filled.notify_one();
    }

    /// Notes that a trunk's desired state may have changed.
    pub fn trunk(&self, trunk: &str) {
        let mut waiting = self.lock();
        if !waiting.everything && !waiting.trunks.contains(trunk) {
            waiting.trunks.insert(trunk.to_owned());
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Notes that a carrier's profile may have changed.
    pub fn carrier(&self, carrier: &str) {
        let mut waiting = self.lock();
        if !waiting.everything {
            waiting.carriers.insert(carrier.to_owned());
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Notes that anything may have changed.
    pub fn everything(&self) {
        let mut waiting = self.lock();
        waiting.everything = true;
        // Whatever comes in from here on is noted anew: the walk through everything may have passed it already.
        waiting.trunks.clear();
        waiting.carriers.clear();
        drop(waiting);
        self.filled.notify_one();
    }

    /// Ends the edge's task.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Takes an urgent order if there is one.
    pub fn urgent(&self) -> Option<ToEdge> {
        self.lock().urgent.pop_front()
    }

    /// Waits for the next thing to do. One caller at a time.
    pub async fn next(&self) -> Work {
        loop {
            if let Some(work) = self.take() {
                return work;
            }
            self.filled.notified().await;
        }
    }

    fn take(&self) -> Option<Work> {
        let mut waiting = self.lock();
        if waiting.closed {
            return Some(Work::Closed);
        }
        if let Some(order) = waiting.urgent.pop_front() {
            return Some(Work::Send(order));
        }
        if waiting.everything {
            waiting.everything = false;
            return Some(Work::Everything);
        }
        if let Some(carrier) = waiting.carriers.pop_first() {
            return Some(Work::Carrier(carrier));
        }
        if waiting.trunks.is_empty() {
            return None;
        }
        let mut batch = Vec::with_capacity(waiting.trunks.len().min(BATCH));
        while batch.len() < BATCH
            && let Some(trunk) = waiting.trunks.pop_first()
        {
            batch.push(trunk);
        }
        Some(Work::Trunks(batch))
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use link::Action;

    use super::*;

    #[tokio::test]
    async fn a_trunk_noted_often_is_converged_once_and_urgent_orders_go_first() {
        let outbox = Outbox::default();
        for _ in 0..1_000 {
            outbox.trunk("t1");
        }
        outbox.push(ToEdge::Act { trunk: "t2".into(), action: Action::Refresh });
        assert!(matches!(outbox.next().await, Work::Send(ToEdge::Act { .. })));
        assert!(matches!(outbox.next().await, Work::Trunks(trunks) if trunks == ["t1"]));
        assert!(outbox.take().is_none());
    }

    #[tokio::test]
    async fn everything_swallows_what_was_noted_before_but_not_after() {
        let outbox = Outbox::default();
        outbox.trunk("t1");
        outbox.carrier("c1");
        outbox.everything();
        assert!(matches!(outbox.next().await, Work::Everything));
        assert!(outbox.take().is_none());
        outbox.trunk("t2");
        assert!(matches!(outbox.next().await, Work::Trunks(trunks) if trunks == ["t2"]));
    }

    #[tokio::test]
    async fn many_trunks_come_in_batches() {
        let outbox = Outbox::default();
        for n in 0..BATCH + 1 {
            outbox.trunk(&format!("t{n:04}"));
        }
        assert!(matches!(outbox.next().await, Work::Trunks(trunks) if trunks.len() == BATCH));
        assert!(matches!(outbox.next().await, Work::Trunks(trunks) if trunks.len() == 1));
    }
}
