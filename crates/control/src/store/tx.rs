use std::sync::Arc;

use link::Generation;
use sqlx::{Sqlite, SqliteConnection, Transaction};
use tokio::sync::watch;

use super::loads::{Fleet, Loads};
use super::storage::Storage;
use super::{StoreError, audits, events, now};
use crate::audit::{AuditEntry, AuditKey, Origin};
use crate::domain::Trunk;
use crate::events::{Event, EventId};

/// One change: everything in it happens, with its audit records, or nothing does. Dropped without [`Tx::commit`], nothing does.
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    origin: Origin,
    audit_key: Option<Arc<AuditKey>>,
    entries: Vec<AuditEntry>,
    events: Vec<Event>,
    loads: Loads,
    /// Hears of events after their commit.
    feed: watch::Sender<i64>,
    storage: Arc<Storage>,
    head: Option<Head>,
    now: link::UnixMicros,
}

/// A part of a change that can be undone by itself.
#[derive(Debug)]
pub struct Part {
    entries: usize,
    events: usize,
    loads: usize,
}

/// The one row that orders all changes, locked until the commit.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) revision: i64,
    pub(super) incarnation: i64,
    pub(super) audit_number: i64,
    pub(super) audit_hash: String,
}

impl Tx {
    pub(super) fn new(
        inner: Transaction<'static, Sqlite>,
        origin: Origin,
        audit_key: Option<Arc<AuditKey>>,
        feed: watch::Sender<i64>,
        storage: Arc<Storage>,
    ) -> Self {
        Tx {
            inner,
            origin,
            audit_key,
            entries: Vec::new(),
            events: Vec::new(),
            loads: Loads::default(),
            feed,
            storage,
            head: None,
            now: now(),
        }
    }

    /// Lends the connection, inside the transaction.
    pub fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }

    /// Returns when the change began; every row of it carries this time.
    pub fn now(&self) -> link::UnixMicros {
        self.now
    }

    /// Records what is changed. It is written with the commit, in this transaction.
    pub fn audit(&mut self, entry: AuditEntry) {
        self.entries.push(entry);
    }

    /// Tells what is changed. It is written with the commit, in this transaction, and told after it.
    pub fn event(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Counts a trunk that came, went or changed for its carrier's load. It is written with the commit, in this transaction.
    pub fn load(&mut self, before: Option<&Trunk>, after: Option<&Trunk>) {
        self.loads.changed(before, after);
    }

    /// Reads a carrier's trunks in service, with what this change has made of them.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub async fn fleet(&mut self, carrier: &str) -> Result<&Fleet, StoreError> {
        self.loads.of(&mut self.inner, carrier).await
    }

    /// As [`Tx::fleet`] of a trunk's carrier, if the trunk were as it is after.
    ///
    /// # Errors
    /// [`StoreError`] where they cannot be read.
    pub async fn fleet_with(&mut self, before: Option<&Trunk>, after: &Trunk) -> Result<Fleet, StoreError> {
        let mark = self.loads.mark();
        self.loads.changed(before, Some(after));
        let fleet = self.loads.of(&mut self.inner, &after.carrier).await.cloned();
        self.loads.undo(mark);
        fleet
    }

    /// Takes the change's place in the order of all changes. Call it late: on a store with several writers the others wait from here on.
    ///
    /// # Errors
    /// [`StoreError`] where the counter cannot be written.
    pub async fn revision(&mut self) -> Result<u64, StoreError> {
        Ok(self.generation().await?.number)
    }

    /// As [`Tx::revision`], with the store's incarnation.
    ///
    /// # Errors
    /// [`StoreError`] where the counter cannot be written.
    pub async fn generation(&mut self) -> Result<Generation, StoreError> {
        let head = self.head().await?;
        Ok(Generation { incarnation: head.incarnation.unsigned_abs(), number: head.revision.unsigned_abs() })
    }

    /// Begins a part of the change that can be undone by itself, such as a line of an import.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not take it.
    pub async fn begin_part(&mut self) -> Result<Part, StoreError> {
        // Undoing a part must not undo the change's place in the order.
        self.head().await?;
        sqlx::query("SAVEPOINT part").execute(&mut *self.inner).await?;
        Ok(Part { entries: self.entries.len(), events: self.events.len(), loads: self.loads.mark() })
    }

    /// Ends a part and keeps it.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not take it.
    pub async fn keep_part(&mut self, _: Part) -> Result<(), StoreError> {
        sqlx::query("RELEASE part").execute(&mut *self.inner).await?;
        Ok(())
    }

    /// Undoes a part with its audit records; what was before it stays.
    ///
    /// # Errors
    /// [`StoreError`] where the database does not take it.
    pub async fn undo_part(&mut self, part: Part) -> Result<(), StoreError> {
        sqlx::query("ROLLBACK TO part").execute(&mut *self.inner).await?;
        sqlx::query("RELEASE part").execute(&mut *self.inner).await?;
        self.entries.truncate(part.entries);
        self.events.truncate(part.events);
        self.loads.undo(part.loads);
        Ok(())
    }

    /// Writes the audit records and events and makes the change last. When it returns `Ok`, the change survives a loss of power.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has then changed.
    pub async fn commit(self) -> Result<(), StoreError> {
        let storage = Arc::clone(&self.storage);
        let written = self.write().await;
        match &written {
            Ok(()) => storage.wrote(),
            Err(error) => storage.note(error),
        }
        written
    }

    async fn write(mut self) -> Result<(), StoreError> {
        self.loads.write(&mut self.inner).await?;
        if !self.entries.is_empty() {
            let mut head = self.head().await?.clone();
            audits::append(&mut self.inner, &mut head, &self.origin, self.now, std::mem::take(&mut self.entries)).await?;
            let mac = self.audit_key.as_ref().map(|key| key.mac(head.audit_number, &head.audit_hash));
            sqlx::query("UPDATE revision SET audit_number = $1, audit_hash = $2, audit_mac = COALESCE($3, audit_mac) WHERE id = 1")
                .bind(head.audit_number)
                .bind(&head.audit_hash)
                .bind(mac)
                .execute(&mut *self.inner)
                .await?;
        }
        let told = self.write_events().await?;
        self.inner.commit().await?;
        if let Some(last) = told {
            // Two changes may come here out of their order where a store has several writers.
            self.feed.send_if_modified(|known| {
                let news = *known < last;
                *known = last.max(*known);
                news
            });
        }
        Ok(())
    }

    /// The first event has the change's own place, each further one the next. Returns the place of the last.
    async fn write_events(&mut self) -> Result<Option<i64>, StoreError> {
        if self.events.is_empty() {
            return Ok(None);
        }
        let Head { incarnation, revision, .. } = *self.head().await?;
        let first = EventId { incarnation, revision };
        let last = events::append(&mut self.inner, &self.origin, first, self.now, std::mem::take(&mut self.events)).await?;
        sqlx::query("UPDATE revision SET number = $1 WHERE id = 1").bind(last).execute(&mut *self.inner).await?;
        Ok(Some(last))
    }

    async fn head(&mut self) -> Result<&Head, StoreError> {
        if self.head.is_none() {
            let row: (i64, i64, i64, String) = sqlx::query_as(
                "UPDATE revision SET number = number + 1 WHERE id = 1 RETURNING number, incarnation, audit_number, audit_hash",
            )
            .fetch_one(&mut *self.inner)
            .await?;
            self.head = Some(Head { revision: row.0, incarnation: row.1, audit_number: row.2, audit_hash: row.3 });
        }
        self.head.as_ref().ok_or_else(|| StoreError::Unreadable("revision".into()))
    }
}
