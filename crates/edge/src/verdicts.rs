use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Code, Diagnosis, Evidence};
use link::{Outcome, UnixMicros, Verdict};
use ua::Instant;

use crate::clock::Clock;
use crate::state::{Keeper, Verification};

/// A verdict is remembered so long (design section 7).
const MEMORY: Duration = Duration::from_secs(15 * 60);

/// An endpoint keeps its promise of a verdict within the patience; after so long beyond it, nobody waits any more.
const GRACE: Duration = Duration::from_secs(3);

/// So many are remembered; the oldest are forgotten first.
const REMEMBERED: usize = 100_000;

/// Verifications by id: each costs the carrier one digest at most, however often it is ordered, and across restarts.
pub(crate) struct Verdicts {
    known: HashMap<Arc<str>, Known>,
    /// When each is forgotten, in order.
    until: VecDeque<(Instant, Arc<str>)>,
    keeper: Keeper,
    clock: Clock,
}

struct Known {
    until: Instant,
    how: How,
}

enum How {
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
    /// Goes on from what was kept; what had no end before the restart never gets one.
    pub(crate) fn new(kept: Vec<Verification>, edge: &str, keeper: Keeper, clock: Clock) -> Self {
        let mut verdicts = Verdicts { known: HashMap::new(), until: VecDeque::new(), keeper, clock };
        let mut kept: Vec<_> = kept.into_iter().map(|one| (verdicts.clock.instant(one.until), one)).collect();
        kept.sort_by_key(|(until, _)| *until);
        for (until, Verification { id, verdict, .. }) in kept {
            let verdict = verdict.unwrap_or_else(|| indeterminate(&id, edge, verdicts.clock.unix(verdicts.clock.now())));
            verdicts.known.insert(Arc::clone(&id), Known { until, how: How::Ended(Box::new(verdict)) });
            verdicts.until.push_back((until, id));
        }
        verdicts
    }

    /// Notes that a verification is ordered.
    pub(crate) fn order(&mut self, id: &Arc<str>, now: Instant, patience: Duration) -> Ordered {
        self.forget(now);
        match self.known.get(id).map(|known| &known.how) {
            Some(How::UnderWay(_)) => Ordered::Joined,
            Some(How::Ended(verdict)) => Ordered::Ended(verdict.clone()),
            None => {
                let until = now + MEMORY;
                self.known.insert(Arc::clone(id), Known { until, how: How::UnderWay(now + patience + GRACE) });
                self.until.push_back((until, Arc::clone(id)));
                self.keeper.tried(id, self.clock.unix(until), None);
                Ordered::New
            }
        }
    }

    /// Notes how a verification has ended; tells whether that is news.
    pub(crate) fn end(&mut self, verdict: &Verdict) -> bool {
        match self.known.get_mut(&*verdict.id) {
            Some(Known { until, how: how @ How::UnderWay(_) }) => {
                *how = How::Ended(Box::new(verdict.clone()));
                self.keeper.tried(&verdict.id, self.clock.unix(*until), Some(verdict));
                true
            }
            Some(Known { how: How::Ended(_), .. }) | None => false,
        }
    }

    /// Returns those that should have ended by now and have not.
    pub(crate) fn overdue(&self, now: Instant) -> Vec<Arc<str>> {
        let overdue = self.known.iter().filter(|(_, known)| matches!(known.how, How::UnderWay(by) if by <= now));
        overdue.map(|(id, _)| Arc::clone(id)).collect()
    }

    fn forget(&mut self, now: Instant) {
        while self.until.front().is_some_and(|(until, _)| *until <= now) || self.until.len() >= REMEMBERED {
            let Some((_, id)) = self.until.pop_front() else { return };
            self.known.remove(&id);
            self.keeper.forget_tried(&id);
        }
    }
}

/// Returns the verdict of a verification whose end nobody knows: a digest may have been sent.
pub(crate) fn indeterminate(id: &str, edge: &str, at: UnixMicros) -> Verdict {
    let diagnosis = Diagnosis::new(Code::Indeterminate).evidence(Evidence { edge: Some(edge.to_owned()), ..Evidence::default() });
    let evidence = diagnosis.evidence.clone();
    Verdict { id: id.to_owned(), outcome: Outcome::Refused(Box::new(diagnosis)), negotiated: None, evidence, at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Verdicts {
        Verdicts::new(Vec::new(), "e1", Keeper::idle(), Clock::new())
    }

    const START: Instant = Instant::from_micros(1_000_000);
    const PATIENCE: Duration = Duration::from_secs(10);

    fn verdict(id: &str) -> Verdict {
        Verdict { id: id.into(), outcome: Outcome::Proved, negotiated: None, evidence: diagnosis::Evidence::default(), at: 1 }
    }

    #[test]
    fn a_known_id_is_joined_and_then_answered_from_memory() {
        let mut verdicts = empty();
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
        let mut verdicts = empty();
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
        assert!(!empty().end(&verdict("v1")));
    }

    #[test]
    fn what_was_begun_before_a_restart_is_never_begun_again() {
        let clock = Clock::new();
        let until = clock.unix(clock.now()) + 60_000_000;
        let kept = vec![
            Verification { id: "ended".into(), until, verdict: Some(verdict("ended")) },
            Verification { id: "begun".into(), until: until - 1, verdict: None },
        ];
        let mut verdicts = Verdicts::new(kept, "e1", Keeper::idle(), clock.clone());
        let now = clock.now();
        assert_eq!(verdicts.order(&"ended".into(), now, PATIENCE), Ordered::Ended(Box::new(verdict("ended"))));
        let Ordered::Ended(begun) = verdicts.order(&"begun".into(), now, PATIENCE) else { panic!("begun again") };
        assert!(
            matches!(&begun.outcome, Outcome::Refused(why) if why.code == Code::Indeterminate && why.evidence.edge.as_deref() == Some("e1"))
        );
        assert_eq!(verdicts.order(&"ended".into(), now + MEMORY, PATIENCE), Ordered::New);
    }
}
