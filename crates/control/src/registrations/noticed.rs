//! What is told of what edges report: transitions, verifications, changes at carriers, calls that nobody answers; and what no report says
//! but the lack of one does: a binding that nobody refreshes, a carrier that fails as a whole.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use link::{Attempt, AttemptKind, RegistrationState, Sites, UnixMicros};
use tokio::sync::watch;

use super::Registrations;
use super::fleet::{AttachedEdge, Fleet, Transition};
use crate::events::{Event, EventSettings, Journal, What};
use crate::store::{Store, StoreError, carriers};
use crate::time::{Clock, now};

/// Between two looks at what nobody reports.
const LOOK: Duration = Duration::from_secs(1);
/// So many lapses are told of at one look; the rest at the next.
const LAPSES: usize = 1_000;

impl Registrations {
    pub(super) fn notice_transitions(&self, edge: &AttachedEdge, transitions: Vec<Transition>) {
        for transition in transitions {
            if is_as_it_was(&transition, edge.since) {
                continue;
            }
            let Transition { trunk, from, to, bound, expires_at, code, since, .. } = transition;
            if from == Some(RegistrationState::AuthHeld) {
                self.inner.journal.tell(Event::of_trunk(&trunk, What::Released {}).seen(edge.id(), since));
            }
            let expires_at = expires_at.filter(|_| bound);
            self.inner.journal.tell(Event::of_trunk(&trunk, What::State { from, to, bound, expires_at, code }).seen(edge.id(), since));
        }
    }

    pub(super) fn notice_attempt(&self, attempt: &Attempt) {
        let tell = |what: What| {
            let mut event = match &attempt.trunk {
                Some(trunk) => Event::of_trunk(trunk, what),
                None => Event::of_edge(&attempt.edge, what),
            };
            if attempt.carrier != link::NO_CARRIER {
                event.subject.carrier = Some(attempt.carrier.clone());
            }
            self.inner.journal.tell(event.seen(&attempt.edge, attempt.ended_at));
        };
        if attempt.kind == AttemptKind::Verification {
            let code = attempt.diagnosis.as_ref().map(|diagnosis| diagnosis.code);
            tell(What::Verified { accepted: attempt.accepted, code, attempt_id: attempt.id.clone() });
        }
        if !attempt.changes.is_empty() && attempt.trunk.is_some() {
            tell(What::Drifted { attempt_id: attempt.id.clone(), changes: attempt.changes.clone() });
        }
    }

    pub(super) fn notice_removed(&self, edge: &AttachedEdge, trunk: &str) {
        self.inner.journal.tell(Event::of_trunk(trunk, What::Removed {}).seen(edge.id(), now()));
    }

    pub(super) fn notice_contested(&self, edge: &AttachedEdge, trunk: &str, listed: Vec<String>, at: UnixMicros) {
        self.inner.journal.tell(Event::of_trunk(trunk, What::Contested { listed }).seen(edge.id(), at));
    }

    pub(super) fn notice_unrouted(&self, edge: &AttachedEdge, source: String, count: u64, at: UnixMicros) {
        let told = self.inner.unrouted.lock().unwrap_or_else(PoisonError::into_inner).count(edge.id(), &source, count, at);
        if let Some(count) = told {
            self.inner.journal.tell(of_edge(edge, What::Unrouted { source, count }).seen(edge.id(), at));
        }
    }
}

/// An event about an edge, with the site that it serves.
pub(super) fn of_edge(edge: &AttachedEdge, what: What) -> Event {
    let mut event = Event::of_edge(edge.id(), what);
    if let Sites::One(site) = &edge.hello.sites {
        event.subject.site = Some(site.clone());
    }
    event
}

/// An edge that comes back reports bindings that have been running all the time: nothing has happened to them.
fn is_as_it_was(transition: &Transition, attached: UnixMicros) -> bool {
    let ran_before = transition.registered_at.is_some_and(|at| at < attached);
    transition.from.is_none() && transition.to == RegistrationState::Registered && ran_before
}

/// Calls that nobody answers: of each sender one event a minute, with how many there were.
#[derive(Debug, Default)]
pub(super) struct Unrouted {
    senders: HashMap<(String, String), Sender>,
}

#[derive(Debug)]
struct Sender {
    told_at: UnixMicros,
    untold: u64,
}

