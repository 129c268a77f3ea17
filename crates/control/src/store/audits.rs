use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::page::{Key, Page, Paging, Select, Sorting};
use super::tx::Head;
use super::{Connection, StoreError};
use crate::audit::{AuditEntry, Origin};
use crate::encoding::hex;

const COLUMNS: &str =
    "number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, previous_hash, hash";

/// The orders of the audit listing.
pub const SORTINGS: &[Sorting] =
    &[Sorting { name: "number", column: "number", number: true }, Sorting { name: "date", column: "at", number: true }];

/// A written audit record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place in the chain, from 1.
    pub number: i64,
    /// The change that it belongs to.
    pub revision: i64,
    /// When the change began.
    pub at: link::UnixMicros,
    /// Who asked for it.
    pub client: String,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub entity_kind: String,
    /// To which one.
    pub entity_id: String,
    /// JSON as it was written.
    pub before: Option<String>,
    /// JSON as it was written.
    pub after: Option<String>,
    /// From which address.
    pub remote: Option<String>,
    /// By which request.
    pub correlation: Option<String>,
    /// The hash of the record before.
    pub previous_hash: String,
    /// Over the previous hash and all the above.
    pub hash: String,
}

impl Record {
    /// Computes the hash that the record must have: SHA-256 over the previous hash and the fields as a JSON list, which fixes order and borders.
    pub fn computed_hash(&self) -> String {
        let fields = serde_json::json!([
            self.number,
            self.revision,
            self.at,
            self.client,
            self.action,
            self.entity_kind,
            self.entity_id,
            self.before,
            self.after,
            self.remote,
            self.correlation
        ]);
        let mut hash = Sha256::new();
        hash.update(self.previous_hash.as_bytes());
        hash.update(fields.to_string().as_bytes());
        hex(&hash.finalize())
    }
}

/// What records of a listing have in common.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// About this entity.
    pub entity_id: Option<String>,
    /// About this kind.
    pub entity_kind: Option<String>,
    /// With this action.
    pub action: Option<String>,
    /// By this client.
    pub client: Option<String>,
    /// At or after.
    pub from: Option<i64>,
    /// Before.
    pub to: Option<i64>,
}

/// Where the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// At which record.
    pub number: i64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Writes the next record of the chain and moves its head on.
pub(super) async fn append(
    connection: &mut Connection,
    head: &mut Head,
    origin: &Origin,
    at: link::UnixMicros,
    entry: AuditEntry,
) -> Result<(), StoreError> {
    let mut record = Record {
        number: head.audit_number + 1,
        revision: head.revision,
        at,
        client: origin.client.clone(),
        action: entry.action.to_owned(),
        entity_kind: entry.kind.to_owned(),
        entity_id: entry.id,
        before: entry.before.map(|value| value.to_string()),
        after: entry.after.map(|value| value.to_string()),
        remote: origin.remote.map(|address| address.to_string()),
        correlation: origin.correlation.clone(),
        previous_hash: head.audit_hash.clone(),
        hash: String::new(),
    };
    record.hash = record.computed_hash();
    let insert = "INSERT INTO audits (number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, \
        previous_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    sqlx::query(insert)
        .bind(record.number)
        .bind(record.revision)
        .bind(record.at)
        .bind(record.client)
        .bind(record.action)
        .bind(record.entity_kind)
        .bind(record.entity_id)
        .bind(record.before)
        .bind(record.after)
        .bind(record.remote)
        .bind(record.correlation)
        .bind(record.previous_hash)
        .bind(&record.hash)
        .execute(connection)
        .await?;
    head.audit_number = record.number;
    head.audit_hash = record.hash;
    Ok(())
}

/// Reads a page of records.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, filter: Filter) -> Result<Page<Record>, StoreError> {
    let filters = [
        filter.entity_id.map(|id| ("entity_id = ?", Key::Text(id))),
        filter.entity_kind.map(|kind| ("entity_kind = ?", Key::Text(kind))),
        filter.action.map(|action| ("action = ?", Key::Text(action))),
        filter.client.map(|client| ("client = ?", Key::Text(client))),
        filter.from.map(|from| ("at >= ?", Key::Number(from))),
        filter.to.map(|to| ("at < ?", Key::Number(to))),
    ];
    let filters = filters.into_iter().flatten().collect();
    Select { columns: COLUMNS, table: "audits", id: SORTINGS[0], filters, kept: Some("SELECT audit_number FROM revision WHERE id = 1") }
        .page(connection, paging, read)
        .await
}

/// Re-computes the whole chain. Returns how many records hold, and the first break if there is one.
///
/// # Errors
/// [`StoreError`] where a record cannot be read.
pub async fn verify(connection: &mut Connection) -> Result<(u64, Option<Break>), StoreError> {
    const BATCH: i64 = 1000;
    let (mut number, mut hash, mut good) = (0i64, String::new(), 0u64);
    loop {
        let select = "SELECT number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, \
            previous_hash, hash FROM audits WHERE number > $1 ORDER BY number LIMIT $2";
        let rows = sqlx::query(select).bind(number).bind(BATCH).fetch_all(&mut *connection).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let record = read(row)?;
            if record.number != number + 1 {
                return Ok((good, Some(Break { number: number + 1, what: "The record is missing." })));
            }
            if record.previous_hash != hash {
                return Ok((good, Some(Break { number: record.number, what: "It does not follow the record before." })));
            }
            if record.computed_hash() != record.hash {
                return Ok((good, Some(Break { number: record.number, what: "Its content was altered." })));
            }
            number = record.number;
            hash = record.hash;
            good += 1;
        }
    }
    let (last, head): (i64, String) =
        sqlx::query_as("SELECT audit_number, audit_hash FROM revision WHERE id = 1").fetch_one(connection).await?;
    if last != number {
        return Ok((good, Some(Break { number: number + 1, what: "The records from here on are missing." })));
    }
    if head != hash {
        return Ok((good, Some(Break { number, what: "It is not the record that was written last." })));
    }
    Ok((good, None))
}

fn read(row: &SqliteRow) -> Result<Record, StoreError> {
    Ok(Record {
        number: row.try_get("number")?,
        revision: row.try_get("revision")?,
        at: row.try_get("at")?,
        client: row.try_get("client")?,
        action: row.try_get("action")?,
        entity_kind: row.try_get("entity_kind")?,
        entity_id: row.try_get("entity_id")?,
        before: row.try_get("before")?,
        after: row.try_get("after")?,
        remote: row.try_get("remote")?,
        correlation: row.try_get("correlation")?,
        previous_hash: row.try_get("previous_hash")?,
        hash: row.try_get("hash")?,
    })
}
