//! The store: one writer, several readers, every change with its audit record in one transaction.
//!
//! [`Store::read`] lends a connection that sees the last committed state; [`Store::begin`] waits for its turn as the one writer and gives a
//! [`Tx`]. The nouns' statements are functions over a connection, one file each, so that they compose within a transaction.

pub mod askers;
pub mod attempts;
pub mod audit_heads;
pub mod audits;
pub mod backup;
pub mod carriers;
mod checkpoint;
pub mod clients;
pub mod credentials;
pub mod data_keys;
pub mod drifts;
pub mod edges;
mod error;
pub mod events;
pub mod idempotency;
pub mod jobs;
pub mod loads;
mod many;
mod migrate;
mod open;
pub mod organization;
pub mod page;
pub mod planned;
pub mod reach;
pub mod roles;
pub mod rotations;
mod row;
pub mod sealed;
pub mod settings;
pub mod sites;
mod storage;
#[cfg(test)]
mod tests;
pub mod tokens;
pub mod traces;
pub mod trunk_bases;
pub mod trunks;
mod tx;
pub mod verifications;
pub mod webhooks;

use std::fs::File;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::watch;

pub use error::StoreError;
pub use page::{Cursor, Page, Paging, Sorting};
use storage::Storage;
pub use tx::Tx;

use crate::audit::{AuditKey, Origin};
pub use crate::time::now;

/// What the nouns' functions take: a reader or a transaction's connection, dereferenced.
pub type Connection = sqlx::SqliteConnection;

/// A borrowed reading connection.
pub type Reader = PoolConnection<Sqlite>;

/// The store, cheap to clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: SqlitePool,
    writer: SqlitePool,
    /// Brings what was written into the database's file, beside the writer.
    checkpointer: SqlitePool,
    /// Authenticates the audit chain; known once the keys are open.
    audit_key: OnceLock<Arc<AuditKey>>,
    /// The place of the newest event.
    feed: watch::Sender<i64>,
    /// Whether the last change could be written.
    storage: Arc<Storage>,
    /// Held until the store is closed: a second process on the same data would act on stale registrations.
    lock: Mutex<Option<File>>,
}

impl Store {
    /// Lends a connection for reading.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where none gets free in time.
    pub async fn read(&self) -> Result<Reader, StoreError> {
        Ok(self.inner.readers.acquire().await?)
    }

    /// Lends a connection on which several statements see one state.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where none gets free in time.
    pub async fn snapshot(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.inner.readers.begin().await?)
    }

    /// Waits for its turn and begins a change.
    ///
    /// # Errors
    /// [`StoreError::Busy`] where the turn does not come in time, or another process holds the database's lock.
    pub async fn begin(&self, origin: &Origin) -> Result<Tx, StoreError> {
        let begun = self.begin_immediate().await;
        let inner = begun.inspect_err(|error| self.inner.storage.note(error))?;
        let (audit_key, storage) = (self.inner.audit_key.get().cloned(), Arc::clone(&self.inner.storage));
        Ok(Tx::new(inner, origin.clone(), audit_key, self.inner.feed.clone(), storage))
    }

    async fn begin_immediate(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        const BEGIN: &str = "BEGIN IMMEDIATE";
        let begun = self.inner.writer.begin_with(BEGIN).await;
        match begun.map_err(|error| (is_left_open(&error), error)) {
            // SQLite ends a transaction by itself where the disk is full or broken, sqlx then counts one that is open for ever on this
            // connection: a new one has to take its place.
            Err((true, _)) => {
                self.inner.writer.acquire().await?.close().await?;
                Ok(self.inner.writer.begin_with(BEGIN).await?)
            }
            begun => Ok(begun.map_err(|(_, error)| error)?),
        }
    }

    /// Finds out whether changes can be written, where the last one could not: by an empty change.
    ///
    /// # Errors
    /// [`StoreError`] where they still cannot.
    pub async fn check_storage(&self) -> Result<(), StoreError> {
        if self.inner.storage.is_well() {
            return Ok(());
        }
        let mut tx = self.begin(&Origin::system("health")).await?;
        // It takes its place in the order of changes: SQLite writes nothing where a row stays as it was.
        tx.revision().await?;
        tx.commit().await
    }

    /// Watches the place of the newest event.
    pub fn feed(&self) -> watch::Receiver<i64> {
        self.inner.feed.subscribe()
    }

    /// Records that an edge is there; called when it attaches.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be written.
    pub async fn edge_seen(&self, hello: &link::Hello) -> Result<(), StoreError> {
        let mut tx = self.begin(&Origin::system("link")).await?;
        edges::seen(&mut tx, hello).await?;
        tx.commit().await
    }

    /// Authenticates the audit chain from here on with this key.
    pub(crate) fn set_audit_key(&self, key: Arc<AuditKey>) {
        // It is set once, at the start.
        let _ = self.inner.audit_key.set(key);
    }

    /// Lends the key of the audit chain.
    pub(crate) fn audit_key(&self) -> Option<&AuditKey> {
        self.inner.audit_key.get().map(|key| &**key)
    }

    /// Tells whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.inner.writer.is_closed()
    }

    /// Brings everything into the one file of the database.
    ///
    /// # Errors
    /// [`StoreError`] where it cannot be written.
    pub async fn settle(&self) -> Result<(), StoreError> {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.inner.writer).await?;
        Ok(())
    }

    /// Closes the database after what is under way.
    pub async fn close(&self) {
        self.inner.checkpointer.close().await;
        self.inner.readers.close().await;
        self.inner.writer.close().await;
        // Nothing can be written from here on, whoever still holds the store.
        self.inner.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Counts how often a change of long work did not get its turn in time: whoever sent a hundred thousand lines is not to send some of them
/// again because others were busy for a moment. Each try waits by itself.
#[derive(Debug, Default)]
pub struct Turns {
    missed: u32,
}

impl Turns {
    /// So often it is tried: a minute, where another process holds the lock.
    const MOST: u32 = 12;

    /// Tells whether the change is to be tried again after this error.
    pub fn again(&mut self, error: &StoreError) -> bool {
        self.missed += 1;
        matches!(error, StoreError::Busy) && self.missed < Self::MOST
    }
}

/// Tells whether a connection counts a transaction as open that is not, or has one open that nobody counts.
fn is_left_open(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::InvalidSavePointStatement | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(fault) => fault.message().starts_with("cannot start a transaction within"),
        _ => false,
    }
}

/// Returns the size of the database file in bytes, free pages included.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn size(connection: &mut Connection) -> Result<i64, StoreError> {
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(&mut *connection).await?;
    let bytes: i64 = sqlx::query_scalar("PRAGMA page_size").fetch_one(connection).await?;
    Ok(pages.saturating_mul(bytes))
}
