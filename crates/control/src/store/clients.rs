use sqlx::sqlite::SqliteRow;

use super::page::{BY_ID, Key, Page, Paging, Select};
use super::{Connection, StoreError, Tx, row};
use crate::domain::Client;

const COLUMNS: &str = "id, name, version, created, modified, body";

/// Reads a client.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Client>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, body FROM clients WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(read).transpose()
}

/// Reads a page of clients, those with this name where one is given.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, name: Option<String>) -> Result<Page<Client>, StoreError> {
    let filters = name.map(|name| ("name = ?", Key::Text(name))).into_iter().collect();
    Select { columns: COLUMNS, table: "clients", id: BY_ID, filters, kept: None, totals: None }.page(connection, paging, read).await
}

/// Writes a new client; its secret is kept as its SHA-256 only.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx, client: &Client, secret_hash: &str) -> Result<Client, StoreError> {
    let body = row::to_json(&client.settings)?;
    let now = tx.now();
    sqlx::query("INSERT INTO clients (id, name, version, created, modified, secret_hash, body) VALUES ($1, $2, 1, $3, $3, $4, $5)")
        .bind(&client.meta.id)
        .bind(&client.meta.name)
        .bind(now)
        .bind(secret_hash)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &client.meta.id).await
}

/// Writes the next version of a client.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, client: &Client) -> Result<Client, StoreError> {
    let body = row::to_json(&client.settings)?;
    let now = tx.now();
    sqlx::query("UPDATE clients SET name = $2, version = version + 1, modified = $3, body = $4 WHERE id = $1")
        .bind(&client.meta.id)
        .bind(&client.meta.name)
        .bind(now)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &client.meta.id).await
}

/// Reads the hash of a client's secret.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn secret_hash(connection: &mut Connection, id: &str) -> Result<Option<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT secret_hash FROM clients WHERE id = $1").bind(id).fetch_optional(connection).await?)
}

/// Replaces a client's secret and ends its tokens.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn replace_secret(tx: &mut Tx, id: &str, secret_hash: &str) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query("UPDATE clients SET secret_hash = $2, version = version + 1, modified = $3 WHERE id = $1")
        .bind(id)
        .bind(secret_hash)
        .bind(now)
        .execute(tx.connection())
        .await?;
    sqlx::query("DELETE FROM tokens WHERE client = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

/// Tells whether there is any client.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn any(connection: &mut Connection) -> Result<bool, StoreError> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM clients").fetch_one(connection).await?;
    Ok(count > 0)
}

/// Returns the ids of clients to which a role is granted.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn with_role(connection: &mut Connection, role: &str) -> Result<Vec<String>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, body FROM clients ORDER BY id").fetch_all(connection).await?;
    let clients = found.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let granted = clients.into_iter().filter(|client| client.settings.role_grants.iter().any(|grant| grant.role_id == role));
    Ok(granted.map(|client| client.meta.id).collect())
}

/// Removes a client with its tokens.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM clients WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

async fn written(tx: &mut Tx, id: &str) -> Result<Client, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("client {id}")))
}

fn read(found: &SqliteRow) -> Result<Client, StoreError> {
    Ok(Client { meta: row::plain_meta(found)?, settings: row::json(found, "body")? })
}
