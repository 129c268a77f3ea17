//! Attempts as they are kept: bounded for each trunk and in total, the oldest out first.

use link::{Attempt, AttemptKind, AttemptMessage, UnixMicros};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::page::{Key, Select};
use super::reach::Condition;
use super::{Connection, Page, Paging, Sorting, StoreError, row};
use crate::encoding::{base64, unbase64};

/// So many attempts with credentials of no trunk are kept.
pub const OF_NO_TRUNK: i64 = 500;
/// So many bytes they may take in total, messages included: 64 MiB.
pub const TOTAL_BYTES: i64 = 64 * 1024 * 1024;

/// The orders of attempts; the first is the default.
pub const SORTINGS: &[Sorting] =
    &[Sorting { name: "startedAt", column: "started", number: true }, Sorting { name: "number", column: "number", number: true }];

const COLUMNS: &str = "number, id, trunk, started, messages, body";

/// An attempt without its messages.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Names its messages in the store.
    pub number: i64,
    /// Everything but the messages.
    pub attempt: Attempt,
    /// So many messages it has.
    pub messages: i64,
}

/// What attempts of a listing have in common.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What they were for.
    pub kind: Option<AttemptKind>,
    /// How they ended.
    pub code: Option<String>,
    /// Whether they ended well.
    pub accepted: Option<bool>,
    /// Begun at that time or later.
    pub from: Option<UnixMicros>,
    /// Begun before that time.
    pub to: Option<UnixMicros>,
}

/// A message as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredMessage {
    at: UnixMicros,
    sent: bool,
    local: String,
    remote: String,
    #[serde(default)]
    again: u32,
    base64: String,
}

/// Returns the word of a kind, which the API uses too.
pub fn word(kind: AttemptKind) -> &'static str {
    match kind {
        AttemptKind::FirstRegistration => "firstRegistration",
        AttemptKind::Refresh => "refresh",
        AttemptKind::Removal => "removal",
        AttemptKind::Verification => "verification",
    }
}

/// Reads the word of a kind.
pub fn kind(word_of: &str) -> Option<AttemptKind> {
    let all = [AttemptKind::FirstRegistration, AttemptKind::Refresh, AttemptKind::Removal, AttemptKind::Verification];
    all.into_iter().find(|kind| word(*kind) == word_of)
}

/// Returns the number behind which new attempts are counted.
pub async fn last_number(connection: &mut Connection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT COALESCE(MAX(number), 0) FROM attempts").fetch_one(connection).await?)
}

