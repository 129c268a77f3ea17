//! The attached edges: who serves which site, what they are told, and what they see.
//!
//! Orders go through an outbox for each edge, which never drops and never makes a caller wait: what concerns a trunk's desired state is
//! noted by the trunk's id and read from the store when its turn comes, so a thousand changes of one trunk are one order. A task for each
//! edge empties it at the edge's own speed.

mod desired;
mod driver;
mod edge;
mod health;
mod observed;
mod outbox;
mod placement;
mod rates;
mod tally;
mod traces;
mod verdicts;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use link::{Action, ControlEnd, FromEdge, Hello, Sites, Step, ToEdge, UnixMicros, Verdict, VerifyOrder};
use tokio::sync::{mpsc, oneshot};

pub use desired::Loader;
pub use edge::AttachedEdge;
pub use health::Transition;
pub use observed::{Among, Happening, Observed, Seen, Watch};
pub use rates::{Counted, MINUTES_KEPT};
pub use tally::TROUBLED;

use self::driver::Driver;
use self::placement::Placement;
use self::traces::Traces;
use self::verdicts::Verdicts;
use crate::changes::Change;
use crate::sealing::Keyring;
use crate::store::Store;

/// The attached edges; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    placement: RwLock<Placement>,
    observed: Observed,
    verdicts: Verdicts,
    traces: Traces,
}

/// An edge that is there, for the list of edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// How it introduced itself.
    pub hello: Hello,
    /// Since when it is attached.
    pub since: UnixMicros,
    /// Its addresses as carriers saw them.
    pub public: Vec<String>,
}

/// So many public addresses of an edge are shown.
const PUBLIC_MAX: usize = 8;

impl Fleet {
    /// Takes in an edge: from here on it is told what it is to do. Returns its reports.
    pub fn attach(&self, end: ControlEnd, store: Store, keyring: Keyring) -> (Arc<AttachedEdge>, mpsc::Receiver<FromEdge>) {
        let ControlEnd { hello, key, orders, reports } = end;
        let edge = Arc::new(AttachedEdge::new(hello, key));
        let replaced = self.placement_mut().attach(Arc::clone(&edge));
        if let Some(replaced) = replaced {
            replaced.outbox.close();
            self.inner.verdicts.abandon(edge.id());
        }
        // Where a site has an edge of its own now, the one that served it so far lets go.
        if matches!(edge.hello.sites, Sites::One(_)) {
            for other in self.placement().edges().filter(|other| !Arc::ptr_eq(other, &edge)) {
                other.outbox.everything();
            }
        }
        let driver =
            Driver { fleet: self.clone(), store, keyring, edge: Arc::clone(&edge), orders, sent: HashMap::new(), carriers: HashMap::new() };
        tokio::spawn(driver.run());
        (edge, reports)
    }

    /// Lets go of an edge whose link is gone; tells whether it was still the one with its id.
    pub fn detach(&self, edge: &Arc<AttachedEdge>) -> bool {
        edge.outbox.close();
        let gone = self.placement_mut().detach(edge);
        if gone {
            self.inner.observed.forget_edge(edge.id());
            self.inner.verdicts.abandon(edge.id());
        }
        gone
    }

    /// Returns the edge that serves a site, if it is there.
    pub fn serving(&self, site: &str) -> Option<Arc<AttachedEdge>> {
        self.placement().serving(site).cloned()
    }

    /// Returns an edge that is there.
    pub fn presence(&self, edge: &str) -> Option<Presence> {
        let edge = self.placement().edge(edge).cloned()?;
        let public = self.inner.observed.public_addresses(edge.id(), PUBLIC_MAX);
        Some(Presence { hello: edge.hello.clone(), since: edge.since, public })
    }

    /// Tells whether an edge is there.
    pub fn is_attached(&self, edge: &str) -> bool {
        self.placement().edge(edge).is_some()
    }

    /// Returns the site that an edge serves, if it is there and has one of its own.
    pub fn site_of(&self, edge: &str) -> Option<String> {
        match &self.placement().edge(edge)?.hello.sites {
            Sites::One(site) => Some(site.clone()),
            Sites::Unserved => None,
        }
    }

    /// Returns all edges that are there.
    pub fn edges(&self) -> Vec<Arc<AttachedEdge>> {
        self.placement().edges().cloned().collect()
    }

    /// Lends what the edges see.
    pub fn observed(&self) -> &Observed {
        &self.inner.observed
    }

    /// Lends the traces that are on.
    pub fn traces(&self) -> &Traces {
        &self.inner.traces
    }

    /// Notes that a trunk's desired state may have changed.
    pub fn touch(&self, trunk: &str) {
        for edge in self.placement().edges() {
            edge.outbox.trunk(trunk);
        }
    }

    /// Notes a committed change.
    pub fn changed(&self, change: &Change) {
        match change {
            Change::Trunk(id) | Change::TrunkDeleted { id, .. } => self.touch(id),
            Change::Carrier(id) | Change::CarrierDeleted(id) => {
                for edge in self.placement().edges() {
                    edge.outbox.carrier(id);
                }
            }
            Change::Organization | Change::Site(_) | Change::SiteDeleted(_) => {
                for edge in self.placement().edges() {
                    edge.outbox.everything();
                }
            }
            // What an edge may be told of itself does not change what its trunks are to do.
            Change::Edge(_) => {}
        }
    }

    /// Orders a verification and returns its verdict when it comes; fails where the edge goes before.
    pub fn verify(&self, edge: &AttachedEdge, order: VerifyOrder) -> oneshot::Receiver<Verdict> {
        let verdict = self.inner.verdicts.ask(&order, edge.id());
        edge.outbox.push(ToEdge::Verify(Box::new(order)));
        verdict
    }

    /// Waits for a verdict that was ordered before a restart.
    pub fn expect(&self, id: &str, edge: &str) -> oneshot::Receiver<Verdict> {
        self.inner.verdicts.expect(id, edge)
    }

    /// Notes how far a verification is.
    pub fn progress(&self, verification: &str, step: Step) {
        self.inner.verdicts.progress(verification, step);
    }

    /// Returns what the verification of a credential version has behind it, while an edge is at it.
    pub fn steps(&self, trunk: &str, version: u32) -> Option<Vec<Step>> {
        self.inner.verdicts.steps(trunk, version)
    }

    /// Delivers a verdict.
    pub fn deliver(&self, verdict: Verdict) {
        self.inner.verdicts.deliver(verdict);
    }

    /// Orders something to be done now.
    pub fn act(&self, edge: &AttachedEdge, trunk: &str, action: Action) {
        edge.outbox.push(ToEdge::Act { trunk: trunk.to_owned(), action });
    }

    /// Orders every exchange of a trunk to be reported for so long; zero ends it.
    pub fn trace(&self, edge: &AttachedEdge, trunk: &str, seconds: u32) {
        edge.outbox.push(ToEdge::Trace { trunk: trunk.to_owned(), seconds });
    }

    fn placement(&self) -> RwLockReadGuard<'_, Placement> {
        self.inner.placement.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn placement_mut(&self) -> RwLockWriteGuard<'_, Placement> {
        self.inner.placement.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(in crate::registrations) mod tests {
    pub(in crate::registrations) use super::observed::tests::status;
}
