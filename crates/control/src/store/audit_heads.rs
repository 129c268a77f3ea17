use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Connection, StoreError, Tx};
use crate::audit::{Head, HeadKind};

const COLUMNS: &str = "kind, number, hash, at, signature";

/// The newest record as the store has it written down: its number, its hash, and the MAC over both.
pub type Newest = (i64, String, String);

/// Reads which record is the newest.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn newest(connection: &mut Connection) -> Result<Newest, StoreError> {
    Ok(sqlx::query_as("SELECT audit_number, audit_hash, audit_mac FROM revision WHERE id = 1").fetch_one(connection).await?)
}

/// Authenticates the newest record where nothing does yet.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn save_mac(tx: &mut Tx, mac: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE revision SET audit_mac = $1 WHERE id = 1").bind(mac).execute(tx.connection()).await?;
    Ok(())
}

/// Writes a signed head.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn insert(tx: &mut Tx, head: &Head) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit_heads (kind, number, hash, at, signature) VALUES ($1, $2, $3, $4, $5)")
        .bind(head.kind.as_str())
        .bind(head.number)
        .bind(&head.hash)
        .bind(head.at)
        .bind(&head.signature)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Reads the last head of a kind; `public_key` is the store's own.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn last(connection: &mut Connection, kind: HeadKind, public_key: &str) -> Result<Option<Head>, StoreError> {
    let select = "SELECT kind, number, hash, at, signature FROM audit_heads WHERE kind = $1 ORDER BY number DESC LIMIT 1";
    let row = sqlx::query(select).bind(kind.as_str()).fetch_optional(connection).await?;
    row.map(|row| read(&row, public_key)).transpose()
}

/// Reads all heads, of whatever kind, whose numbers lie behind `after` and not behind `to`.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn between(connection: &mut Connection, after: i64, to: i64, public_key: &str) -> Result<Vec<Head>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM audit_heads WHERE number > $1 AND number <= $2 ORDER BY number");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(after).bind(to).fetch_all(connection).await?;
    rows.iter().map(|row| read(row, public_key)).collect()
}

/// Removes heads about records up to this one.
///
/// # Errors
/// [`StoreError`] where they cannot be written.
pub async fn delete_to(tx: &mut Tx, number: i64) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM audit_heads WHERE number <= $1").bind(number).execute(tx.connection()).await?;
    Ok(())
}

/// Tells how many heads there are.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn count(connection: &mut Connection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("SELECT COUNT(*) FROM audit_heads").fetch_one(connection).await?)
}

fn read(row: &SqliteRow, public_key: &str) -> Result<Head, StoreError> {
    let kind = match row.try_get("kind")? {
        "head" => HeadKind::Head,
        "checkpoint" => HeadKind::Checkpoint,
        _ => return Err(StoreError::Unreadable("a head of the audit chain".into())),
    };
    Ok(Head {
        kind,
        number: row.try_get("number")?,
        hash: row.try_get("hash")?,
        at: row.try_get("at")?,
        public_key: public_key.to_owned(),
        signature: row.try_get("signature")?,
    })
}
