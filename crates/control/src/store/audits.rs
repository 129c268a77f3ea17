use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::many::{Binding, Insert};
use super::page::{Key, Page, Paging, Select, Sorting};
use super::tx;
use super::{Connection, StoreError, Tx, audit_heads};
use crate::audit::{AuditEntry, AuditKey, Head, HeadKind, Origin};
use crate::encoding::hex;

const COLUMNS: &str =
    "number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, previous_hash, hash";

/// What was written but for what was trimmed.
const KEPT: &str =
    "SELECT audit_number - COALESCE((SELECT MAX(number) FROM audit_heads WHERE kind = 'checkpoint'), 0) FROM revision WHERE id = 1";

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
        let fields = (
            self.number,
            self.revision,
            self.at,
            &self.client,
            &self.action,
            &self.entity_kind,
            &self.entity_id,
            &self.before,
            &self.after,
            &self.remote,
            &self.correlation,
        );
        let mut hash = Sha256::new();
        hash.update(self.previous_hash.as_bytes());
        // Numbers and texts: writing them to memory does not fail.
        hash.update(serde_json::to_vec(&fields).unwrap_or_default());
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
    /// From this address.
    pub remote: Option<String>,
    /// By this request.
    pub correlation: Option<String>,
    /// At or after.
    pub from: Option<i64>,
    /// Before.
    pub to: Option<i64>,
}

/// What a look at the whole chain has found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// So many records hold.
    pub records: u64,
    /// The last record that was trimmed.
    pub trimmed: Option<i64>,
    /// Whether the head that was given is that of a record of this chain.
    pub compared: bool,
    /// The first break.
    pub broken: Option<Break>,
}

impl Verdict {
    fn broken(self, number: i64, what: &'static str) -> Self {
        Verdict { broken: Some(Break { number, what }), ..self }
    }
}

/// Where the chain is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// At which record.
    pub number: i64,
    /// What is wrong there.
    pub what: &'static str,
}

/// Writes the next records of the chain and moves its head on.
pub(super) async fn append(
    connection: &mut Connection,
    head: &mut tx::Head,
    origin: &Origin,
    at: link::UnixMicros,
    entries: Vec<AuditEntry>,
) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO audits (number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, \
            previous_hash, hash)",
        columns: 13,
        tail: "",
    };
    let remote = origin.remote.map(|address| address.to_string());
    let mut records = Vec::with_capacity(entries.len());
    for entry in entries {
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
            remote: remote.clone(),
            correlation: origin.correlation.clone(),
            previous_hash: head.audit_hash.clone(),
            hash: String::new(),
        };
        record.hash = record.computed_hash();
        head.audit_number = record.number;
        head.audit_hash.clone_from(&record.hash);
        records.push(record);
    }
    let bind = |query: Binding, record: &Record| {
        let record = record.clone();
        Ok(query
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
            .bind(record.hash))
    };
    INSERT.rows(connection, &records, bind).await
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
        filter.remote.map(|remote| ("remote = ?", Key::Text(remote))),
        filter.correlation.map(|correlation| ("correlation = ?", Key::Text(correlation))),
        filter.from.map(|from| ("at >= ?", Key::Number(from))),
        filter.to.map(|to| ("at < ?", Key::Number(to))),
    ];
    let filters = filters.into_iter().flatten().collect();
    Select { columns: COLUMNS, table: "audits", id: SORTINGS[0], filters, kept: Some(KEPT), totals: None }
        .page(connection, paging, read)
        .await
}

/// Reads one record.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, number: i64) -> Result<Option<Record>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM audits WHERE number = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(number).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Reads up to `limit` records behind a number, in their order.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn after(connection: &mut Connection, number: i64, limit: i64) -> Result<Vec<Record>, StoreError> {
    rows_after(connection, number, limit).await?.iter().map(read).collect()
}

/// Returns the hash of a record, if it is there.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn hash_of(connection: &mut Connection, number: i64) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT hash FROM audits WHERE number = $1").bind(number).fetch_optional(connection).await?)
}

/// Removes the oldest records from before a time, at most so many, and returns number and hash of the last of them. The newest record stays.
///
/// # Errors
/// [`StoreError`] where they cannot be written.
pub async fn trim(tx: &mut Tx, before: link::UnixMicros, most: i64) -> Result<Option<(i64, String)>, StoreError> {
    // Times may go back where a clock was set; the numbers do not. What is younger keeps all that follows it.
    let bounds = "SELECT MIN(number), MAX(number), (SELECT MIN(number) FROM audits WHERE at >= $1) FROM audits";
    let (first, last, young): (Option<i64>, Option<i64>, Option<i64>) =
        sqlx::query_as(bounds).bind(before).fetch_one(tx.connection()).await?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
    let to = young.unwrap_or(last).min(last).min(first + most) - 1;
    if to < first {
        return Ok(None);
    }
    let hash = hash_of(tx.connection(), to).await?.ok_or_else(|| StoreError::Unreadable(format!("audit record {to}")))?;
    sqlx::query("DELETE FROM audits WHERE number <= $1").bind(to).execute(tx.connection()).await?;
    Ok(Some((to, hash)))
}

