//! Stops and starts of the edge.

use std::time::Duration;

use ua::{Instant, Resume};

use super::watched::{Grant, Resumed};
use super::{Model, Want};

/// What is to be kept has reached the disk by then: the lag of the simulated disk, and a tick.
const KEPT_WITHIN: Duration = Duration::from_millis(252);

impl Model {
    /// The edge has stopped.
    pub fn stopped(&mut self, now: Instant, clean: bool) {
        self.edge.set(now, false);
        self.paces.iter_mut().for_each(super::pace::Pace::stopped);
        for (trunk, watched) in self.trunks.iter_mut().enumerate() {
            watched.unheard |= watched.open.take().is_some();
            // A hold and the failures that led to it are kept, but for one that had no time to reach the disk.
            if let Some(at) = watched.failed_at.filter(|&at| !clean && now.since(at) <= KEPT_WITHIN) {
                watched.held = false;
                watched.failed_digests = watched.failed_digests.saturating_sub(1);
                self.digests.lost(trunk, at);
            }
            // What the edge had to forget before is not remembered after.
            if watched.want == Want::Gone {
                watched.held = false;
                watched.failed_digests = 0;
            }
            // What is not to be given back is not kept.
            let kept = if watched.want == Want::Kept { watched.failed_digests } else { 0 };
            self.digests.outlive(trunk, kept as usize);
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