/// Writes an attempt. One that is known already, or whose trunk is gone, is left out; tells whether it was written.
pub async fn insert(connection: &mut Connection, number: i64, attempt: &Attempt) -> Result<bool, StoreError> {
    let messages: Vec<StoredMessage> = attempt.messages.iter().map(stored).collect();
    let messages = row::to_json(&messages)?;
    let body = row::to_json(&Attempt { messages: Vec::new(), ..attempt.clone() })?;
    let bytes = i64::try_from(body.len() + messages.len()).unwrap_or(i64::MAX);
    let done = sqlx::query(
        "INSERT INTO attempts (number, id, trunk, kind, started, accepted, code, messages, bytes, body) \
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 WHERE $3 IS NULL OR EXISTS (SELECT 1 FROM trunks WHERE id = $3) \
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(number)
    .bind(&attempt.id)
    .bind(&attempt.trunk)
    .bind(word(attempt.kind))
    .bind(attempt.started_at)
    .bind(i64::from(attempt.accepted))
    .bind(attempt.diagnosis.as_ref().map(|diagnosis| diagnosis.code.as_str()))
    .bind(i64::try_from(attempt.messages.len()).unwrap_or(i64::MAX))
    .bind(bytes)
    .bind(body)
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query("INSERT INTO attempt_messages (attempt, body) VALUES ($1, $2)").bind(number).bind(messages).execute(connection).await?;
    Ok(true)
}

/// Lets go of what a trunk has beyond its limit; of what is of no trunk where `trunk` is absent.
pub async fn trim(connection: &mut Connection, trunk: Option<&str>, per_trunk: i64) -> Result<(), StoreError> {
    let (sql, kept) = match trunk {
        Some(_) => (
            "DELETE FROM attempts WHERE trunk = $1 AND number <= \
             (SELECT number FROM attempts WHERE trunk = $1 ORDER BY number DESC LIMIT 1 OFFSET $2)",
            per_trunk,
        ),
        None => (
            "DELETE FROM attempts WHERE trunk IS NULL AND number <= \
             (SELECT number FROM attempts WHERE trunk IS NULL AND $1 IS NULL ORDER BY number DESC LIMIT 1 OFFSET $2)",
            OF_NO_TRUNK,
        ),
    };
    sqlx::query(sql).bind(trunk).bind(kept).execute(connection).await?;
    Ok(())
}

/// Returns when the attempt began that came first of those that are kept.
pub async fn oldest(connection: &mut Connection) -> Result<Option<UnixMicros>, StoreError> {
    Ok(sqlx::query_scalar("SELECT started FROM attempts ORDER BY number LIMIT 1").fetch_optional(connection).await?)
}

/// Lets go of attempts that began before a time, at most so many; tells how many. They are ordered by their arrival, and one that began
/// later keeps all that came after it: an edge's clock may be wrong.
pub async fn trim_old(connection: &mut Connection, before: UnixMicros, at_once: i64) -> Result<u64, StoreError> {
    let delete = "DELETE FROM attempts WHERE number IN (SELECT number FROM attempts ORDER BY number LIMIT $2) AND number < COALESCE( \
        (SELECT MIN(number) FROM (SELECT number, started FROM attempts ORDER BY number LIMIT $2) AS young WHERE started >= $1), \
        9223372036854775807)";
    Ok(sqlx::query(delete).bind(before).bind(at_once).execute(connection).await?.rows_affected())
}

/// Lets go of the oldest of all until both limits hold.
pub async fn trim_total(connection: &mut Connection, total: i64, total_bytes: i64) -> Result<u64, StoreError> {
    let (count, bytes): (i64, i64) =
        sqlx::query_as("SELECT COUNT(*), CAST(COALESCE(SUM(bytes), 0) AS BIGINT) FROM attempts").fetch_one(&mut *connection).await?;
    let (mut count_over, mut bytes_over) = (count - total, bytes - total_bytes);
    let mut last = None;
    let mut after = -1_i64;
    while count_over > 0 || bytes_over > 0 {
        let rows: Vec<(i64, i64)> = sqlx::query_as("SELECT number, bytes FROM attempts WHERE number > $1 ORDER BY number LIMIT 500")
            .bind(after)
            .fetch_all(&mut *connection)
            .await?;
        let Some((end, _)) = rows.last() else { break };
        after = *end;
        for (number, bytes) in rows {
            if count_over <= 0 && bytes_over <= 0 {
                break;
            }
            (count_over, bytes_over, last) = (count_over - 1, bytes_over - bytes, Some(number));
        }
    }
    let Some(last) = last else { return Ok(0) };
    let done = sqlx::query("DELETE FROM attempts WHERE number <= $1").bind(last).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Reads a page of a trunk's attempts; of those of no trunk where it is absent, within a condition where there is one.
pub async fn page(
    connection: &mut Connection,
    trunk: Option<&str>,
    paging: &Paging,
    filter: Filter,
    within: Option<Condition>,
) -> Result<Page<Kept>, StoreError> {
    let of = match trunk {
        Some(trunk) => ("trunk = ?", Key::Text(trunk.to_owned())),
        // Every condition has a bound value.
        None => ("trunk IS NULL AND ? = 0", Key::Number(0)),
    };
    let filters = [
        Some(of),
        filter.kind.map(|kind| ("kind = ?", Key::Text(word(kind).to_owned()))),
        filter.code.map(|code| ("code = ?", Key::Text(code))),
        filter.accepted.map(|accepted| ("accepted = ?", Key::Number(i64::from(accepted)))),
        filter.from.map(|from| ("started >= ?", Key::Number(from))),
        filter.to.map(|to| ("started < ?", Key::Number(to))),
    ];
    let filters = filters.into_iter().flatten().collect();
    Select { columns: COLUMNS, table: "attempts", id: SORTINGS[1], filters, kept: None, totals: None }
        .page_within(connection, paging, within, read)
        .await
}

/// Reads an attempt with its messages.
pub async fn find(connection: &mut Connection, trunk: Option<&str>, id: &str) -> Result<Option<Attempt>, StoreError> {
    let row = sqlx::query("SELECT number, id, trunk, started, messages, body FROM attempts WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(Kept { number, attempt, .. }) = row.as_ref().map(read).transpose()? else { return Ok(None) };
    if attempt.trunk.as_deref() != trunk {
        return Ok(None);
    }
    let text: Option<String> =
        sqlx::query_scalar("SELECT body FROM attempt_messages WHERE attempt = $1").bind(number).fetch_optional(connection).await?;
    let stored: Vec<StoredMessage> = text.map(|text| serde_json::from_str(&text)).transpose()?.unwrap_or_default();
    let messages = stored.into_iter().map(message).collect::<Result<_, _>>()?;
    Ok(Some(Attempt { messages, ..attempt }))
}

fn read(row: &SqliteRow) -> Result<Kept, StoreError> {
    Ok(Kept { number: row.try_get("number")?, attempt: row::json(row, "body")?, messages: row.try_get("messages")? })
}

fn stored(message: &AttemptMessage) -> StoredMessage {
    StoredMessage {
        at: message.at,
        sent: message.sent,
        local: message.local.clone(),
        remote: message.remote.clone(),
        again: message.retransmissions,
        base64: base64(&message.bytes),
    }
}

fn message(stored: StoredMessage) -> Result<AttemptMessage, StoreError> {
    let bytes = unbase64(&stored.base64).ok_or_else(|| StoreError::Unreadable("a message is not base64".into()))?;
    let StoredMessage { at, sent, local, remote, again, .. } = stored;
    Ok(AttemptMessage { at, sent, local, remote, retransmissions: again, bytes })
}