/// Re-computes the whole chain from where it was trimmed, and holds it against every head that was signed, the newest record's MAC, and one
/// that the caller has kept.
///
/// # Errors
/// [`StoreError`] where the database cannot be read; what is written in it is no error, but a break.
pub async fn verify(connection: &mut Connection, key: Option<&AuditKey>, kept: Option<&Head>) -> Result<Verdict, StoreError> {
    match chain(connection, key, kept).await {
        Ok(verdict) => Ok(verdict),
        // A column that does not read as its type was written by somebody else.
        Err(StoreError::Unreadable(_) | StoreError::Sql(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_))) => {
            Ok(Verdict::default().broken(0, "What says where the chain begins or ends, or a signed head, was altered."))
        }
        Err(error) => Err(error),
    }
}

async fn chain(connection: &mut Connection, key: Option<&AuditKey>, kept: Option<&Head>) -> Result<Verdict, StoreError> {
    const BATCH: i64 = 1000;
    let public = key.map_or("", AuditKey::public);
    let checkpoint = audit_heads::last(connection, HeadKind::Checkpoint, public).await?;
    let mut verdict = Verdict { trimmed: checkpoint.as_ref().map(|head| head.number), ..Verdict::default() };
    if let Some(checkpoint) = checkpoint.as_ref().filter(|checkpoint| key.is_some() && !checkpoint.is_signed()) {
        return Ok(verdict.broken(checkpoint.number, "Where the chain was trimmed is not signed by Trunkline."));
    }
    let (mut number, mut hash) = checkpoint.map_or((0, String::new()), |head| (head.number, head.hash));
    let before: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM audits WHERE number <= $1").bind(number).fetch_one(&mut *connection).await?;
    if before > 0 {
        return Ok(verdict.broken(number, "A record stands before the beginning of the chain."));
    }
    let mut heads_seen = i64::from(verdict.trimmed.is_some());
    loop {
        let rows = rows_after(connection, number, BATCH).await?;
        let Some(last) = rows.last() else { break };
        let heads = audit_heads::between(connection, number, last.try_get("number")?, public).await?;
        heads_seen += heads.len() as i64;
        let mut heads = heads.into_iter().peekable();
        for row in &rows {
            let Ok(record) = read(row) else { return Ok(verdict.broken(number + 1, "It cannot be read.")) };
            if record.number != number + 1 {
                return Ok(verdict.broken(number + 1, "The record is missing."));
            }
            if record.previous_hash != hash {
                return Ok(verdict.broken(record.number, "It does not follow the record before."));
            }
            if record.computed_hash() != record.hash {
                return Ok(verdict.broken(record.number, "Its content was altered."));
            }
            while let Some(head) = heads.next_if(|head| head.number <= record.number) {
                if head.number != record.number || head.hash != record.hash || (key.is_some() && !head.is_signed()) {
                    return Ok(verdict.broken(record.number, "It is not the record that was signed."));
                }
            }
            number = record.number;
            hash = record.hash;
            verdict.records += 1;
        }
    }
    if heads_seen != audit_heads::count(connection).await? {
        return Ok(verdict.broken(number + 1, "There are signed heads of records that are not there."));
    }
    let (last, head, mac) = audit_heads::newest(connection).await?;
    if last != number {
        return Ok(verdict.broken(number + 1, "The records from here on are missing."));
    }
    if head != hash {
        return Ok(verdict.broken(number, "It is not the record that was written last."));
    }
    if key.is_some_and(|key| !key.wrote(last, &head, &mac)) {
        return Ok(verdict.broken(number, "It was not written by Trunkline: the chain was continued or cut by somebody without its key."));
    }
    let Some(kept) = kept else { return Ok(verdict) };
    if !kept.is_signed() || key.is_some_and(|key| key.public() != kept.public_key) {
        return Ok(verdict.broken(kept.number, "The given head was not signed by this installation."));
    }
    let compared = match verdict.trimmed {
        Some(trimmed) if kept.number < trimmed => return Ok(verdict),
        Some(trimmed) if kept.number == trimmed => audit_heads::last(connection, HeadKind::Checkpoint, public).await?.map(|head| head.hash),
        _ => hash_of(connection, kept.number).await?,
    };
    match compared {
        Some(hash) if hash == kept.hash => Ok(Verdict { compared: true, ..verdict }),
        Some(_) => Ok(verdict.broken(kept.number, "It is not the record that the given head was signed for.")),
        None => Ok(verdict.broken(number + 1, "The given head was signed for a record that is not there: the chain was cut.")),
    }
}

async fn rows_after(connection: &mut Connection, number: i64, limit: i64) -> Result<Vec<SqliteRow>, StoreError> {
    let select = "SELECT number, revision, at, client, action, entity_kind, entity_id, before, after, remote, correlation, \
        previous_hash, hash FROM audits WHERE number > $1 ORDER BY number LIMIT $2";
    Ok(sqlx::query(select).bind(number).bind(limit).fetch_all(connection).await?)
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
