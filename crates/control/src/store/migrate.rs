use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{StoreError, now};
use crate::StartError;
use crate::encoding::hex;

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Brings the schema to what this binary knows, each step in a transaction of its own.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StartError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied BIGINT NOT NULL)";
    sqlx::query(table).execute(&mut *connection).await.map_err(StoreError::from)?;
    let applied: Vec<(String, String)> = sqlx::query_as("SELECT name, checksum FROM schema_migrations ORDER BY name")
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    if let Some((name, _)) = applied.iter().find(|(name, _)| FILES.iter().all(|(known, _)| known != name)) {
        return Err(StartError::SchemaNewer { migration: name.clone() });
    }
    for (name, sql) in FILES {
        let checksum = hex(&Sha256::digest(sql.as_bytes()));
        match applied.iter().find(|(known, _)| known == name) {
            Some((_, known)) if *known == checksum => {}
            Some(_) => return Err(StartError::SchemaForeign { migration: (*name).to_owned() }),
            None => apply(connection, name, sql, &checksum).await?,
        }
    }
    Ok(())
}

async fn apply(connection: &mut SqliteConnection, name: &str, sql: &str, checksum: &str) -> Result<(), StoreError> {
    let mut tx = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    // The text is a file of this crate.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO schema_migrations (name, checksum, applied) VALUES ($1, $2, $3)")
        .bind(name)
        .bind(checksum)
        .bind(now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
