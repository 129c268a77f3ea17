//! What clients of the platform keep in a trunk's base settings beside what Trunkline acts on.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::Row;

use super::{Connection, StoreError, Tx, row};

/// What is kept for one trunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The id of the template that the client named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metabase: Option<String>,
    /// Properties that Trunkline does not act on, as they came.
    #[serde(default)]
    pub properties: Map<String, Value>,
}

/// Reads what is kept for a trunk; nothing where no client has given anything.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, trunk: &str) -> Result<Kept, StoreError> {
    let found = sqlx::query("SELECT body FROM trunk_bases WHERE trunk = $1").bind(trunk).fetch_optional(connection).await?;
    found.as_ref().map(|found| row::json(found, "body")).transpose().map(Option::unwrap_or_default)
}

/// Reads what is kept for each of these trunks, with one statement; those for which nothing is kept are not there.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn of_all(connection: &mut Connection, trunks: &[&str]) -> Result<HashMap<String, Kept>, StoreError> {
    if trunks.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("SELECT trunk, body FROM trunk_bases WHERE trunk IN ({})", row::places(trunks.len()));
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    query.fetch_all(connection).await?.iter().map(|found| Ok((found.try_get("trunk")?, row::json(found, "body")?))).collect()
}

/// Keeps it in place of what was kept before.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn keep(tx: &mut Tx, trunk: &str, kept: &Kept) -> Result<(), StoreError> {
    let body = row::to_json(kept)?;
    sqlx::query("INSERT INTO trunk_bases (trunk, body) VALUES ($1, $2) ON CONFLICT (trunk) DO UPDATE SET body = $2")
        .bind(trunk)
        .bind(body)
        .execute(tx.connection())
        .await?;
    Ok(())
}