impl Unrouted {
    /// So many senders are told apart; beyond, the calls of others are not told of until the minute of one is over.
    const SENDERS_MAX: usize = 1_024;
    /// One minute, in microseconds.
    const APART: i64 = 60_000_000;

    /// Counts calls; returns how many are to be told of now.
    fn count(&mut self, edge: &str, source: &str, count: u64, at: UnixMicros) -> Option<u64> {
        let key = (edge.to_owned(), source.to_owned());
        if let Some(sender) = self.senders.get_mut(&key) {
            sender.untold += count;
            if at - sender.told_at < Self::APART {
                return None;
            }
            sender.told_at = at;
            return Some(std::mem::take(&mut sender.untold));
        }
        if self.senders.len() >= Self::SENDERS_MAX {
            self.senders.retain(|_, sender| at - sender.told_at < Self::APART);
            if self.senders.len() >= Self::SENDERS_MAX {
                return None;
            }
        }
        self.senders.insert(key, Sender { told_at: at, untold: 0 });
        Some(count)
    }
}

/// Looks again and again at what nobody reports, until the end.
pub(super) async fn keep_looking(
    fleet: Fleet,
    journal: Journal,
    settings: EventSettings,
    store: Store,
    clock: Clock,
    mut ending: watch::Receiver<bool>,
) {
    let mut failing = HashSet::new();
    let mut away = HashSet::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = ending.wait_for(|ending| *ending) => return,
        }
        match at_work(&store, clock.now()).await {
            Ok(now) => away = now,
            // Those of the last look: an alarm in the middle of a maintenance is worse than one a moment late.
            Err(error) => tracing::warn!(%error, "the carriers' maintenance cannot be read"),
        }
        for event in look(&fleet, &settings, &away, &mut failing, now()) {
            journal.tell(event);
        }
    }
}

/// Returns the carriers that are in their maintenance.
async fn at_work(store: &Store, now: UnixMicros) -> Result<HashSet<String>, StoreError> {
    let carriers = carriers::maintained(&mut *store.read().await?).await?;
    let away = carriers.into_iter().filter(|carrier| carrier.settings.maintenance_until(now).is_some());
    Ok(away.map(|carrier| carrier.meta.id).collect())
}

