//! What the edges see: the latest status of each trunk at each edge, in memory only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use diagnosis::Diagnosis;
use link::{Generation, TrunkStatus};
use tokio::sync::mpsc;

/// The latest status of each trunk at each edge.
#[derive(Debug, Default)]
pub struct Observed {
    trunks: RwLock<HashMap<Box<str>, Vec<Seen>>>,
    watches: Mutex<HashMap<String, Vec<mpsc::UnboundedSender<Happening>>>>,
}

/// The status of a trunk at one edge.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The edge's id.
    pub edge: Arc<str>,
    /// What it reported last.
    pub status: TrunkStatus,
}

/// What happens to a trunk while somebody waits for it.
#[derive(Clone, Debug)]
pub enum Happening {
    /// An edge reports.
    Status(Box<TrunkStatus>),
    /// The carrier accepted a version; it is in the store.
    Accepted {
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
    },
    /// The carrier refused a version; what follows from it is in the store.
    Refused {
        /// What was desired when it was sent.
        generation: Generation,
        /// The credential version.
        version: u32,
        /// The version before was promoted again.
        rolled_back: bool,
        /// Why.
        diagnosis: Box<Diagnosis>,
    },
}

/// Waits for what happens to one trunk; nothing since [`Observed::watch`] is missed.
#[derive(Debug)]
pub struct Watch {
    happenings: mpsc::UnboundedReceiver<Happening>,
}

impl Watch {
    /// Returns what happened next.
    pub async fn next(&mut self) -> Option<Happening> {
        self.happenings.recv().await
    }
}

impl Observed {
    /// Takes in what an edge reports.
    pub fn report(&self, edge: &Arc<str>, statuses: Vec<TrunkStatus>) {
        let watched: Vec<Happening> = {
            let watches = self.watches();
            statuses
                .iter()
                .filter(|status| watches.contains_key(&status.trunk))
                .map(|status| Happening::Status(Box::new(status.clone())))
                .collect()
        };
        let mut trunks = self.trunks.write().unwrap_or_else(PoisonError::into_inner);
        for status in statuses {
            let seen = trunks.entry(status.trunk.as_str().into()).or_default();
            match seen.iter_mut().find(|seen| seen.edge == *edge) {
                // A late report of an older desired state says nothing new.
                Some(seen) if seen.status.generation > status.generation => {}
                Some(seen) => seen.status = status,
                None => seen.push(Seen { edge: Arc::clone(edge), status }),
            }
        }
        drop(trunks);
        for happening in watched {
            if let Happening::Status(status) = &happening {
                self.happened(&status.trunk.clone(), happening);
            }
        }
    }

    /// Returns what the edges report of a trunk.
    pub fn of(&self, trunk: &str) -> Vec<Seen> {
        let trunks = self.trunks.read().unwrap_or_else(PoisonError::into_inner);
        trunks.get(trunk).cloned().unwrap_or_default()
    }

    /// Judges what is seen of a trunk without copying it.
    pub fn with<T>(&self, trunk: &str, judge: impl FnOnce(&[Seen]) -> T) -> T {
        let trunks = self.trunks.read().unwrap_or_else(PoisonError::into_inner);
        judge(trunks.get(trunk).map_or(&[], Vec::as_slice))
    }

    /// Returns the trunks whose statuses fit, unless there are more than `limit`.
    pub fn matching(&self, limit: usize, fits: impl Fn(&[Seen]) -> bool) -> Option<Vec<String>> {
        let trunks = self.trunks.read().unwrap_or_else(PoisonError::into_inner);
        let found: Vec<String> = trunks.iter().filter(|(_, seen)| fits(seen)).take(limit + 1).map(|(trunk, _)| trunk.to_string()).collect();
        (found.len() <= limit).then_some(found)
    }

    /// Forgets a trunk at an edge.
    pub fn forget(&self, edge: &str, trunk: &str) {
        let mut trunks = self.trunks.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = trunks.get_mut(trunk) {
            seen.retain(|seen| &*seen.edge != edge);
            if seen.is_empty() {
                trunks.remove(trunk);
            }
        }
    }

