//! Bulk rotations and their items.

use link::UnixMicros;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Connection, StoreError};
use crate::registrations::rotation::{ItemState, RotationState};

/// So long are rotations that are over kept: 30 days, in microseconds.
pub const KEPT_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A bulk rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// Its id.
    pub id: String,
    /// Who posted it.
    pub client: String,
    /// The caller's Idempotency-Key.
    pub key: Option<String>,
    /// How far it is.
    pub state: RotationState,
    /// When it began.
    pub created: UnixMicros,
    /// When it got on last.
    pub modified: UnixMicros,
    /// So many trunks a second at most.
    pub per_second: u32,
    /// It stops beyond this share of failures, in millionths.
    pub failure_share: u32,
    /// Results up to this one stop nothing any more.
    pub counted: i64,
    /// Why it does not go on.
    pub message: Option<String>,
    /// The keyed MAC of its lines, once they are all there and the caller gave a key.
    pub request: Option<String>,
}

/// One trunk of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The line that it was posted in.
    pub line: i64,
    /// The trunk's id.
    pub trunk: String,
    /// The staged version.
    pub version: Option<u32>,
    /// How far it is.
    pub state: ItemState,
    /// The result line, JSON.
    pub body: Option<String>,
}

const COLUMNS: &str = "id, client, key, state, created, modified, per_second, failure_share, counted, message, request";

