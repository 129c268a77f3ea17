//! The task that brings one edge to the desired state, and keeps it there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use link::{Generation, Sites, ToEdge, Withdrawal};
use tokio::sync::mpsc;

use super::Fleet;
use super::desired::{Desired, Loader};
use super::edge::AttachedEdge;
use super::observed::give_back;
use super::outbox::Work;
use crate::domain::{Carrier, Organization, Trunk};
use crate::registrations::assignment::{profile, profile_revision};
use crate::sealing::Keyring;
use crate::store::{Store, StoreError, now, trunks};

/// So many trunks are read at a time; between two pages urgent orders pass.
const PAGE: u32 = 512;
/// So long until the store is asked again after it was busy.
const AGAIN: Duration = Duration::from_millis(200);

/// Brings one edge to the desired state, and keeps it there.
pub(super) struct Driver {
    pub(super) fleet: Fleet,
    pub(super) store: Store,
    pub(super) keyring: Keyring,
    pub(super) edge: Arc<AttachedEdge>,
    pub(super) orders: mpsc::Sender<ToEdge>,
    pub(super) sent: HashMap<String, Sent>,
    /// The revision of each carrier's profile that the edge has.
    pub(super) carriers: HashMap<String, u64>,
}

/// What the edge was told of a trunk last.
pub(super) struct Sent {
    generation: Generation,
    fingerprint: u64,
    site: Arc<str>,
    carrier: Arc<str>,
    /// Its Contact names a host, so another edge would register the very same one.
    own_contact: bool,
}

/// Why the driver stopped for a moment or for good.
enum Stop {
    /// The edge is gone.
    Gone,
    /// The store did not answer.
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Stop::Store(error)
    }
}

impl Driver {
    /// Runs until the edge is detached.
    pub(super) async fn run(mut self) {
        let mut work = Work::Everything;
        let mut fresh = true;
        loop {
            let done = match &work {
                Work::Closed => break,
                Work::Send(order) => self.send(order.clone()).await,
                Work::Carrier(carrier) => self.carrier(carrier).await,
                Work::Trunks(trunks) => self.converge(trunks).await,
                Work::Everything => self.everything(fresh).await,
            };
            work = match done {
                Ok(()) => {
                    fresh &= !matches!(work, Work::Everything);
                    self.edge.outbox.next().await
                }
                Err(Stop::Gone) => break,
                Err(Stop::Store(error)) => {
                    tracing::warn!(edge = self.edge.id(), %error, "the store did not answer; the edge's orders wait");
                    tokio::time::sleep(AGAIN).await;
                    work
                }
            };
        }
    }

    /// Waits where the edge is slow; nothing is dropped.
    async fn send(&self, order: ToEdge) -> Result<(), Stop> {
        self.orders.send(order).await.map_err(|_| Stop::Gone)
    }

    async fn urgent(&self) -> Result<(), Stop> {
        while let Some(order) = self.edge.outbox.urgent() {
            self.send(order).await?;
        }
        Ok(())
    }

    /// Walks through all trunks. The first time it is a snapshot: what is not in it the edge forgets.
    async fn everything(&mut self, fresh: bool) -> Result<(), Stop> {
        if fresh {
            self.sent.clear();
            self.carriers.clear();
            self.send(ToEdge::SnapshotBegin).await?;
        }
        let mut seen: HashSet<String> = HashSet::new();
        let mut after = String::new();
        loop {
            self.urgent().await?;
            let (page, desired) = self.page(&after).await?;
            let Some(last) = page else { break };
            after = last;
            for desired in desired {
                seen.insert(desired.settings.trunk.meta.id.clone());
                self.assign(&desired).await?;
            }
        }
        if fresh {
            self.send(ToEdge::SnapshotEnd).await?;
        }
        let gone: Vec<String> = self.sent.keys().filter(|trunk| !seen.contains(*trunk)).cloned().collect();
        self.converge(&gone).await
    }

    /// Reads the next page: its last id, and what this edge is to do of it.
    async fn page(&self, after: &str) -> Result<(Option<String>, Vec<Desired>), StoreError> {
        let site = match &self.edge.hello.sites {
            Sites::One(site) => Some(site.as_str()),
            Sites::Unserved => None,
        };
        let mut state = self.store.snapshot().await?;
        let page = trunks::walk(&mut state, site, None, after, PAGE).await?;
        let last = page.last().map(|trunk| trunk.meta.id.clone());
        let mine = page.into_iter().filter(|trunk| self.serves(&trunk.site)).collect();
        let desired = Loader::new(&mut state).await?.page(&mut state, mine).await?;
        Ok((last, desired))
    }

