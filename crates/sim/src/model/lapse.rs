//! Bindings that lapse, and why.

use std::time::Duration;

use ua::Instant;

use super::{Model, Want};
use crate::report::Rule;

/// Two full tries fit in so long (RFC 3261 17.1.2.2 timer F).
const TWO_TRIES: Duration = Duration::from_secs(64);

impl Model {
    /// Notices that a trunk's binding has lapsed, and judges why.
    pub(super) fn lapse(&mut self, now: Instant, trunk: usize) {
        let watched = &mut self.trunks[trunk];
        let Some(grant) = watched.grant.take_if(|grant| grant.lapses_at <= now) else { return };
        let first_try = watched.first_try.take();
        if watched.want != Want::Kept {
            return;
        }
        let (refused, held) = (watched.refused_at.is_some_and(|at| at >= grant.sent_at), watched.held);
        let carrier = self.roster.carrier(trunk);
        let from = (grant.lapses_at - (grant.time / 4).max(TWO_TRIES)).max(grant.sent_at);
        let lapses = &mut self.report.lapses;
        let cause = if self.edge.was_lost(from, grant.lapses_at) {
            lapses.down += 1;
            "the edge was down"
        } else if refused || held {
            lapses.refused += 1;
            "it was refused"
        } else if self.reach[carrier].was_lost(from, grant.lapses_at) {
            lapses.unreachable += 1;
            "the carrier could not be reached"
        } else if first_try.is_some_and(|at| at <= grant.sent_at + grant.time * 4 / 5) && self.fair_since.is_none_or(|since| since > from) {
            lapses.weather += 1;
            "every try was lost"
        } else {
            lapses.late += 1;
            "the refresh began too late"
        };
        self.note(grant.lapses_at, trunk, &format!("the binding lapsed: {cause}"));
        if cause == "the refresh began too late" {
            let what = format!(
                "a binding of {:?} lapsed at {:?}; the refresh began {}",
                grant.time,
                grant.lapses_at,
                first_try.map_or("never".to_owned(), |at| format!("at {at:?}"))
            );
            self.violated(now, Rule::LateRefresh, Some(trunk), what);
        }
    }
}