/// Writes a new rotation, and lets go of those that are too old.
pub async fn insert(connection: &mut Connection, rotation: &Rotation) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM rotations WHERE modified <= $1 AND state NOT IN ('RUNNING', 'PAUSED', 'STOPPED')")
        .bind(rotation.created - KEPT_MICROS)
        .execute(&mut *connection)
        .await?;
    let sql = format!("INSERT INTO rotations ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&rotation.id)
        .bind(&rotation.client)
        .bind(&rotation.key)
        .bind(rotation.state.as_str())
        .bind(rotation.created)
        .bind(rotation.modified)
        .bind(i64::from(rotation.per_second))
        .bind(i64::from(rotation.failure_share))
        .bind(rotation.counted)
        .bind(&rotation.message)
        .bind(&rotation.request)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes how far a rotation is.
pub async fn update(connection: &mut Connection, rotation: &Rotation) -> Result<(), StoreError> {
    sqlx::query("UPDATE rotations SET state = $2, modified = $3, counted = $4, message = $5, key = $6, request = $7 WHERE id = $1")
        .bind(&rotation.id)
        .bind(rotation.state.as_str())
        .bind(rotation.modified)
        .bind(rotation.counted)
        .bind(&rotation.message)
        .bind(&rotation.key)
        .bind(&rotation.request)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads a rotation.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Rotation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM rotations WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Reads the rotation that a client began under a key.
pub async fn find_by_key(connection: &mut Connection, client: &str, key: &str) -> Result<Option<Rotation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM rotations WHERE client = $1 AND key = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(client).bind(key).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Reads the rotations in a state.
pub async fn in_state(connection: &mut Connection, state: RotationState) -> Result<Vec<Rotation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM rotations WHERE state = $1 ORDER BY created");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(state.as_str()).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// Writes a new item; `sequence` where it has its result already.
pub async fn insert_item(connection: &mut Connection, rotation: &str, item: &Item) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO rotation_items (rotation, line, trunk, version, state, body) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(rotation)
        .bind(item.line)
        .bind(&item.trunk)
        .bind(item.version)
        .bind(item.state.as_str())
        .bind(&item.body)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes an item's result.
pub async fn settle(connection: &mut Connection, rotation: &str, item: &Item, sequence: Option<i64>) -> Result<(), StoreError> {
    sqlx::query("UPDATE rotation_items SET state = $3, body = $4, sequence = $5 WHERE rotation = $1 AND line = $2")
        .bind(rotation)
        .bind(item.line)
        .bind(item.state.as_str())
        .bind(&item.body)
        .bind(sequence)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads the items that wait for their turn, in order.
pub async fn waiting(connection: &mut Connection, rotation: &str) -> Result<Vec<Item>, StoreError> {
    let rows = sqlx::query("SELECT line, trunk, version, state, body FROM rotation_items WHERE rotation = $1 AND state = $2 ORDER BY line")
        .bind(rotation)
        .bind(ItemState::Waiting.as_str())
        .fetch_all(connection)
        .await?;
    rows.iter().map(read_item).collect()
}

/// Reads the first items behind a line that wait for their turn, in order.
pub async fn waiting_after(connection: &mut Connection, rotation: &str, line: i64, limit: i64) -> Result<Vec<Item>, StoreError> {
    let sql = "SELECT line, trunk, version, state, body FROM rotation_items WHERE rotation = $1 AND state = $2 AND line > $3 \
        ORDER BY line LIMIT $4";
    let rows = sqlx::query(sql).bind(rotation).bind(ItemState::Waiting.as_str()).bind(line).bind(limit).fetch_all(connection).await?;
    rows.iter().map(read_item).collect()
}

/// Reads the cancelled rotations in which items wait that nobody will ask about.
pub async fn half_cancelled(connection: &mut Connection) -> Result<Vec<Rotation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM rotations WHERE state = $1 AND EXISTS \
         (SELECT 1 FROM rotation_items WHERE rotation = rotations.id AND rotation_items.state = $2) ORDER BY created"
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(RotationState::Cancelled.as_str()).bind(ItemState::Waiting.as_str());
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads the states of the results behind one, in the order in which they came, and the number of the last.
pub async fn results(connection: &mut Connection, rotation: &str, after: i64) -> Result<(Vec<ItemState>, i64), StoreError> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT state, sequence FROM rotation_items WHERE rotation = $1 AND sequence > $2 ORDER BY sequence")
            .bind(rotation)
            .bind(after)
            .fetch_all(connection)
            .await?;
    let last = rows.last().map_or(after, |(_, sequence)| *sequence);
    let states = rows.into_iter().map(|(state, _)| state.parse().map_err(StoreError::Unreadable)).collect::<Result<_, _>>()?;
    Ok((states, last))
}

/// Counts the items of each state.
pub async fn counts(connection: &mut Connection, rotation: &str) -> Result<Vec<(ItemState, i64)>, StoreError> {
    let rows: Vec<(String, i64)> = sqlx::query_as("SELECT state, COUNT(*) FROM rotation_items WHERE rotation = $1 GROUP BY state")
        .bind(rotation)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(|(state, count)| Ok((state.parse().map_err(StoreError::Unreadable)?, count))).collect()
}

/// Reads the items behind a line that have a result, in the order of lines.
pub async fn settled(connection: &mut Connection, rotation: &str, after: i64, limit: i64) -> Result<Vec<Item>, StoreError> {
    let rows = sqlx::query(
        "SELECT line, trunk, version, state, body FROM rotation_items WHERE rotation = $1 AND line > $2 AND body IS NOT NULL \
         ORDER BY line LIMIT $3",
    )
    .bind(rotation)
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await?;
    rows.iter().map(read_item).collect()
}

fn read(row: &SqliteRow) -> Result<Rotation, StoreError> {
    let state: String = row.try_get("state")?;
    Ok(Rotation {
        id: row.try_get("id")?,
        client: row.try_get("client")?,
        key: row.try_get("key")?,
        state: state.parse().map_err(StoreError::Unreadable)?,
        created: row.try_get("created")?,
        modified: row.try_get("modified")?,
        per_second: number(row, "per_second")?,
        failure_share: number(row, "failure_share")?,
        counted: row.try_get("counted")?,
        message: row.try_get("message")?,
        request: row.try_get("request")?,
    })
}

fn read_item(row: &SqliteRow) -> Result<Item, StoreError> {
    let state: String = row.try_get("state")?;
    let version: Option<i64> = row.try_get("version")?;
    Ok(Item {
        line: row.try_get("line")?,
        trunk: row.try_get("trunk")?,
        version: version.and_then(|version| u32::try_from(version).ok()),
        state: state.parse().map_err(StoreError::Unreadable)?,
        body: row.try_get("body")?,
    })
}

fn number(row: &SqliteRow, column: &str) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| StoreError::Unreadable(format!("{column} is out of range")))
}
