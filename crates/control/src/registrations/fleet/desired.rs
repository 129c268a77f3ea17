//! What a trunk's edge is to do, read from the store.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use link::{Assignment, Generation, SealKey};

use super::super::assignment::{Settings, credential};
use super::super::version::VersionState;
use crate::domain::{Carrier, Organization, Site, Trunk};
use crate::sealing::Keyring;
use crate::store::credentials::{self, Registration, Stored};
use crate::store::{Connection, StoreError, carriers, organization, sites, trunks};

/// Reads settings, each carrier and site once; lives as long as one state of the store is looked at.
pub struct Loader {
    organization: Arc<Organization>,
    carriers: HashMap<String, Arc<Carrier>>,
    sites: HashMap<String, Arc<Site>>,
    incarnation: u64,
}

/// A trunk that is to be registered.
#[derive(Debug)]
pub struct Desired {
    /// Everything above the credentials.
    pub settings: Settings,
    /// What its versions have in common.
    pub registration: Registration,
    /// Active, previous and standby version.
    pub stored: Vec<Stored>,
    /// Orders it among the trunk's desired states.
    pub generation: Generation,
}

impl Loader {
    /// Begins with what every trunk needs.
    pub async fn new(connection: &mut Connection) -> Result<Self, StoreError> {
        Ok(Loader {
            organization: Arc::new(organization::load(connection).await?),
            carriers: HashMap::new(),
            sites: HashMap::new(),
            incarnation: credentials::incarnation(connection).await?,
        })
    }

    /// Reads what these trunks need, in one statement a kind.
    pub async fn prepare(&mut self, connection: &mut Connection, trunks: &[Trunk]) -> Result<(), StoreError> {
        let wanted = |of: fn(&Trunk) -> &str, known: &dyn Fn(&str) -> bool| {
            let mut ids: Vec<&str> = trunks.iter().map(of).filter(|id| !known(id)).collect();
            ids.sort_unstable();
            ids.dedup();
            ids
        };
        let missing = wanted(|trunk| &trunk.carrier, &|id| self.carriers.contains_key(id));
        for carrier in carriers::some(connection, &missing).await? {
            self.carriers.insert(carrier.meta.id.clone(), Arc::new(carrier));
        }
        let missing = wanted(|trunk| &trunk.site, &|id| self.sites.contains_key(id));
        for site in sites::some(connection, &missing).await? {
            self.sites.insert(site.meta.id.clone(), Arc::new(site));
        }
        Ok(())
    }

