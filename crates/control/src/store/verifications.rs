//! Verifications under way: written before anything is sent, gone in the transaction that decides them.

use link::UnixMicros;

use super::{Connection, StoreError};

/// A verification under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Names it at the edge too.
    pub id: String,
    /// The trunk's id.
    pub trunk: String,
    /// The credential version that is tried.
    pub version: u32,
    /// The edge that was asked.
    pub edge: String,
    /// Who posted the credentials.
    pub client: String,
    /// When it began.
    pub created: UnixMicros,
    /// When it is decided without a verdict.
    pub deadline: UnixMicros,
}

/// Writes a verification.
pub async fn insert(connection: &mut Connection, verification: &Verification) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO verifications (id, trunk, version, edge, client, created, deadline) VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(&verification.id)
        .bind(&verification.trunk)
        .bind(i64::from(verification.version))
        .bind(&verification.edge)
        .bind(&verification.client)
        .bind(verification.created)
        .bind(verification.deadline)
        .execute(connection)
        .await?;
    Ok(())
}

/// Removes a verification; tells whether it was still open.
pub async fn close(connection: &mut Connection, id: &str) -> Result<bool, StoreError> {
    let done = sqlx::query("DELETE FROM verifications WHERE id = $1").bind(id).execute(connection).await?;
    Ok(done.rows_affected() > 0)
}

/// Removes all verifications of a trunk.
pub async fn close_all(connection: &mut Connection, trunk: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM verifications WHERE trunk = $1").bind(trunk).execute(connection).await?;
    Ok(())
}

/// Reads all open verifications.
pub async fn open(connection: &mut Connection) -> Result<Vec<Verification>, StoreError> {
    let rows: Vec<(String, String, i64, String, String, i64, i64)> =
        sqlx::query_as("SELECT id, trunk, version, edge, client, created, deadline FROM verifications ORDER BY deadline")
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(id, trunk, version, edge, client, created, deadline)| {
            let version = u32::try_from(version).map_err(|_| StoreError::Unreadable("version is out of range".into()))?;
            Ok(Verification { id, trunk, version, edge, client, created, deadline })
        })
        .collect()
}
