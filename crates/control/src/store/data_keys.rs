use super::{Connection, StoreError, Tx};

/// A data key as it is stored: wrapped by the master key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey {
    /// Counts from 1; the greatest seals what is new. 0 is the key of the MACs.
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

/// Writes a data key as another master key wraps it.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn replace(tx: &mut Tx, key: &WrappedKey) -> Result<(), StoreError> {
    sqlx::query("UPDATE data_keys SET nonce = $2, wrapped = $3 WHERE id = $1")
        .bind(key.id)
        .bind(&key.nonce)
        .bind(&key.wrapped)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Removes the data keys before this one, and returns which those were. The key of the MACs stays.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete_older(tx: &mut Tx, newest: i64) -> Result<Vec<i64>, StoreError> {
    Ok(sqlx::query_scalar("DELETE FROM data_keys WHERE id > 0 AND id < $1 RETURNING id").bind(newest).fetch_all(tx.connection()).await?)
}

/// Tells when each data key was made, by its id; that of the MACs is left out.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn created(connection: &mut Connection) -> Result<Vec<(i64, i64)>, StoreError> {
    Ok(sqlx::query_as("SELECT id, created FROM data_keys WHERE id > 0 ORDER BY id").fetch_all(connection).await?)
}
