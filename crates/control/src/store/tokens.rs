use super::{Connection, StoreError, Tx};

/// A token that was given, known by its hash only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 in hexadecimal.
    pub hash: String,
    /// Whose it is.
    pub client: String,
    /// When it was given.
    pub created: link::UnixMicros,
    /// Until when it is good.
    pub expires: link::UnixMicros,
}

/// Reads a token by its hash.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, hash: &str) -> Result<Option<Token>, StoreError> {
    let row: Option<(String, String, i64, i64)> =
        sqlx::query_as("SELECT hash, client, created, expires FROM tokens WHERE hash = $1").bind(hash).fetch_optional(connection).await?;
    Ok(row.map(|(hash, client, created, expires)| Token { hash, client, created, expires }))
}

/// Writes a token, and forgets those that ended a day ago or before.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn insert(tx: &mut Tx, token: &Token) -> Result<(), StoreError> {
    const DAY: i64 = 86_400_000_000;
    let now = tx.now();
    sqlx::query("DELETE FROM tokens WHERE expires < $1").bind(now - DAY).execute(tx.connection()).await?;
    sqlx::query("INSERT INTO tokens (hash, client, created, expires) VALUES ($1, $2, $3, $4)")
        .bind(&token.hash)
        .bind(&token.client)
        .bind(token.created)
        .bind(token.expires)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Forgets a token.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, hash: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM tokens WHERE hash = $1").bind(hash).execute(tx.connection()).await?;
    Ok(())
}

/// Forgets all tokens of a client, and returns how many there were.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete_all(tx: &mut Tx, client: &str) -> Result<u64, StoreError> {
    Ok(sqlx::query("DELETE FROM tokens WHERE client = $1").bind(client).execute(tx.connection()).await?.rows_affected())
}
