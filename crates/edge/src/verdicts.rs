use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use link::Verdict;
use ua::Instant;

/// A verdict is remembered so long (design section 7).
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// An endpoint keeps its promise of a verdict within the patience; after so long beyond it, nobody waits any more.
const GRACE: Duration = Duration::from_secs(3);

/// So many are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 100_000;

/// Verifications by id: each costs the carrier one digest at most, however often it is ordered.
#[derive(Default)]
pub(crate) struct Verdicts {
    known: HashMap<Arc<str>, Known>,
    /// When each is forgotten, in order.
    until: VecDeque<(Instant, Arc<str>)>,
}

enum Known {
    /// It is under way, and must have ended by then.
    UnderWay(Instant),
    Ended(Box<Verdict>),
}

/// What is known of a verification that is ordered.
#[derive(Debug, PartialEq)]
pub(crate) enum Ordered {
    /// Nothing; it is under way from now on.
    New,
    /// It is under way.
    Joined,
    /// It has ended.
    Ended(Box<Verdict>),
}

impl Verdicts {
    /// Notes that a verification is ordered.
    pub(crate) fn order(&mut self, id: &Arc<str>, now: Instant, patience: Duration) -> Ordered {
        self.forget(now);
        match self.known.get(id) {
            Some(Known::UnderWay(_)) => Ordered::Joined,
            Some(Known::Ended(verdict)) => Ordered::Ended(verdict.clone()),
            None => {
                self.known.insert(Arc::clone(id), Known::UnderWay(now + patience + GRACE));
                self.until.push_back((now + MEMORY, Arc::clone(id)));
                Ordered::New
            }
        }
    }

    /// Notes how a verification has ended; tells whether that is news.
    pub(crate) fn end(&mut self, verdict: &Verdict) -> bool {
        match self.known.get_mut(&*verdict.id) {
            Some(known @ Known::UnderWay(_)) => {
                *known = Known::Ended(Box::new(verdict.clone()));
                true
            }
            Some(Known::Ended(_)) | None => false,
        }
    }

    /// Returns those that should have ended by now and have not.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<Arc<str>> {
        let overdue = self.known.iter().filter(|(_, known)| matches!(known, Known::UnderWay(by) if *by <= now));
        overdue.map(|(id, _)| Arc::clone(id)).collect()
    }

    fn forget(&mut self, now: Instant) {
        while self.until.front().is_some_and(|(until, _)| *until <= now) || self.until.len() >= REMEMBERED {
            let Some((_, id)) = self.until.pop_front() else { return };
            self.known.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use link::Outcome;

    use super::*;

    const START: Instant = Instant::from_micros(1_000_000);
    const PATIENCE: Duration = Duration::from_secs(10);

    fn verdict(id: &str) -> Verdict {
        Verdict { id: id.into(), outcome: Outcome::Proved, negotiated: None, evidence: diagnosis::Evidence::default(), at: 1 }
    }

    #[test]
    fn a_known_id_is_joined_and_then_answered_from_memory() {
        let mut verdicts = Verdicts::default();
        let id: Arc<str> = "v1".into();
        assert_eq!(verdicts.order(&id, START, PATIENCE), Ordered::New);
        assert_eq!(verdicts.order(&id, START, PATIENCE), Ordered::Joined);
        assert!(verdicts.end(&verdict("v1")), "the first verdict is news");
        assert!(!verdicts.end(&verdict("v1")), "a second is not");
        assert_eq!(verdicts.order(&id, START + Duration::from_secs(899), PATIENCE), Ordered::Ended(Box::new(verdict("v1"))));
        assert_eq!(verdicts.order(&id, START + MEMORY, PATIENCE), Ordered::New, "forgotten after 15 minutes");
    }

    #[test]
    fn one_without_an_end_is_overdue_after_its_patience() {
        let mut verdicts = Verdicts::default();
        let (early, late): (Arc<str>, Arc<str>) = ("early".into(), "late".into());
        verdicts.order(&early, START, PATIENCE);
        verdicts.order(&late, START, PATIENCE * 2);
        assert!(verdicts.overdue(START + PATIENCE).is_empty());
        assert_eq!(verdicts.overdue(START + PATIENCE + GRACE), [Arc::clone(&early)]);
        assert!(verdicts.end(&verdict("early")));
        assert!(verdicts.overdue(START + PATIENCE + GRACE).is_empty());
    }

    #[test]
    fn a_verdict_that_nobody_ordered_is_no_news() {
        assert!(!Verdicts::default().end(&verdict("v1")));
    }
}
