use sqlx::sqlite::SqliteRow;

use super::{Connection, StoreError, Tx, row};
use crate::domain::Role;

/// Reads a role.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Role>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, body FROM roles WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(read).transpose()
}

/// Reads all custom roles; there are few.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn all(connection: &mut Connection) -> Result<Vec<Role>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, body FROM roles ORDER BY id").fetch_all(connection).await?;
    found.iter().map(read).collect()
}

/// Writes a new role.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx, role: &Role) -> Result<Role, StoreError> {
    let body = row::to_json(&role.settings)?;
    let now = tx.now();
    sqlx::query("INSERT INTO roles (id, name, version, created, modified, body) VALUES ($1, $2, 1, $3, $3, $4)")
        .bind(&role.meta.id)
        .bind(&role.meta.name)
        .bind(now)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &role.meta.id).await
}

/// Writes the next version of a role.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, role: &Role) -> Result<Role, StoreError> {
    let body = row::to_json(&role.settings)?;
    let now = tx.now();
    sqlx::query("UPDATE roles SET name = $2, version = version + 1, modified = $3, body = $4 WHERE id = $1")
        .bind(&role.meta.id)
        .bind(&role.meta.name)
        .bind(now)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &role.meta.id).await
}

/// Removes a role.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM roles WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

async fn written(tx: &mut Tx, id: &str) -> Result<Role, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("role {id}")))
}

fn read(found: &SqliteRow) -> Result<Role, StoreError> {
    Ok(Role { meta: row::plain_meta(found)?, built_in: false, settings: row::json(found, "body")? })
}
