use super::{Connection, StoreError, Tx};

/// Reads one of the store's own settings.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn load(connection: &mut Connection, name: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT value FROM settings WHERE name = $1").bind(name).fetch_optional(connection).await?)
}

/// Writes one of the store's own settings.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn save(tx: &mut Tx, name: &str, value: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2")
        .bind(name)
        .bind(value)
        .execute(tx.connection())
        .await?;
    Ok(())
}
