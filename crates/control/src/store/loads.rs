//! How many trunks in service each carrier has, by expiry: what its pacing must bear.
//!
//! Within a change the counts are kept in memory, and written once with its commit: an import changes them with each of its lines.

use std::collections::{BTreeMap, HashMap};

use sqlx::Row;

use super::{Connection, StoreError};
use crate::domain::Trunk;

/// How many trunks ask for so many seconds; `None` is the carrier's own expiry.
pub type Fleet = BTreeMap<Option<u32>, u64>;

/// Reads a carrier's trunks in service.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn of(connection: &mut Connection, carrier: &str) -> Result<Fleet, StoreError> {
    let rows = sqlx::query("SELECT expires, trunks FROM carrier_loads WHERE carrier = $1 AND trunks > 0")
        .bind(carrier)
        .fetch_all(connection)
        .await?;
    let mut fleet = Fleet::new();
    for row in rows {
        let (expires, trunks): (i64, i64) = (row.try_get("expires")?, row.try_get("trunks")?);
        fleet.insert(expiry(expires)?, trunks.unsigned_abs());
    }
    Ok(fleet)
}

/// What a change has made of the counts so far.
#[derive(Debug, Default)]
pub struct Loads {
    steps: Vec<Step>,
    /// Of carriers that were asked about, with the steps in it.
    known: HashMap<String, Fleet>,
}

/// One trunk more or less.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    carrier: String,
    expires: Option<u32>,
    more: bool,
}

impl Loads {
    /// A trunk came, went or changed.
    pub fn changed(&mut self, before: Option<&Trunk>, after: Option<&Trunk>) {
        let step = |trunk: &Trunk, more| Step { carrier: trunk.carrier.clone(), expires: trunk.settings.expires, more };
        let gone = before.filter(|trunk| trunk.in_service).map(|trunk| step(trunk, false));
        let come = after.filter(|trunk| trunk.in_service).map(|trunk| step(trunk, true));
        if let (Some(gone), Some(come)) = (&gone, &come)
            && (&gone.carrier, gone.expires) == (&come.carrier, come.expires)
        {
            return;
        }
        for step in gone.into_iter().chain(come) {
            self.apply(&step, step.more);
            self.steps.push(step);
        }
    }

    /// Returns how far the change is.
    pub fn mark(&self) -> usize {
        self.steps.len()
    }

    /// Takes back what came after a mark.
    pub fn undo(&mut self, mark: usize) {
        for step in self.steps.split_off(mark.min(self.steps.len())) {
            self.apply(&step, !step.more);
        }
    }

    /// Reads a carrier's trunks in service as the change has made them.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub async fn of(&mut self, connection: &mut Connection, carrier: &str) -> Result<&Fleet, StoreError> {
        if !self.known.contains_key(carrier) {
            let mut fleet = of(connection, carrier).await?;
            self.steps.iter().filter(|step| step.carrier == carrier).for_each(|step| count(&mut fleet, step.expires, step.more));
            self.known.insert(carrier.to_owned(), fleet);
        }
        self.known.get(carrier).ok_or_else(|| StoreError::Unreadable(format!("load of carrier {carrier}")))
    }

    /// Writes what has changed.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be written.
    pub async fn write(&mut self, connection: &mut Connection) -> Result<(), StoreError> {
        let mut sums: BTreeMap<(String, Option<u32>), i64> = BTreeMap::new();
        for step in self.steps.drain(..) {
            *sums.entry((step.carrier, step.expires)).or_default() += if step.more { 1 } else { -1 };
        }
        let upsert = "INSERT INTO carrier_loads (carrier, expires, trunks) VALUES ($1, $2, $3) \
            ON CONFLICT (carrier, expires) DO UPDATE SET trunks = carrier_loads.trunks + excluded.trunks";
        for ((carrier, expires), by) in sums.into_iter().filter(|(_, by)| *by != 0) {
            sqlx::query(upsert).bind(carrier).bind(i64::from(expires.unwrap_or(0))).bind(by).execute(&mut *connection).await?;
        }
        Ok(())
    }

    fn apply(&mut self, step: &Step, more: bool) {
        if let Some(fleet) = self.known.get_mut(&step.carrier) {
            count(fleet, step.expires, more);
        }
    }
}

fn count(fleet: &mut Fleet, expires: Option<u32>, more: bool) {
    let trunks = fleet.entry(expires).or_default();
    *trunks = if more { *trunks + 1 } else { trunks.saturating_sub(1) };
    if *trunks == 0 {
        fleet.remove(&expires);
    }
}

fn expiry(stored: i64) -> Result<Option<u32>, StoreError> {
    let seconds = u32::try_from(stored).map_err(|_| StoreError::Unreadable("expires of a load".into()))?;
    Ok((seconds > 0).then_some(seconds))
}
