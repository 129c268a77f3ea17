//! Traces that are switched on: whose exchanges are all kept, and until when.

use link::UnixMicros;

use super::{Connection, StoreError};

/// Switches a trunk's trace on until a time, and lets go of those that have ended.
pub async fn save(connection: &mut Connection, trunk: &str, until: UnixMicros, now: UnixMicros) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM traces WHERE until <= $1").bind(now).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO traces (trunk, until) VALUES ($1, $2) ON CONFLICT (trunk) DO UPDATE SET until = excluded.until")
        .bind(trunk)
        .bind(until)
        .execute(connection)
        .await?;
    Ok(())
}

/// Switches a trunk's trace off.
pub async fn end(connection: &mut Connection, trunk: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM traces WHERE trunk = $1").bind(trunk).execute(connection).await?;
    Ok(())
}

/// Reads those that go on.
pub async fn running(connection: &mut Connection, now: UnixMicros) -> Result<Vec<(String, UnixMicros)>, StoreError> {
    Ok(sqlx::query_as("SELECT trunk, until FROM traces WHERE until > $1").bind(now).fetch_all(connection).await?)
}
