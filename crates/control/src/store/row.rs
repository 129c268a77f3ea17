//! What the nouns' files share.

use serde::de::DeserializeOwned;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StoreError;
use crate::domain::Meta;

/// Reads id, name, version, times and revision.
pub(super) fn meta(row: &SqliteRow) -> Result<Meta, StoreError> {
    Ok(Meta { revision: unsigned(row, "revision")?, ..plain_meta(row)? })
}

/// Reads id, name, version and times of what has no revision: edges know nothing of it.
pub(super) fn plain_meta(row: &SqliteRow) -> Result<Meta, StoreError> {
    Ok(Meta {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        version: row.try_get("version")?,
        created: row.try_get("created")?,
        modified: row.try_get("modified")?,
        revision: 0,
    })
}

/// Reads a count that is never negative.
pub(super) fn unsigned(row: &SqliteRow, column: &str) -> Result<u64, StoreError> {
    let number: i64 = row.try_get(column)?;
    u64::try_from(number).map_err(|_| StoreError::Unreadable(format!("{column} is negative")))
}

/// Reads a column of JSON.
pub(super) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> Result<T, StoreError> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Unreadable(format!("{column}: {error}")))
}

/// Writes JSON.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    Ok(serde_json::to_string(value)?)
}

/// Binds a revision or a count.
pub(super) fn signed(number: u64) -> i64 {
    // A counter of changes does not reach 2^63.
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Writes `?, ?, ...`, to be bound one by one: SQLite looks places with numbers up one after the other.
pub(super) fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}
