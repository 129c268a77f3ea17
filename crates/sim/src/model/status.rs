//! What the edge tells.

use std::time::Duration;

use ua::{Instant, RegistrationState, Status};

use super::{Model, Want};
use crate::report::Rule;
use crate::trace::Line;

/// A timer of the endpoint fires up to a tick late.
const TICK: Duration = Duration::from_micros(1_024);

impl Model {
    /// Takes a status.
    pub fn told(&mut self, now: Instant, trunk: usize, status: &Status) {
        self.lapse(now, trunk);
        let line =
            Line::Told { state: status.state, bound: status.bound, failures: status.consecutive_failures, next: status.next_action_at };
        self.trace.write(now, trunk, line);
        let carrier = self.roster.carrier(trunk);
        let watched = &mut self.trunks[trunk];
        watched.state = Some(status.state);
        watched.next_at = status.next_action_at;
        watched.acted_at = now;
        watched.forgotten = false;
        if status.state == RegistrationState::Rejected {
            watched.refused_at = Some(now);
        }
        if Model::is_at_rest(status.state, status.next_action_at) && watched.open.take().is_some() {
            self.paces[carrier].ends();
            watched.unheard = true;
        }
        let known = |at: Instant| watched.grants.iter().rev().find(|grant| grant.lapses_at == at).cloned();
        let fault = match (status.bound.then_some(status.expires_at).flatten(), &watched.grant) {
            (Some(at), _) if known(at).is_none() => Some(format!("tells of a binding until {at:?} that nobody granted")),
            (Some(at), Some(grant)) if grant.lapses_at != at => {
                // A late answer renewed it, or an old one counts.
                watched.grant = known(at);
                None
            }
            (Some(_), Some(_)) => None,
            (Some(at), None) => {
                // A late answer bound it: its tries are those of a binding that runs.
                watched.grant = known(at).filter(|grant| grant.lapses_at > now);
                // The attempt that is on is the first of them: should it fail, the next one comes soon.
                watched.first_try = watched.open.is_some().then_some(now);
                (at + TICK <= now).then(|| format!("tells of a binding that lapsed at {at:?}"))
            }
            (None, Some(grant)) if watched.want == Want::Kept => {
                let until = grant.lapses_at;
                // Removed by order meanwhile, or refused with its Contact.
                let excused = watched.refused_at.is_some_and(|at| at >= grant.sent_at);
                watched.grant = None;
                (!excused).then(|| format!("tells of no binding, though one was granted until {until:?}"))
            }
            (None, Some(_) | None) => None,
        };
        if let Some(fault) = fault {
            self.violated(now, Rule::Status, Some(trunk), fault);
        }
    }
}
