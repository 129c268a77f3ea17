use sqlx::sqlite::SqliteRow;

use super::page::{BY_ID, Key, Page, Paging, Select};
use super::{Connection, StoreError, Tx, reach, row};
use crate::domain::{Reach, Site};

const COLUMNS: &str = "id, name, version, created, modified, revision, body";

/// Reads a site.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Site>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, revision, body FROM sites WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(read).transpose()
}

/// Reads the sites of some ids.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn some(connection: &mut Connection, ids: &[&str]) -> Result<Vec<Site>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM sites WHERE id IN ({})", row::places(ids.len()));
    let query = ids.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, id| query.bind(*id));
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads a page of the sites that are seen from a reach, those with this name where one is given.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, name: Option<String>, within: &Reach) -> Result<Page<Site>, StoreError> {
    let filters = name.map(|name| ("name = ?", Key::Text(name))).into_iter().collect();
    Select { columns: COLUMNS, table: "sites", id: BY_ID, filters, kept: None, totals: None }
        .page_within(connection, paging, reach::sites(within), read)
        .await
}

/// Returns the id of the only site, where there is exactly one.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn only(connection: &mut Connection) -> Result<Option<String>, StoreError> {
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM sites LIMIT 2").fetch_all(connection).await?;
    Ok(<[String; 1]>::try_from(ids).ok().map(|[id]| id))
}

/// Writes a new site.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx, site: &Site) -> Result<Site, StoreError> {
    let body = row::to_json(&site.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    sqlx::query("INSERT INTO sites (id, name, version, created, modified, revision, body) VALUES ($1, $2, 1, $3, $3, $4, $5)")
        .bind(&site.meta.id)
        .bind(&site.meta.name)
        .bind(now)
        .bind(revision)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &site.meta.id).await
}

/// Writes the next version of a site.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, site: &Site) -> Result<Site, StoreError> {
    let body = row::to_json(&site.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    sqlx::query("UPDATE sites SET name = $2, version = version + 1, modified = $3, revision = $4, body = $5 WHERE id = $1")
        .bind(&site.meta.id)
        .bind(&site.meta.name)
        .bind(now)
        .bind(revision)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &site.meta.id).await
}

/// Removes a site that no trunk uses.
///
/// # Errors
/// [`StoreError::Conflict`] where one does.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM sites WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

async fn written(tx: &mut Tx, id: &str) -> Result<Site, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("site {id}")))
}

fn read(found: &SqliteRow) -> Result<Site, StoreError> {
    Ok(Site { meta: row::meta(found)?, settings: row::json(found, "body")? })
}
