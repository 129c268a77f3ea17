use std::sync::Arc;

use link::Generation;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use super::{StoreError, audits, now};
use crate::audit::{AuditEntry, AuditKey, Origin};

/// One change: everything in it happens, with its audit records, or nothing does. Dropped without [`Tx::commit`], nothing does.
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    origin: Origin,
    audit_key: Option<Arc<AuditKey>>,
    entries: Vec<AuditEntry>,
    head: Option<Head>,
    now: link::UnixMicros,
}

/// A part of a change that can be undone by itself.
#[derive(Debug)]
pub struct Part {
    entries: usize,
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
    pub(super) fn new(inner: Transaction<'static, Sqlite>, origin: Origin, audit_key: Option<Arc<AuditKey>>) -> Self {
        Tx { inner, origin, audit_key, entries: Vec::new(), head: None, now: now() }
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
        Ok(Part { entries: self.entries.len() })
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
        Ok(())
    }

    /// Writes the audit records and makes the change last. When it returns `Ok`, the change survives a loss of power.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has then changed.
    pub async fn commit(mut self) -> Result<(), StoreError> {
        if !self.entries.is_empty() {
            let mut head = self.head().await?.clone();
            for entry in std::mem::take(&mut self.entries) {
                audits::append(&mut self.inner, &mut head, &self.origin, self.now, entry).await?;
            }
            let mac = self.audit_key.as_ref().map(|key| key.mac(head.audit_number, &head.audit_hash));
            sqlx::query("UPDATE revision SET audit_number = $1, audit_hash = $2, audit_mac = COALESCE($3, audit_mac) WHERE id = 1")
                .bind(head.audit_number)
                .bind(&head.audit_hash)
                .bind(mac)
                .execute(&mut *self.inner)
                .await?;
        }
        self.inner.commit().await?;
        Ok(())
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
