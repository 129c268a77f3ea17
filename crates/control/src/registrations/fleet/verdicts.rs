//! Verifications that were ordered and not answered yet.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use link::{Step, Verdict, VerifyOrder};
use tokio::sync::oneshot;

/// Verifications under way, by id.
#[derive(Debug, Default)]
pub struct Verdicts {
    waiting: Mutex<HashMap<String, Awaited>>,
}

#[derive(Debug)]
struct Awaited {
    edge: String,
    /// The trunk and its version, where that is known.
    of: Option<(String, u32)>,
    /// At most one of each.
    steps: Vec<Step>,
    verdict: oneshot::Sender<Verdict>,
}

impl Verdicts {
    /// Waits for the verdict of a verification at an edge. The receiver fails when the edge goes.
    pub fn expect(&self, id: &str, edge: &str) -> oneshot::Receiver<Verdict> {
        self.insert(id, edge, None)
    }

    /// As [`Verdicts::expect`], of what is ordered now; how far it is can be asked for.
    pub fn ask(&self, order: &VerifyOrder, edge: &str) -> oneshot::Receiver<Verdict> {
        let version = order.credential.as_ref().map(|credential| credential.version);
        self.insert(&order.id, edge, order.trunk.clone().zip(version))
    }

    fn insert(&self, id: &str, edge: &str, of: Option<(String, u32)>) -> oneshot::Receiver<Verdict> {
        let (verdict, receiver) = oneshot::channel();
        let mut waiting = self.lock();
        waiting.retain(|_, awaited| !awaited.verdict.is_closed());
        waiting.insert(id.to_owned(), Awaited { edge: edge.to_owned(), of, steps: Vec::new(), verdict });
        receiver
    }

    /// Notes a step.
    pub fn progress(&self, id: &str, step: Step) {
        if let Some(awaited) = self.lock().get_mut(id)
            && !awaited.steps.contains(&step)
        {
            awaited.steps.push(step);
        }
    }

    /// Returns the steps of the verification of a version, if one is under way.
    pub fn steps(&self, trunk: &str, version: u32) -> Option<Vec<Step>> {
        let waiting = self.lock();
        let of = |awaited: &&Awaited| awaited.of.as_ref().is_some_and(|of| (of.0.as_str(), of.1) == (trunk, version));
        waiting.values().find(of).map(|awaited| awaited.steps.clone())
    }

    /// Delivers a verdict; one that nobody waits for any more was decided by its deadline.
    pub fn deliver(&self, verdict: Verdict) {
        match self.lock().remove(&verdict.id) {
            // The receiver may be gone by now: then its deadline has decided.
            Some(awaited) => drop(awaited.verdict.send(verdict)),
            None => tracing::debug!(id = verdict.id, "a verdict that nobody waits for"),
        }
    }

    /// Ends the waiting for verdicts of an edge that is gone.
    pub fn abandon(&self, edge: &str) {
        self.lock().retain(|_, awaited| awaited.edge != edge);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Awaited>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use diagnosis::Evidence;
    use link::Outcome;

    use super::*;

    fn verdict(id: &str) -> Verdict {
        Verdict { id: id.into(), outcome: Outcome::Proved, negotiated: None, evidence: Evidence::default(), at: 0 }
    }

    #[tokio::test]
    async fn a_verdict_reaches_the_one_who_waits_for_it() {
        let verdicts = Verdicts::default();
        let (a, b) = (verdicts.expect("a", "e1"), verdicts.expect("b", "e2"));
        verdicts.deliver(verdict("unknown"));
        verdicts.deliver(verdict("a"));
        assert_eq!(a.await.unwrap().id, "a");
        verdicts.progress("unknown", Step::Resolve);
        let _awaited = verdicts.insert("c", "e2", Some(("t1".to_owned(), 4)));
        verdicts.progress("c", Step::Resolve);
        verdicts.progress("c", Step::Resolve);
        assert_eq!((verdicts.steps("t1", 4), verdicts.steps("t1", 3)), (Some(vec![Step::Resolve]), None));
        verdicts.abandon("e2");
        assert!(b.await.is_err());
    }
}
