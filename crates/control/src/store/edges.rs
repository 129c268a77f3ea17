use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::page::{BY_ID, Key, Page, Paging, Select};
use super::{Connection, StoreError, Tx, reach, row};
use crate::domain::{Edge, Reach};

const COLUMNS: &str = "id, name, version, created, modified, site, software, local_addresses, advertised_addresses, drain, last_seen";

/// Reads an edge.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Edge>, StoreError> {
    let select = "SELECT id, name, version, created, modified, site, software, local_addresses, advertised_addresses, drain, last_seen \
        FROM edges WHERE id = $1";
    let found = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    found.as_ref().map(read).transpose()
}

/// What edges of a listing have in common; all that is absent counts as true.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this site.
    pub site: Option<String>,
    /// With this name.
    pub name: Option<String>,
}

/// Reads a page of the edges that are seen from a reach.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, filter: Filter, within: &Reach) -> Result<Page<Edge>, StoreError> {
    let site = filter.site.map(|site| ("site = ?", Key::Text(site)));
    let name = filter.name.map(|name| ("name = ?", Key::Text(name)));
    let filters = site.into_iter().chain(name).collect();
    Select { columns: COLUMNS, table: "edges", id: BY_ID, filters, kept: None, totals: None }
        .page_within(connection, paging, reach::edges(within), read)
        .await
}

/// Returns the ids of the edges of a site.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn of_site(connection: &mut Connection, site: &str) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar("SELECT id FROM edges WHERE site = $1 ORDER BY id").bind(site).fetch_all(connection).await?)
}

/// Records that an edge is there, as it introduces itself.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn seen(tx: &mut Tx, hello: &link::Hello) -> Result<(), StoreError> {
    let site = match &hello.sites {
        link::Sites::One(site) => Some(site.as_str()),
        link::Sites::Unserved => None,
    };
    let upsert = "INSERT INTO edges (id, name, version, created, modified, site, software, local_addresses, advertised_addresses, drain, last_seen) \
        VALUES ($1, $1, 1, $2, $2, $3, $4, $5, $6, 0, $2) \
        ON CONFLICT (id) DO UPDATE SET site = $3, software = $4, local_addresses = $5, advertised_addresses = $6, last_seen = $2";
    let now = tx.now();
    sqlx::query(upsert)
        .bind(&hello.edge)
        .bind(now)
        .bind(site)
        .bind(&hello.version)
        .bind(row::to_json(&hello.local)?)
        .bind(row::to_json(&hello.advertised)?)
        .execute(tx.connection())
        .await?;
    Ok(())
}

/// Writes name and drain of an edge.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, edge: &Edge) -> Result<Edge, StoreError> {
    let now = tx.now();
    sqlx::query("UPDATE edges SET name = $2, drain = $3, version = version + 1, modified = $4 WHERE id = $1")
        .bind(&edge.meta.id)
        .bind(&edge.meta.name)
        .bind(i64::from(edge.drain))
        .bind(now)
        .execute(tx.connection())
        .await?;
    let id = &edge.meta.id;
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("edge {id}")))
}

/// Forgets an edge.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM edges WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

fn read(found: &SqliteRow) -> Result<Edge, StoreError> {
    let drain: i64 = found.try_get("drain")?;
    Ok(Edge {
        meta: row::plain_meta(found)?,
        site: found.try_get("site")?,
        software: found.try_get("software")?,
        local: row::json(found, "local_addresses")?,
        advertised: row::json(found, "advertised_addresses")?,
        drain: drain != 0,
        last_seen: found.try_get("last_seen")?,
    })
}
