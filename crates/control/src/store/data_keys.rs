use super::{Connection, StoreError, Tx};

/// A data key as it is stored: wrapped by the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Counts from 1; the greatest seals what is new.
    pub id: i64,
    /// In base64.
    pub nonce: String,
    /// In base64.
    pub wrapped: String,
}

/// Reads all data keys in order of id.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn all(connection: &mut Connection) -> Result<Vec<WrappedKey>, StoreError> {
    let rows: Vec<(i64, String, String)> =
        sqlx::query_as("SELECT id, nonce, wrapped FROM data_keys ORDER BY id").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(id, nonce, wrapped)| WrappedKey { id, nonce, wrapped }).collect())
}

/// Writes a new data key.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx, key: &WrappedKey) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query("INSERT INTO data_keys (id, nonce, wrapped, created) VALUES ($1, $2, $3, $4)")
        .bind(key.id)
        .bind(&key.nonce)
        .bind(&key.wrapped)
        .bind(now)
        .execute(tx.connection())
        .await?;
    Ok(())
}