    /// Forgets everything at an edge that is gone.
    pub fn forget_edge(&self, edge: &str) {
        let mut trunks = self.trunks.write().unwrap_or_else(PoisonError::into_inner);
        trunks.retain(|_, seen| {
            seen.retain(|seen| &*seen.edge != edge);
            !seen.is_empty()
        });
    }

    /// Returns an address of an edge as a carrier saw it.
    pub fn public_addresses(&self, edge: &str, at_most: usize) -> Vec<String> {
        let trunks = self.trunks.read().unwrap_or_else(PoisonError::into_inner);
        let mut addresses = Vec::new();
        for seen in trunks.values().flatten().filter(|seen| &*seen.edge == edge) {
            if let Some(address) = &seen.status.public_address
                && !addresses.contains(address)
            {
                addresses.push(address.clone());
                if addresses.len() == at_most {
                    break;
                }
            }
        }
        addresses.sort();
        addresses
    }

    /// Begins to watch a trunk.
    pub fn watch(&self, trunk: &str) -> Watch {
        let (sender, happenings) = mpsc::unbounded_channel();
        let mut watches = self.watches();
        watches.retain(|_, senders| {
            senders.retain(|sender| !sender.is_closed());
            !senders.is_empty()
        });
        watches.entry(trunk.to_owned()).or_default().push(sender);
        Watch { happenings }
    }

    /// Tells those who wait for a trunk.
    pub fn happened(&self, trunk: &str, happening: Happening) {
        let mut watches = self.watches();
        if let Some(senders) = watches.get_mut(trunk) {
            senders.retain(|sender| sender.send(happening.clone()).is_ok());
            if senders.is_empty() {
                watches.remove(trunk);
            }
        }
    }

    fn watches(&self) -> MutexGuard<'_, HashMap<String, Vec<mpsc::UnboundedSender<Happening>>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(in crate::registrations) mod tests {
    use link::{OptionsStatus, RegistrationState};

    use super::*;

    pub(in crate::registrations) fn status(trunk: &str, number: u64, state: RegistrationState) -> TrunkStatus {
        TrunkStatus {
            trunk: trunk.into(),
            generation: Generation { incarnation: 1, number },
            state,
            bound: matches!(state, RegistrationState::Registered | RegistrationState::Refreshing),
            authenticated: true,
            since: 1,
            registrar: None,
            transport: None,
            public_address: None,
            registered_at: None,
            expires_at: None,
            next_action_at: None,
            round_trip_ms: None,
            consecutive_failures: 0,
            last_response: None,
            negotiated: None,
            service_route: Vec::new(),
            associated_uris: Vec::new(),
            options: OptionsStatus::default(),
            diagnosis: None,
            credential_version: Some(1),
            warnings: Vec::new(),
            refreshes: 0,
        }
    }

    #[test]
    fn the_latest_status_of_each_edge_counts_and_an_older_generation_does_not() {
        let observed = Observed::default();
        let (e1, e2): (Arc<str>, Arc<str>) = ("e1".into(), "e2".into());
        observed.report(&e1, vec![status("t1", 2, RegistrationState::Registered)]);
        observed.report(&e1, vec![status("t1", 1, RegistrationState::Registering)]);
        observed.report(&e2, vec![status("t1", 1, RegistrationState::Pending)]);
        let seen = observed.of("t1");
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].status.state, RegistrationState::Registered);
        observed.forget("e1", "t1");
        assert_eq!(observed.of("t1").len(), 1);
        observed.forget_edge("e2");
        assert!(observed.of("t1").is_empty());
    }

    #[tokio::test]
    async fn a_watch_misses_nothing_and_is_forgotten_with_its_owner() {
        let observed = Observed::default();
        let mut watch = observed.watch("t1");
        observed.report(&"e1".into(), vec![status("t1", 1, RegistrationState::Registered), status("t2", 1, RegistrationState::Registered)]);
        assert!(matches!(watch.next().await, Some(Happening::Status(status)) if status.trunk == "t1"));
        drop(watch);
        observed.report(&"e1".into(), vec![status("t1", 2, RegistrationState::Registered)]);
        assert!(observed.watches().is_empty());
    }
}
