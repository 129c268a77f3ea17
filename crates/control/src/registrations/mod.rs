//! Registrations: the credentials of trunks, tried before they replace what works, and the edges that keep the bindings.
//!
//! A secret is sealed when it comes in, opened only to be sealed to the edge that needs it, and compared by a keyed MAC. A version's way is
//! staged, verifying, active or rejected; every step is a transaction with its audit record, and nothing is sent before it is written.
//! What is desired stands in the store; what is observed stands in memory ([`fleet`]); edges converge to the one and report the other.

mod actions;
mod activate;
pub mod asking;
mod assignment;
mod attempts;
pub mod bulk;
mod check;
mod drift;
pub mod fleet;
pub mod form;
mod list;
pub mod load;
mod metrics;
mod noticed;
mod object;
mod outcomes;
mod plan;
mod policy;
pub mod post;
pub mod projected;
mod refusal;
mod remove;
mod resume;
mod rollback;
pub mod rotation;
mod routes;
mod running;
mod set;
mod summary;
pub mod trace;
mod transition;
mod verification;
mod verify;
pub mod version;
mod versions;

use std::sync::{Arc, Mutex};

use link::{ControlEnd, FromEdge, RegistrationState};
use tokio::sync::{Notify, mpsc, watch};

pub use fleet::Fleet;
pub use list::VIEW;
pub use post::EDIT;
pub use routes::routes;
pub use running::Turn;

use self::asking::Asking;
use self::attempts::Attempts;
use self::check::Refused;
use self::fleet::AttachedEdge;
use self::noticed::Unrouted;
use self::rotation::Runners;
use self::running::Running;
use crate::changes::{Change, ChangesReader};
use crate::domain::Presence;
use crate::events::{EventSettings, Journal, What};
use crate::sealing::Keyring;
use crate::store::Store;
use crate::upkeep::Retention;
use crate::{Clock, StartError};

/// So many reports of an edge are taken at a time; acceptances among them are written in one transaction.
const REPORTS: usize = 1024;
/// So many changes are taken at a time.
const CHANGES: usize = 1024;

/// The registrations and the edges that keep them; cheap to clone.
#[derive(Clone)]
pub struct Registrations {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    keyring: Keyring,
    fleet: Fleet,
    running: Running,
    asking: Asking,
    refused: Refused,
    attempts: Attempts,
    clock: Clock,
    /// Told of new plans.
    plans: Notify,
    rotations: Runners,
    journal: Journal,
    unrouted: Mutex<Unrouted>,
    /// Becomes true at the end.
    ending: watch::Sender<bool>,
}

/// What is told, and how much is kept.
pub struct Settings {
    /// What time it is for planned changes.
    pub clock: Clock,
    /// When events are told.
    pub events: EventSettings,
    /// How many attempts are kept.
    pub retention: Retention,
}

/// Begins to keep the registrations of a store: reads what a stop has left open, and follows every committed change.
///
/// # Errors
/// [`StartError`] where the store cannot be read.
pub async fn start(store: Store, keyring: Keyring, changes: ChangesReader, settings: Settings) -> Result<Registrations, StartError> {
    let (ending, _) = watch::channel(false);
    let Settings { clock, events, retention } = settings;
    let attempts = Attempts::start(store.clone(), retention);
    let journal = Journal::start(store.clone());
    let fleet = Fleet::default();
    tokio::spawn(noticed::keep_looking(fleet.clone(), journal.clone(), events, store.clone(), clock.clone(), ending.subscribe()));
    let inner = Inner {
        store,
        keyring,
        fleet,
        running: Running::default(),
        asking: Asking::default(),
        refused: Refused::default(),
        attempts,
        clock,
        plans: Notify::new(),
        rotations: Runners::default(),
        journal,
        unrouted: Mutex::default(),
        ending,
    };
    let registrations = Registrations { inner: Arc::new(inner) };
    registrations.resume().await?;
    registrations.resume_rotations().await?;
    tokio::spawn(registrations.clone().keep_plans());
    tokio::spawn(registrations.clone().follow(changes));
    Ok(registrations)
}

impl Registrations {
    /// Joins an edge; its orders begin with a snapshot.
    pub fn attach(&self, end: ControlEnd) {
        let hello = end.hello.clone();
        let (edge, reports) = self.inner.fleet.attach(end, self.inner.store.clone(), self.inner.keyring.clone());
        let this = self.clone();
        tokio::spawn(async move {
            if let Err(error) = this.inner.store.edge_seen(&hello).await {
                tracing::warn!(edge = hello.edge, %error, "an edge is attached and could not be recorded");
            }
            this.inner.journal.tell(noticed::of_edge(&edge, What::EdgeOnline { software: hello.version }));
            this.listen(edge, reports).await;
        });
    }

    /// Lends the attached edges.
    pub fn fleet(&self) -> &Fleet {
        &self.inner.fleet
    }

    /// Ends the work with the edges. What is being verified is decided after the next start.
    pub async fn shutdown(&self) {
        self.inner.ending.send_replace(true);
        for edge in self.inner.fleet.edges() {
            self.inner.fleet.detach(&edge);
        }
        tokio::join!(self.inner.attempts.close(), self.inner.journal.close());
    }

    async fn follow(self, mut changes: ChangesReader) {
        let mut ending = self.inner.ending.subscribe();
        loop {
            let batch = tokio::select! {
                batch = changes.batch(CHANGES) => batch,
                _ = ending.wait_for(|ending| *ending) => return,
            };
            if batch.is_empty() {
                return;
            }
            for change in &batch {
                self.inner.fleet.changed(change);
                if matches!(change, Change::Carrier(_)) {
                    // Its maintenance may be another one.
                    self.inner.plans.notify_one();
                }
            }
        }
    }

    async fn listen(self, edge: Arc<AttachedEdge>, mut reports: mpsc::Receiver<FromEdge>) {
        let mut ending = self.inner.ending.subscribe();
        let mut batch = Vec::new();
        loop {
            let taken = tokio::select! {
                taken = reports.recv_many(&mut batch, REPORTS) => taken,
                _ = ending.wait_for(|ending| *ending) => 0,
            };
            if taken == 0 {
                break;
            }
            self.take_in(&edge, batch.drain(..)).await;
        }
        let (bindings, first_lapse_at) = self.inner.fleet.observed().bindings_of(edge.id());
        if self.inner.fleet.detach(&edge) && !*ending.borrow() {
            self.inner.journal.tell(noticed::of_edge(&edge, What::EdgeOffline { bindings, first_lapse_at }));
        }
    }

    /// Tells whether a trunk's failed digests are spent.
    fn is_held(&self, trunk: &str) -> bool {
        self.inner.fleet.observed().with(trunk, |seen| seen.iter().any(|seen| seen.status.state == RegistrationState::AuthHeld))
    }
}

impl Presence for Registrations {
    fn is_online(&self, edge: &str) -> bool {
        self.inner.fleet.is_attached(edge)
    }
}