    async fn carrier(&mut self, carrier: &str) -> Result<(), Stop> {
        if self.carriers.contains_key(carrier) {
            let mut state = self.store.snapshot().await?;
            let mut loader = Loader::new(&mut state).await?;
            if let Some(found) = loader.carrier(&mut state, carrier).await? {
                drop(state);
                self.introduce(&found, &loader.organization()).await?;
            }
        }
        for (trunk, sent) in &self.sent {
            if &*sent.carrier == carrier {
                self.edge.outbox.trunk(trunk);
            }
        }
        Ok(())
    }

    async fn converge(&mut self, trunks: &[String]) -> Result<(), Stop> {
        if trunks.is_empty() {
            return Ok(());
        }
        let mut todo = Vec::with_capacity(trunks.len());
        {
            let mut state = self.store.snapshot().await?;
            let mut loader = Loader::new(&mut state).await?;
            // A batch at a time: a walk through many has all of them in one call.
            for batch in trunks.chunks(PAGE as usize) {
                let mut found: HashMap<String, Trunk> =
                    trunks::some(&mut state, batch).await?.into_iter().map(|trunk| (trunk.meta.id.clone(), trunk)).collect();
                let mut mine = Vec::with_capacity(found.len());
                for trunk in batch {
                    match found.remove(trunk) {
                        None => todo.push((trunk, Err(Withdrawal::Unregister))),
                        Some(found) if !self.serves(&found.site) => todo.push((trunk, Err(self.parting(trunk, &found.site)))),
                        Some(found) => mine.push((trunk, found)),
                    }
                }
                let (ids, mine): (Vec<&String>, Vec<Trunk>) = mine.into_iter().unzip();
                let wishes = loader.some(&mut state, mine).await?;
                todo.extend(ids.into_iter().zip(wishes.into_iter().map(|wish| wish.ok_or(Withdrawal::Unregister))));
            }
        }
        for (trunk, wish) in todo {
            match wish {
                Ok(desired) => self.assign(&desired).await?,
                Err(how) => self.withdraw(trunk, how).await?,
            }
        }
        Ok(())
    }

    /// What becomes of the binding of a trunk that another edge takes. One that moved to another site gets another Contact there; the old
    /// one would go on attracting calls. Where only the edges changed places, or the Contact names a host of its own, the other edge
    /// goes on with it.
    fn parting(&self, trunk: &str, site: &str) -> Withdrawal {
        match self.sent.get(trunk) {
            Some(sent) if &*sent.site != site && !sent.own_contact => Withdrawal::Unregister,
            Some(_) | None => Withdrawal::Forget,
        }
    }

    async fn assign(&mut self, desired: &Desired) -> Result<(), Stop> {
        let trunk = &desired.settings.trunk;
        let fingerprint = desired.fingerprint();
        self.introduce(&desired.settings.carrier, &desired.settings.organization).await?;
        if let Some(sent) = self.sent.get(&trunk.meta.id)
            && (sent.fingerprint == fingerprint || sent.generation >= desired.generation)
        {
            return Ok(());
        }
        let known = self.sent.contains_key(&trunk.meta.id);
        self.fleet.observed().place(&self.edge.name(), &trunk.meta.id, &trunk.site, &trunk.carrier);
        self.send(ToEdge::Assign(Box::new(desired.assignment(&self.keyring, &self.edge.key)))).await?;
        if let Some(seconds) = self.fleet.traces().seconds_left(&trunk.meta.id, now()).filter(|_| !known) {
            self.send(ToEdge::Trace { trunk: trunk.meta.id.clone(), seconds }).await?;
        }
        let sent = Sent {
            generation: desired.generation,
            fingerprint,
            site: trunk.site.as_str().into(),
            carrier: trunk.carrier.as_str().into(),
            own_contact: desired.settings.account().contact.host.is_some(),
        };
        self.sent.insert(trunk.meta.id.clone(), sent);
        Ok(())
    }

    /// Sends a carrier's profile before the first assignment that names it, and whenever it changed.
    async fn introduce(&mut self, carrier: &Carrier, organization: &Organization) -> Result<(), Stop> {
        let revision = profile_revision(carrier, organization);
        if self.carriers.get(&carrier.meta.id).is_none_or(|known| *known < revision) {
            self.send(ToEdge::Carrier(Box::new(profile(carrier, organization)))).await?;
            self.carriers.insert(carrier.meta.id.clone(), revision);
        }
        Ok(())
    }

    async fn withdraw(&mut self, trunk: &str, how: Withdrawal) -> Result<(), Stop> {
        if self.sent.remove(trunk).is_none() {
            return Ok(());
        }
        give_back(&mut self.sent);
        self.send(ToEdge::Withdraw { trunk: trunk.to_owned(), how }).await?;
        self.fleet.observed().displace(self.edge.id(), trunk);
        if how == Withdrawal::Forget {
            self.fleet.observed().forget(self.edge.id(), trunk);
        }
        Ok(())
    }

    fn serves(&self, site: &str) -> bool {
        self.fleet.serving(site).is_some_and(|edge| Arc::ptr_eq(&edge, &self.edge))
    }
}