/// What is to be told. Of carriers that are `away` nothing is; what is still so when they are back is told then.
fn look(fleet: &Fleet, settings: &EventSettings, away: &HashSet<String>, failing: &mut HashSet<Arc<str>>, now: UnixMicros) -> Vec<Event> {
    let mut events = Vec::new();
    let within = i64::try_from(settings.lapsing.as_micros()).unwrap_or(i64::MAX);
    for (edge, status) in fleet.observed().lapsing(now, within, LAPSES, |carrier| away.contains(carrier)) {
        let what = What::Lapsing {
            expires_at: status.expires_at.unwrap_or(now),
            state: status.state,
            code: status.diagnosis.as_ref().map(|diagnosis| diagnosis.code),
        };
        events.push(Event::of_trunk(&status.trunk, what).seen(&edge, now));
    }
    for (carrier, share) in fleet.observed().shares() {
        if away.contains(&*carrier) {
            continue;
        }
        let (registrations, fails) = (share.registrations, share.failing);
        // Counts of registrations are far below what a float holds exactly.
        let of_all = if registrations == 0 { 0.0 } else { fails as f64 / registrations as f64 };
        let enough = fails > 0 && (fails >= settings.failing_at_least || fails == registrations);
        if of_all >= settings.failure_share && enough && failing.insert(Arc::clone(&carrier)) {
            events.push(Event::of_carrier(
                &carrier,
                What::Failing { failing: fails, registrations, share: (of_all * 1000.0).round() / 1000.0 },
            ));
        } else if of_all < settings.failure_share / 2.0 && failing.remove(&carrier) {
            events.push(Event::of_carrier(&carrier, What::Recovered { failing: fails, registrations }));
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::super::fleet::tests::status;
    use super::*;

    #[test]
    fn a_sender_is_told_of_once_a_minute_with_what_came_meanwhile() {
        let mut unrouted = Unrouted::default();
        let minute = Unrouted::APART;
        assert_eq!(unrouted.count("e1", "192.0.2.1:5060", 2, 0), Some(2));
        assert_eq!(unrouted.count("e1", "192.0.2.1:5060", 5, 1), None);
        assert_eq!(unrouted.count("e2", "192.0.2.1:5060", 1, 1), Some(1));
        assert_eq!(unrouted.count("e1", "192.0.2.1:5060", 1, minute), Some(6));
        for port in 0..Unrouted::SENDERS_MAX {
            unrouted.count("e1", &port.to_string(), 1, minute);
        }
        assert!(unrouted.senders.len() <= Unrouted::SENDERS_MAX);
        assert_eq!(unrouted.count("e1", "one too many", 1, minute), None);
        assert_eq!(unrouted.count("e1", "one too many", 1, 2 * minute), Some(1));
    }

    #[test]
    fn a_carrier_that_fails_is_told_of_when_it_begins_and_when_it_is_over() {
        let (fleet, mut failing) = (Fleet::default(), HashSet::new());
        let e1: Arc<str> = "e1".into();
        let mut kinds = |fleet: &Fleet| {
            look(fleet, &EventSettings::default(), &HashSet::new(), &mut failing, 0)
                .iter()
                .map(|event| event.kind().word())
                .collect::<Vec<_>>()
        };
        let report = |trunks: std::ops::Range<u32>, state: RegistrationState| {
            for n in trunks {
                fleet.observed().place(&e1, &n.to_string(), "s1", "c1");
                fleet.observed().report(&e1, vec![status(&n.to_string(), 1, state)]);
            }
        };
        report(0..10, RegistrationState::Registered);
        report(0..2, RegistrationState::RetryWait);
        assert!(kinds(&fleet).is_empty(), "two of ten are two trunks' own trouble");
        report(0..4, RegistrationState::Unreachable);
        assert_eq!(kinds(&fleet), ["carrier.failing"]);
        report(0..3, RegistrationState::Registered);
        assert!(kinds(&fleet).is_empty(), "told once, and one of ten is the half of what it takes");
        report(0..4, RegistrationState::Registered);
        assert_eq!(kinds(&fleet), ["carrier.recovered"]);
        report(0..1, RegistrationState::AuthHeld);
        assert!(kinds(&fleet).is_empty());
    }

    #[test]
    fn of_a_carrier_in_its_maintenance_nothing_is_told_until_it_is_over() {
        let (fleet, mut failing) = (Fleet::default(), HashSet::new());
        let e1: Arc<str> = "e1".into();
        let mut kinds = |away: &[&str]| {
            let away = away.iter().map(|carrier| (*carrier).to_owned()).collect();
            let mut kinds: Vec<_> = look(&fleet, &EventSettings::default(), &away, &mut failing, 0)
                .into_iter()
                .map(|event| (event.kind().word(), event.subject.carrier.or(event.subject.trunk)))
                .collect();
            kinds.sort();
            kinds
        };
        let told = |kind, of: &str| (kind, Some(of.to_owned()));
        for (trunk, carrier) in [("t1", "night"), ("t2", "day")] {
            fleet.observed().place(&e1, trunk, "s1", carrier);
            let mut lapsing = status(trunk, 1, RegistrationState::RetryWait);
            (lapsing.bound, lapsing.expires_at) = (true, Some(60_000_000));
            fleet.observed().report(&e1, vec![lapsing]);
        }
        assert_eq!(kinds(&["night"]), [told("binding.lapsing", "t2"), told("carrier.failing", "day")]);
        assert_eq!(kinds(&["night"]), []);
        // It is back, and still so.
        assert_eq!(kinds(&[]), [told("binding.lapsing", "t1"), told("carrier.failing", "night")]);
        // Both are well again, one of them while it is away.
        for trunk in ["t1", "t2"] {
            fleet.observed().report(&e1, vec![status(trunk, 2, RegistrationState::Registered)]);
        }
        assert_eq!(kinds(&["night"]), [told("carrier.recovered", "day")]);
        assert_eq!(kinds(&[]), [told("carrier.recovered", "night")]);
    }

    #[test]
    fn a_binding_that_ran_before_its_edge_came_back_is_no_news() {
        let transition = Transition {
            trunk: "t1".into(),
            from: None,
            to: RegistrationState::Registered,
            bound: true,
            registered_at: Some(5),
            expires_at: None,
            code: None,
            since: 5,
        };
        assert!(is_as_it_was(&transition, 6));
        assert!(!is_as_it_was(&transition, 5));
        assert!(!is_as_it_was(&Transition { from: Some(RegistrationState::Expired), ..transition }, 6));
    }
}
