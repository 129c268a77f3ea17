use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteRow;

use super::page::{BY_ID, Key, Page, Paging, Select};
use super::{Connection, StoreError, Tx, reach, row};
use crate::domain::{Carrier, Reach};

const COLUMNS: &str = "id, name, version, created, modified, revision, target_revision, body";

/// Reads a carrier.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Carrier>, StoreError> {
    let found = sqlx::query("SELECT id, name, version, created, modified, revision, target_revision, body FROM carriers WHERE id = $1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    found.as_ref().map(read).transpose()
}

/// Reads the carriers of some ids.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn some(connection: &mut Connection, ids: &[&str]) -> Result<Vec<Carrier>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM carriers WHERE id IN ({})", row::places(ids.len()));
    let query = ids.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, id| query.bind(*id));
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads a page of the carriers that are seen from a reach, those with this name where one is given.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, name: Option<String>, within: &Reach) -> Result<Page<Carrier>, StoreError> {
    let filters = name.map(|name| ("name = ?", Key::Text(name))).into_iter().collect();
    Select { columns: COLUMNS, table: "carriers", id: BY_ID, filters, kept: None, totals: None }
        .page_within(connection, paging, reach::carriers(within), read)
        .await
}

/// Reads the carriers whose profile has maintenance windows.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn maintained(connection: &mut Connection) -> Result<Vec<Carrier>, StoreError> {
    // The text is this program's own JSON; a name that looks like the field is sorted out below.
    let sql = format!("SELECT {COLUMNS} FROM carriers WHERE body LIKE '%\"maintenance\":%' ORDER BY id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await?;
    let carriers: Vec<Carrier> = rows.iter().map(read).collect::<Result<_, _>>()?;
    Ok(carriers.into_iter().filter(|carrier| carrier.settings.maintenance.is_some()).collect())
}

/// Reads all carriers, in order of id: there are few.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn all(connection: &mut Connection) -> Result<Vec<Carrier>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM carriers ORDER BY id");
    sqlx::query(AssertSqlSafe(sql)).fetch_all(connection).await?.iter().map(read).collect()
}

/// Writes a new carrier.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken.
pub async fn insert(tx: &mut Tx, carrier: &Carrier) -> Result<Carrier, StoreError> {
    let body = row::to_json(&carrier.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    sqlx::query("INSERT INTO carriers (id, name, version, created, modified, revision, target_revision, body) VALUES ($1, $2, 1, $3, $3, $4, $4, $5)")
        .bind(&carrier.meta.id)
        .bind(&carrier.meta.name)
        .bind(now)
        .bind(revision)
        .bind(body)
        .execute(tx.connection())
        .await?;
    written(tx, &carrier.meta.id).await
}

/// Writes the next version of a carrier; `retargeted` where it sends secrets elsewhere than before.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, carrier: &Carrier, retargeted: bool) -> Result<Carrier, StoreError> {
    let body = row::to_json(&carrier.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    let target_revision = if retargeted { revision } else { row::signed(carrier.target_revision) };
    let update =
        "UPDATE carriers SET name = $2, version = version + 1, modified = $3, revision = $4, body = $5, target_revision = $6 WHERE id = $1";
    sqlx::query(update)
        .bind(&carrier.meta.id)
        .bind(&carrier.meta.name)
        .bind(now)
        .bind(revision)
        .bind(body)
        .bind(target_revision)
        .execute(tx.connection())
        .await?;
    written(tx, &carrier.meta.id).await
}

/// Removes a carrier that no trunk uses.
///
/// # Errors
/// [`StoreError::Conflict`] where one does.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM carriers WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

async fn written(tx: &mut Tx, id: &str) -> Result<Carrier, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("carrier {id}")))
}

fn read(found: &SqliteRow) -> Result<Carrier, StoreError> {
    let target_revision = row::unsigned(found, "target_revision")?;
    Ok(Carrier { meta: row::meta(found)?, target_revision, settings: row::json(found, "body")? })
}
