//! What the lines of a batch are judged by, read at once, and what is written of them at once.

use std::collections::{HashMap, HashSet};

use crate::domain::Trunk;
use crate::http::resources::Places;
use crate::registrations::fleet::Loader;
use crate::registrations::transition::First;
use crate::registrations::version::Version;
use crate::store::credentials::{self, NewVersion, Registration};
use crate::store::{Connection, StoreError, Tx, trunks};

/// What the lines of a batch are judged by, within one change of the store.
pub struct Ground {
    /// What stands above the trunks.
    pub loader: Loader,
    /// Sites and carriers that the caller sees.
    pub places: Places,
    /// What there is of the trunks.
    pub known: Known,
    /// What is still to be written.
    pub fresh: Fresh,
}

impl Ground {
    /// Reads what there is of some trunks.
    pub async fn load(connection: &mut Connection, trunks: impl Iterator<Item = &str>) -> Result<Self, StoreError> {
        let known = Known::load(connection, trunks).await?;
        Ok(Ground { loader: Loader::new(connection).await?, places: Places::default(), known, fresh: Fresh::default() })
    }
}

/// What the store has of a trunk.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// The trunk, if it is there.
    pub trunk: Option<Trunk>,
    /// What its versions have in common; absent where there never were any.
    pub registration: Option<Registration>,
    /// The newest first, with the keyed MACs of their secrets.
    pub versions: Vec<(Version, String)>,
}

/// What the store has of the trunks of a batch.
#[derive(Debug, Default)]
pub struct Known {
    rows: HashMap<String, Row>,
}

impl Known {
    async fn load(connection: &mut Connection, ids: impl Iterator<Item = &str>) -> Result<Self, StoreError> {
        let mut rows: HashMap<String, Row> = ids.map(|id| (id.to_owned(), Row::default())).collect();
        let ids: Vec<String> = rows.keys().cloned().collect();
        let found = trunks::some(connection, &ids).await?;
        let there: Vec<&str> = found.iter().map(|trunk| trunk.meta.id.as_str()).collect();
        let registrations = credentials::registrations_of(connection, &there).await?;
        let versions = credentials::versions_with_macs_of(connection, &there).await?;
        for (id, registration) in registrations {
            rows.entry(id).or_default().registration = Some(registration);
        }
        for (id, versions) in versions {
            rows.entry(id).or_default().versions = versions;
        }
        for trunk in found {
            let id = trunk.meta.id.clone();
            rows.entry(id).or_default().trunk = Some(trunk);
        }
        Ok(Known { rows })
    }

    /// Returns what there is of a trunk.
    pub async fn row(&mut self, connection: &mut Connection, id: &str) -> Result<Row, StoreError> {
        if let Some(row) = self.rows.get(id) {
            return Ok(row.clone());
        }
        let one = Known::load(connection, std::iter::once(id)).await?;
        self.rows.extend(one.rows);
        Ok(self.rows.get(id).cloned().unwrap_or_default())
    }

    /// What was read of a trunk is no longer so.
    pub fn forget(&mut self, id: &str) {
        self.rows.remove(id);
    }
}

/// New trunks and first credentials that are decided and not yet written: many go into one statement.
#[derive(Debug, Default)]
pub struct Fresh {
    ids: HashSet<String>,
    trunks: Vec<Trunk>,
    registrations: Vec<(String, Registration)>,
    versions: Vec<NewVersion>,
}

impl Fresh {
    /// Adds a trunk that is new, and first credentials of one.
    pub fn push(&mut self, id: &str, trunk: Option<Trunk>, first: Option<First>) {
        self.ids.insert(id.to_owned());
        self.trunks.extend(trunk);
        if let Some(First { registration, version }) = first {
            self.registrations.push((id.to_owned(), registration));
            self.versions.push(version);
        }
    }

    /// Tells whether something of this trunk is not yet written.
    pub fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    /// Writes what there is. Not within a part of the change: one that is undone would take it along.
    pub async fn write(&mut self, tx: &mut Tx) -> Result<(), StoreError> {
        let Fresh { trunks, registrations, versions, .. } = std::mem::take(self);
        trunks::insert_all(tx, &trunks).await?;
        let registrations: Vec<(&str, &Registration)> =
            registrations.iter().map(|(id, registration)| (id.as_str(), registration)).collect();
        credentials::save_registrations(tx.connection(), &registrations).await?;
        credentials::insert_all(tx.connection(), &versions).await
    }
}
