use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use link::FromEdge;
use tokio::sync::Notify;
use ua::{Event, Instant, Renewal};

use crate::attempts::Attempts;
use crate::tally::Tally;
use crate::unrouted::Unrouted;

/// So many events wait for a control plane that takes none; attempts have a bound of their own. Statuses are bounded by the number of trunks.
const EVENTS_MAX: usize = 1 << 18;

/// So many renewals wait before those that a later one of the same trunk replaces are left out: more than an edge should have trunks.
const RENEWALS_MAX: usize = 1 << 22;

/// What is to be told to the control plane: the latest status of each trunk, and every event, in order.
pub(crate) struct Reports {
    waiting: Mutex<Waiting>,
    bell: Notify,
    tally: Arc<Tally>,
}

#[derive(Default)]
struct Waiting {
    statuses: Statuses,
    /// Of trunks that have no status there.
    renewals: Vec<Renewal>,
    /// The reporter knows that statuses or renewals wait.
    known: bool,
    told: VecDeque<(u64, Told)>,
    attempts: Attempts,
    unrouted: Unrouted,
    /// How many were put in since the start.
    placed: u64,
}

/// The latest status of each trunk that has a new one.
pub(crate) type Statuses = HashMap<Arc<str>, Observed, RandomState>;

/// A trunk's status.
pub(crate) enum Observed {
    /// As an endpoint has seen it.
    Endpoint(Box<ua::Status>),
    /// As the link thread says it of an order that no endpoint can take.
    Link(Box<link::TrunkStatus>),
}

/// Something that is told in its turn.
pub(crate) enum Told {
    /// By an endpoint, at that time.
    Endpoint(Event, Instant),
    /// By the link thread.
    Link(Box<FromEdge>),
}

impl Waiting {
    fn has_states(&self) -> bool {
        !self.statuses.is_empty() || !self.renewals.is_empty() || !self.unrouted.is_empty()
    }
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
            Event::Attempt(attempt) => self.put_attempt(attempt, at),
            Event::Renewed(renewal) => self.renewed(std::iter::once(renewal)),
            Event::CallUnrouted { source, .. } => self.lock().unrouted.count(source, at),
            other => self.put(Told::Endpoint(other, at)),
        }
    }

    /// Takes renewals. Call [`Reports::nudge`] when there is no more for now.
    pub(crate) fn renewed(&self, renewals: impl Iterator<Item = Renewal>) {
        let mut waiting = self.lock();
        for renewal in renewals {
            match waiting.statuses.get_mut(&renewal.trunk) {
                Some(Observed::Endpoint(status)) => renewal.renew_status(status),
                Some(Observed::Link(_)) | None => waiting.renewals.push(renewal),
            }
        }
        if waiting.renewals.len() >= RENEWALS_MAX {
            // Nobody takes them: the latest of each trunk is enough.
            let latest: HashMap<Arc<str>, Renewal> =
                waiting.renewals.drain(..).map(|renewal| (Arc::clone(&renewal.trunk), renewal)).collect();
            waiting.renewals.extend(latest.into_values());
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

    /// Wakes the reporter, if there is something that it does not know of.
    pub(crate) fn nudge(&self) {
        let news = {
            let mut waiting = self.lock();
            let states = waiting.has_states();
            let news = !waiting.told.is_empty() || !waiting.attempts.is_empty() || (states && !waiting.known);
            waiting.known |= states;
            news
        };
        if news {
            self.bell.notify_one();
        }
    }

    /// Waits for a nudge.
    pub(crate) async fn nudged(&self) {
        self.bell.notified().await;
    }

    /// Takes everything that is told in its turn, attempts among it.
    pub(crate) fn take_told(&self) -> Vec<Told> {
        let (told, mut attempts) = {
            let mut waiting = self.lock();
            (std::mem::take(&mut waiting.told), std::mem::take(&mut waiting.attempts))
        };
        let mut all = Vec::with_capacity(told.len());
        let before = |attempts: &mut Attempts, place: u64, all: &mut Vec<Told>| {
            while attempts.place().is_some_and(|first| first < place)
                && let Some((attempt, at)) = attempts.pop()
            {
                all.push(Told::Endpoint(Event::Attempt(attempt), at));
            }
        };
        for (place, one) in told {
            before(&mut attempts, place, &mut all);
            all.push(one);
        }
        before(&mut attempts, u64::MAX, &mut all);
        all
    }

    /// Takes the renewals of trunks, to be told before, and the latest status of every trunk that has a new one.
    pub(crate) fn take_statuses(&self) -> (Vec<Renewal>, Statuses) {
        let mut waiting = self.lock();
        waiting.known = false;
        (std::mem::take(&mut waiting.renewals), std::mem::take(&mut waiting.statuses))
    }

    /// Takes the calls that nobody answers.
    pub(crate) fn take_unrouted(&self) -> Unrouted {
        std::mem::take(&mut self.lock().unrouted)
    }

    /// Tells whether something waits that is told in its latest state only.
    pub(crate) fn has_states(&self) -> bool {
        self.lock().has_states()
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
        waiting.placed += 1;
        let place = waiting.placed;
        waiting.told.push_back((place, told));
    }

    fn put_attempt(&self, attempt: Box<ua::Attempt>, at: Instant) {
        let mut waiting = self.lock();
        waiting.placed += 1;
        let place = waiting.placed;
        let lost = waiting.attempts.push(place, attempt, at);
        if lost > 0 && self.tally.attempts_lost.fetch_add(lost, Ordering::Relaxed) == 0 {
            tracing::warn!("the control plane takes attempts more slowly than they come; the oldest are given up from now on");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempts::tests::attempt;

    fn names(told: Vec<Told>) -> Vec<String> {
        let name = |one| match one {
            Told::Endpoint(Event::Attempt(attempt), _) => attempt.id.to_string(),
            Told::Endpoint(Event::Forget { trunk, .. }, _) => trunk.to_string(),
            Told::Endpoint(..) | Told::Link(_) => panic!("nothing else was put in"),
        };
        told.into_iter().map(name).collect()
    }

    #[test]
    fn attempts_keep_their_turn_and_go_first_where_nobody_takes_them() {
        let tally = Arc::new(Tally::new(1));
        let reports = Reports::new(Arc::clone(&tally));
        let at = Instant::default();
        let forget = |name: &str| Event::Forget { trunk: name.into(), unregistered: true };
        for event in
            [Event::Attempt(attempt("a", 1)), forget("b"), Event::Attempt(attempt("c", 1)), Event::Attempt(attempt("d", 1)), forget("e")]
        {
            reports.event(event, at);
        }
        assert_eq!(names(reports.take_told()), ["a", "b", "c", "d", "e"]);
        reports.event(forget("kept"), at);
        for _ in 0..5_000 {
            reports.event(Event::Attempt(attempt("many", 1)), at);
        }
        let told = names(reports.take_told());
        let lost = tally.sum().attempts_lost;
        assert!(told.contains(&"kept".to_owned()) && lost > 0);
        assert_eq!(told.len() as u64 + lost, 5_001);
        assert_eq!(tally.sum().reports_lost, 0);
    }
}
