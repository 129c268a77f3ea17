//! New keys while everything runs: a data key seals what is new at once and what is there bit by bit; a master key wraps the data keys anew.
//!
//! What is left to do is seen in the rows themselves, so a rotation that was killed goes on at the next start by looking at them.

use std::fs;

use super::keyring::{Keyring, draw, wrap};
use super::master_key::{create, put};
use super::opening::{CHECK, rewrap};
use super::{MasterKey, MasterKeySource};
use crate::audit::{AuditEntry, Origin};
use crate::problem::Problem;
use crate::store::sealed::{self, Sealed};
use crate::store::{Store, StoreError, data_keys, settings};

/// So many secrets are sealed anew in one transaction: short enough that nobody waits for it.
const BATCH: u32 = 100;

impl Keyring {
    /// Makes a new data key, which seals what is new from here on; [`Keyring::reseal`] brings the rest to it.
    ///
    /// # Errors
    /// 409 where the master key cannot be had any more, or is another one by now.
    pub async fn rotate_data_key(&self, store: &Store, origin: &Origin) -> Result<i64, Problem> {
        let _turn = self.turn.lock().await;
        let master = self.current_master(store).await?;
        let id = self.newest() + 1;
        let key = draw()?;
        let mut tx = store.begin(origin).await?;
        data_keys::insert(&mut tx, &wrap(&master, id, &key)?).await?;
        tx.audit(AuditEntry::new("create", "dataKey", id.to_string()));
        tx.commit().await?;
        self.adopt(id, key);
        Ok(id)
    }

    /// Seals everything that an older key has sealed with the newest one, and removes the older keys. Returns how many secrets that were.
    ///
    /// # Errors
    /// [`StoreError`] where a row cannot be read or written; what was done before stays done.
    pub async fn reseal(&self, store: &Store) -> Result<u64, StoreError> {
        let newest = self.newest();
        let mut done = 0;
        loop {
            let mut tx = store.begin(&Origin::system("sealing")).await?;
            let batch = sealed::older_than(tx.connection(), newest, BATCH).await?;
            if batch.is_empty() {
                for id in data_keys::delete_older(&mut tx, newest).await? {
                    tx.audit(AuditEntry::new("delete", "dataKey", id.to_string()));
                }
                tx.commit().await?;
                return Ok(done);
            }
            for mut row in batch {
                row.sealed = match &row.whose {
                    Sealed::Credentials { trunk, version } => {
                        let unreadable = |_| StoreError::Unreadable(format!("the secret of trunk {trunk}, version {version}"));
                        self.seal_anew(trunk, *version, &row.sealed).map_err(unreadable)?
                    }
                    Sealed::Webhook(id) => {
                        let place = format!("webhook:{id}");
                        let unreadable = |_| StoreError::Unreadable(format!("the secret of webhook {id}"));
                        let plain = self.open_bytes(&place, &row.sealed).map_err(unreadable)?;
                        self.seal_bytes(&place, &plain)
                    }
                    Sealed::Setting(name) => {
                        let unreadable = |_| StoreError::Unreadable(format!("the sealed setting {name}"));
                        let plain = self.open_bytes(name, &row.sealed).map_err(unreadable)?;
                        self.seal_bytes(name, &plain)
                    }
                };
                sealed::replace(&mut tx, &row).await?;
                done += 1;
            }
            tx.commit().await?;
        }
    }

    /// Wraps the data keys under a new master key: a file's is drawn, a command is asked again.
    ///
    /// # Errors
    /// 409 where the new key must come from outside and has not.
    pub async fn rotate_master_key(&self, store: &Store, origin: &Origin) -> Result<(), Problem> {
        let _turn = self.turn.lock().await;
        match self.source() {
            MasterKeySource::File(path) => {
                self.current_master(store).await?;
                let next = MasterKeySource::next_file(path);
                let master = create(&next).map_err(Problem::internal)?;
                if let Err(error) = rewrap(store, origin, &master, &self.wrap_all(&master)?).await {
                    // A change that failed may have come through all the same: only a key that wraps nothing may go. What stays is the next
                    // start's to judge.
                    if matches!(is_current(store, &master).await, Ok(false)) {
                        let _ = fs::remove_file(&next);
                    }
                    return Err(error.into());
                }
                put(&next, path).map_err(Problem::internal)
            }
            MasterKeySource::Command(_) => {
                let master = self.present_master().await?;
                if is_current(store, &master).await? {
                    let message = "The command gives the key that is in use. Make a new one where it comes from, then ask again.";
                    return Err(Problem::conflict(message));
                }
                Ok(rewrap(store, origin, &master, &self.wrap_all(&master)?).await?)
            }
            MasterKeySource::Env(_) => Err(Problem::conflict(
                "A variable cannot be changed from within. Start again with the new key in TRUNKLINE_MASTER_KEY and the one in use in \
                 TRUNKLINE_PREVIOUS_MASTER_KEY.",
            )),
        }
    }

    /// Wraps the data keys under the master key of a new source, at a start.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be written; the one before then stays the right one.
    pub async fn wrap_under(&self, store: &Store, master: &MasterKey) -> Result<(), StoreError> {
        rewrap(store, &Origin::system("sealing"), master, &self.wrap_all(master)?).await
    }

    /// Reads the master key from its source; a command may take its time.
    async fn present_master(&self) -> Result<MasterKey, Problem> {
        let source = self.source_handle();
        let loaded = tokio::task::spawn_blocking(move || source.load(false)).await.map_err(Problem::internal)?;
        loaded.map_err(|error| Problem::conflict(error.to_string()))
    }

    async fn current_master(&self, store: &Store) -> Result<MasterKey, Problem> {
        let master = self.present_master().await?;
        if is_current(store, &master).await? {
            return Ok(master);
        }
        let message =
            format!("{} holds another key than the one in use. Rotate the master key, or bring the right one back.", self.source());
        Err(Problem::conflict(message))
    }
}

async fn is_current(store: &Store, master: &MasterKey) -> Result<bool, StoreError> {
    let check = settings::load(&mut *store.read().await?, CHECK).await?;
    Ok(check.is_some_and(|check| check == master.check()))
}
