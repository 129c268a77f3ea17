//! Credential versions that wait for their time.

use std::collections::HashMap;

use link::UnixMicros;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{Connection, StoreError, row};
use crate::registrations::version::{Version, VersionState};

/// A version that is verified and promoted when it is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The trunk's id.
    pub trunk: String,
    /// The staged version.
    pub version: u32,
    /// What the caller asked for.
    pub at: UnixMicros,
    /// When it is tried, or tried again.
    pub due: UnixMicros,
    /// Whether the carrier is asked first.
    pub live: bool,
    /// Who posted it.
    pub client: String,
}

impl Planned {
    /// Tells whether its version is still to be tried: a plan goes a moment after its outcome is there.
    pub fn waits(&self, versions: &[Version]) -> bool {
        let own = versions.iter().find(|version| version.version == self.version);
        own.is_some_and(|own| own.state == VersionState::Staged || (own.state == VersionState::Rejected && !own.digest_sent))
    }
}

const COLUMNS: &str = "trunk, version, at, due, live, client";

/// Writes a trunk's plan in place of an earlier one.
pub async fn save(connection: &mut Connection, planned: &Planned) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO planned (trunk, version, at, due, live, client) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (trunk) DO UPDATE SET \
         version = excluded.version, at = excluded.at, due = excluded.due, live = excluded.live, client = excluded.client",
    )
    .bind(&planned.trunk)
    .bind(i64::from(planned.version))
    .bind(planned.at)
    .bind(planned.due)
    .bind(planned.live)
    .bind(&planned.client)
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the plan of a version.
pub async fn remove(connection: &mut Connection, trunk: &str, version: u32) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM planned WHERE trunk = $1 AND version = $2").bind(trunk).bind(i64::from(version)).execute(connection).await?;
    Ok(())
}

/// Removes the plan of a trunk.
pub async fn remove_all(connection: &mut Connection, trunk: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM planned WHERE trunk = $1").bind(trunk).execute(connection).await?;
    Ok(())
}

/// Reads the plans that are due first.
pub async fn first(connection: &mut Connection, limit: usize) -> Result<Vec<Planned>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM planned ORDER BY due, trunk LIMIT {limit}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.iter().map(read).collect()
}

/// Reads the plans of some trunks.
pub async fn of(connection: &mut Connection, trunks: &[&str]) -> Result<HashMap<String, Planned>, StoreError> {
    if trunks.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM planned WHERE trunk IN ({})", row::places(trunks.len()));
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| read(row).map(|planned| (planned.trunk.clone(), planned))).collect()
}

fn read(found: &SqliteRow) -> Result<Planned, StoreError> {
    let version: i64 = found.try_get("version")?;
    Ok(Planned {
        trunk: found.try_get("trunk")?,
        version: u32::try_from(version).map_err(|_| StoreError::Unreadable("version is out of range".into()))?,
        at: found.try_get("at")?,
        due: found.try_get("due")?,
        live: found.try_get("live")?,
        client: found.try_get("client")?,
    })
}