    /// Reads what stands above a trunk's credentials; `None` where there is no such trunk.
    pub async fn find(&mut self, connection: &mut Connection, trunk: &str) -> Result<Option<Settings>, StoreError> {
        match trunks::find(connection, trunk).await? {
            Some(trunk) => self.settings(connection, trunk).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads what stands above the credentials of a trunk that was read.
    pub async fn settings(&mut self, connection: &mut Connection, trunk: Trunk) -> Result<Settings, StoreError> {
        let carrier = self.carrier(connection, &trunk.carrier).await?;
        let carrier = carrier.ok_or_else(|| StoreError::Unreadable(format!("carrier of trunk {}", trunk.meta.id)))?;
        let site = match self.sites.get(&trunk.site) {
            Some(site) => Arc::clone(site),
            None => {
                let site = sites::find(connection, &trunk.site).await?;
                let site = Arc::new(site.ok_or_else(|| StoreError::Unreadable(format!("site of trunk {}", trunk.meta.id)))?);
                self.sites.insert(trunk.site.clone(), Arc::clone(&site));
                site
            }
        };
        Ok(Settings { trunk, site, carrier, organization: Arc::clone(&self.organization) })
    }

    /// Reads a carrier.
    pub async fn carrier(&mut self, connection: &mut Connection, id: &str) -> Result<Option<Arc<Carrier>>, StoreError> {
        if let Some(carrier) = self.carriers.get(id) {
            return Ok(Some(Arc::clone(carrier)));
        }
        let carrier = carriers::find(connection, id).await?.map(Arc::new);
        if let Some(carrier) = &carrier {
            self.carriers.insert(id.to_owned(), Arc::clone(carrier));
        }
        Ok(carrier)
    }

    /// Returns the organisation.
    pub fn organization(&self) -> Arc<Organization> {
        Arc::clone(&self.organization)
    }

    /// Reads what is desired of some trunks, in their order; `None` for those that are not to be registered.
    pub async fn some(&mut self, connection: &mut Connection, trunks: Vec<Trunk>) -> Result<Vec<Option<Desired>>, StoreError> {
        let ids: Vec<&str> = trunks.iter().filter(|trunk| trunk.in_service).map(|trunk| trunk.meta.id.as_str()).collect();
        let mut registrations = credentials::registrations_of(connection, &ids).await?;
        let mut versions: HashMap<String, Vec<Stored>> = HashMap::new();
        for stored in credentials::usable_of(connection, &ids).await? {
            versions.entry(stored.version.trunk.clone()).or_default().push(stored);
        }
        self.prepare(connection, &trunks).await?;
        let mut some = Vec::with_capacity(trunks.len());
        for trunk in trunks {
            let registration = registrations.remove(&trunk.meta.id);
            let stored = versions.remove(&trunk.meta.id).unwrap_or_default();
            some.push(match registration {
                Some(registration) => {
                    let settings = self.settings(connection, trunk).await?;
                    self.of(settings, registration, stored)
                }
                None => None,
            });
        }
        Ok(some)
    }

    /// Reads what is desired of a page of trunks, which is ordered by id; trunks that are not to be registered are left out.
    pub async fn page(&mut self, connection: &mut Connection, trunks: Vec<Trunk>) -> Result<Vec<Desired>, StoreError> {
        let (Some(first), Some(last)) = (trunks.first(), trunks.last()) else { return Ok(Vec::new()) };
        let (first, last) = (first.meta.id.clone(), last.meta.id.clone());
        let registrations: HashMap<String, Registration> =
            credentials::registrations_between(connection, &first, &last).await?.into_iter().collect();
        let mut versions: HashMap<String, Vec<Stored>> = HashMap::new();
        for stored in credentials::usable_between(connection, &first, &last).await? {
            versions.entry(stored.version.trunk.clone()).or_default().push(stored);
        }
        let mut page = Vec::with_capacity(trunks.len());
        for trunk in trunks {
            let Some(registration) = registrations.get(&trunk.meta.id).filter(|_| trunk.in_service) else { continue };
            let stored = versions.remove(&trunk.meta.id).unwrap_or_default();
            let settings = self.settings(connection, trunk).await?;
            page.extend(self.of(settings, registration.clone(), stored));
        }
        Ok(page)
    }

    fn of(&self, settings: Settings, registration: Registration, stored: Vec<Stored>) -> Option<Desired> {
        if stored.iter().all(|stored| stored.version.state != VersionState::Active) {
            return None;
        }
        let generation = Generation { incarnation: self.incarnation, number: settings.revision(registration.revision) };
        Some(Desired { settings, registration, stored, generation })
    }
}

impl Desired {
    /// Tells whether the active secret rests: it was proved for another target than the one it would be sent to now.
    pub fn rests(&self) -> bool {
        self.settings.target_revision() > self.registration.verified
    }

    /// Names the content, so that a change without effect is not sent.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        // Debug output of plain data: it holds every field, and lives only as long as this process.
        format!("{:?} {:?} {}", self.settings.account(), self.settings.policy(), self.rests()).hash(&mut hasher);
        self.settings.trunk.carrier.hash(&mut hasher);
        let mut versions: Vec<_> = self.stored.iter().map(|stored| &stored.version).collect();
        versions.sort_by_key(|version| version.version);
        for version in versions {
            (version.version, version.state.as_str(), version.effective_realm(), version.effective_algorithm()).hash(&mut hasher);
            version.negotiated.is_some().hash(&mut hasher);
        }
        hasher.finish()
    }

    /// Makes the order for an edge; secrets are opened here and sealed to it at once.
    pub fn assignment(&self, keyring: &Keyring, key: &SealKey) -> Assignment {
        let trunk = &self.settings.trunk.meta.id;
        let of = |state: VersionState| {
            let stored = self.stored.iter().find(|stored| stored.version.state == state)?;
            match keyring.open(trunk, stored.version.version, &stored.sealed) {
                Ok(secret) => Some(credential(&stored.version, &secret, key, trunk)),
                Err(error) => {
                    tracing::error!(trunk, version = stored.version.version, %error, "a stored secret does not open");
                    None
                }
            }
        };
        Assignment {
            trunk: trunk.clone(),
            generation: self.generation,
            carrier: self.settings.trunk.carrier.clone(),
            account: self.settings.account(),
            policy: self.settings.policy(),
            active: if self.rests() { None } else { of(VersionState::Active) },
            previous: of(VersionState::Previous),
            standby: if self.rests() { None } else { of(VersionState::Standby) },
        }
    }
}
