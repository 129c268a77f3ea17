//! Stops and starts of the edge.

use ua::{Instant, Resume};

use super::watched::{Grant, Resumed};
use super::{Model, Want};

impl Model {
    /// The edge has stopped.
    pub fn stopped(&mut self, now: Instant) {
        self.edge.set(now, false);
        self.paces.iter_mut().for_each(super::pace::Pace::stopped);
        // Nothing of this is kept: a new life may fail as often again.
        self.digests.forget_failures();
        for watched in &mut self.trunks {
            watched.open = None;
            watched.held = false;
            watched.failed_digests = 0;
            watched.verifying = false;
            watched.riding = false;
            watched.tries.clear();
        }
    }

    /// The edge has started.
    pub fn started(&mut self, now: Instant) {
        self.edge.set(now, true);
    }

    /// A trunk was given back to the edge with what was kept of it.
    pub fn resumed(&mut self, now: Instant, trunk: usize, kept: Option<&Resume>) {
        self.lapse(now, trunk);
        let clean = kept.is_some_and(|kept| kept.clean);
        self.note(now, trunk, if clean { "given back, kept in order" } else { "given back, unclean" });
        let watched = &mut self.trunks[trunk];
        watched.want = Want::Kept;
        watched.acted_at = now;
        watched.next_at = None;
        watched.resumed = kept.map(|kept| Resumed { call_id: kept.call_id.clone(), cseq: kept.cseq, clean: kept.clean });
        watched.call_id = kept.map(|kept| kept.call_id.clone());
        if !clean {
            watched.unclean_at = Some(now);
        }
        watched.grant = kept.and_then(|kept| kept.binding.as_ref()).filter(|binding| binding.lapses_at > now).map(|binding| Grant {
            sent_at: binding.lapses_at - binding.granted,
            time: binding.granted,
            lapses_at: binding.lapses_at,
        });
        watched.first_try = None;
    }
}
