use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use link::FromEdge;
use tokio::sync::Notify;
use ua::{Event, Instant};

use crate::tally::Tally;

/// So many events wait for a control plane that takes none. Statuses are bounded by the number of trunks.
const EVENTS_MAX: usize = 1 << 18;

/// What is to be told to the control plane: the latest status of each trunk, and every event, in order.
pub(crate) struct Reports {
    waiting: Mutex<Waiting>,
    bell: Notify,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Waiting {
    statuses: HashMap<Arc<str>, Observed>,
    told: VecDeque<Told>,
}

/// A trunk's status.
pub(crate) enum Observed {
    /// As an endpoint has seen it.
    Endpoint(Box<ua::Status>),
    /// As the link thread says it of an order that no endpoint can take.
    Link(Box<link::TrunkStatus>),
}

/// Something that must not be lost.
pub(crate) enum Told {
    /// By an endpoint, at that time.
    Endpoint(Event, Instant),
    /// By the link thread.
    Link(Box<FromEdge>),
}

impl Reports {
    pub(crate) fn new(tally: Arc<Tally>) -> Self {
        Reports { waiting: Mutex::default(), bell: Notify::new(), tally }
    }

    /// Takes an endpoint's event. Call [`Reports::nudge`] when there is no more for now.
    pub(crate) fn event(&self, event: Event, at: Instant) {
        match event {
            Event::Status(status) => {
                self.lock().statuses.insert(Arc::clone(&status.trunk), Observed::Endpoint(status));
            }
            other => self.put(Told::Endpoint(other, at)),
        }
    }

    /// Takes the status of an order that no endpoint can take.
    pub(crate) fn status(&self, trunk: Arc<str>, status: Box<link::TrunkStatus>) {
        self.lock().statuses.insert(trunk, Observed::Link(status));
        self.nudge();
    }

    /// Takes a report that is complete.
    pub(crate) fn tell(&self, report: FromEdge) {
        self.put(Told::Link(Box::new(report)));
        self.nudge();
    }

    pub(crate) fn nudge(&self) {
        self.bell.notify_one();
    }

    /// Waits for a nudge.
    pub(crate) async fn nudged(&self) {
        self.bell.notified().await;
    }

    /// Takes everything that must not be lost.
    pub(crate) fn take_told(&self) -> VecDeque<Told> {
        std::mem::take(&mut self.lock().told)
    }

    /// Takes the latest status of every trunk that has a new one.
    pub(crate) fn take_statuses(&self) -> HashMap<Arc<str>, Observed> {
        std::mem::take(&mut self.lock().statuses)
    }

    pub(crate) fn has_statuses(&self) -> bool {
        !self.lock().statuses.is_empty()
    }

    /// Forgets what was seen of a trunk: it is another edge's now.
    pub(crate) fn drop_status(&self, trunk: &str) {
        self.lock().statuses.remove(trunk);
    }

    fn put(&self, told: Told) {
        let mut waiting = self.lock();
        if waiting.told.len() >= EVENTS_MAX {
            waiting.told.pop_front();
            if self.tally.reports_lost.fetch_add(1, Ordering::Relaxed) == 0 {
                tracing::warn!("the control plane takes no reports; the oldest are given up from now on");
            }
        }
        waiting.told.push_back(told);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
