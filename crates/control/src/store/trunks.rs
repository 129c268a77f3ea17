use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use super::many::{Binding, Insert};
use super::page::{BY_ID, Key, Page, Paging, Select};
use super::{Connection, StoreError, Tx, reach, row};
use crate::domain::{Meta, Reach, Trunk};

const COLUMNS: &str = "id, name, version, created, modified, revision, target_revision, site, carrier, in_service, body";

/// The kept total.
const KIND: &str = "trunk";

/// What trunks of a listing have in common; all that is absent counts as true.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this site.
    pub site: Option<String>,
    /// With this carrier.
    pub carrier: Option<String>,
    /// With this name.
    pub name: Option<String>,
    /// In service, or not.
    pub in_service: Option<bool>,
}

/// Reads a trunk.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Trunk>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM trunks WHERE id = $1");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
    found.as_ref().map(read).transpose()
}

/// Reads the trunks of some ids, in the order of their ids; ids of none are left out.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn some(connection: &mut Connection, ids: &[String]) -> Result<Vec<Trunk>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("SELECT {COLUMNS} FROM trunks WHERE id IN ({}) ORDER BY id", row::places(ids.len()));
    let query = ids.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, id| query.bind(id));
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads a page of the trunks within a reach.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, filter: Filter, within: &Reach) -> Result<Page<Trunk>, StoreError> {
    // By id it has an index of its own. In any other order that one would lead to sorting all that fits; `+` keeps it away, and what does not
    // fit is passed over.
    let in_service = if paging.sorting == BY_ID { "in_service = ?" } else { "+in_service = ?" };
    let is_named = filter.name.is_some();
    let filters = [
        filter.site.map(|site| ("site = ?", Key::Text(site))),
        filter.carrier.map(|carrier| ("carrier = ?", Key::Text(carrier))),
        filter.name.map(|name| ("name = ?", Key::Text(name))),
        filter.in_service.map(|wanted| (in_service, Key::Number(wanted.into()))),
    ];
    let totals = (!is_named && within.trunks.is_empty()).then_some("trunk_counts");
    let filters = filters.into_iter().flatten().collect();
    Select { columns: COLUMNS, table: "trunks", id: BY_ID, filters, kept: Some("SELECT total FROM counts WHERE kind = 'trunk'"), totals }
        .page_within(connection, paging, reach::trunks(within), read)
        .await
}

/// Reads up to `limit` trunks with ids after `after`, in order of id: a walk over all of them, or over a site's or a carrier's.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn walk(
    connection: &mut Connection,
    site: Option<&str>,
    carrier: Option<&str>,
    after: &str,
    limit: u32,
) -> Result<Vec<Trunk>, StoreError> {
    let scope = match (site, carrier) {
        (None, None) => "",
        (Some(_), None) => "site = $3 AND ",
        (None, Some(_)) => "carrier = $4 AND ",
        (Some(_), Some(_)) => "site = $3 AND carrier = $4 AND ",
    };
    let sql = format!("SELECT {COLUMNS} FROM trunks WHERE {scope}id > $1 ORDER BY id LIMIT $2");
    let found = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(i64::from(limit)).bind(site).bind(carrier).fetch_all(connection).await?;
    found.iter().map(read).collect()
}

/// Returns how many trunks a site or a carrier has, and the ids of some.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn users(connection: &mut Connection, of: &User<'_>) -> Result<(u64, Vec<String>), StoreError> {
    let (column, id) = match of {
        User::Site(id) => ("site", id),
        User::Carrier(id) => ("carrier", id),
    };
    let count = format!("SELECT COUNT(*) FROM trunks WHERE {column} = $1");
    let total: i64 = sqlx::query_scalar(AssertSqlSafe(count)).bind(*id).fetch_one(&mut *connection).await?;
    let some = format!("SELECT id FROM trunks WHERE {column} = $1 ORDER BY id LIMIT 5");
    let ids = sqlx::query_scalar(AssertSqlSafe(some)).bind(*id).fetch_all(connection).await?;
    Ok((total.unsigned_abs(), ids))
}

/// What a trunk uses.
#[derive(Clone, Copy, Debug)]
pub enum User<'a> {
    /// The site with this id.
    Site(&'a str),
    /// The carrier with this id.
    Carrier(&'a str),
}

/// Writes a new trunk.
///
/// # Errors
/// [`StoreError::Conflict`] where the id is taken, or site or carrier do not exist.
pub async fn insert(tx: &mut Tx, trunk: &Trunk) -> Result<Trunk, StoreError> {
    let trunk = new(tx, trunk).await?;
    insert_all(tx, std::slice::from_ref(&trunk)).await?;
    tx.load(None, Some(&trunk));
    Ok(trunk)
}

/// Gives a new trunk its version, times and revision, to be written later in the same change by [`insert_all`].
///
/// # Errors
/// [`StoreError`] where the change does not get its place.
pub async fn new(tx: &mut Tx, trunk: &Trunk) -> Result<Trunk, StoreError> {
    let (now, revision) = (tx.now(), tx.revision().await?);
    let meta = Meta { version: 1, created: now, modified: now, revision, ..trunk.meta.clone() };
    Ok(Trunk { meta, target_revision: revision, ..trunk.clone() })
}

/// Gives a changed trunk the version, time and revision that [`update`] writes.
///
/// # Errors
/// [`StoreError`] where the change does not get its place.
pub async fn next(tx: &mut Tx, trunk: &Trunk, retargeted: bool) -> Result<Trunk, StoreError> {
    let (now, revision) = (tx.now(), tx.revision().await?);
    let meta = Meta { version: trunk.meta.version + 1, modified: now, revision, ..trunk.meta.clone() };
    let target_revision = if retargeted { revision } else { trunk.target_revision };
    Ok(Trunk { meta, target_revision, ..trunk.clone() })
}

/// Writes new trunks, as [`new`] made them. Their carriers' loads are counted by whoever judges them, one by one.
///
/// # Errors
/// [`StoreError::Conflict`] where an id is taken, or site or carrier do not exist.
pub async fn insert_all(tx: &mut Tx, trunks: &[Trunk]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO trunks (id, name, version, created, modified, revision, target_revision, site, carrier, in_service, body)",
        columns: 11,
        tail: "",
    };
    if trunks.is_empty() {
        return Ok(());
    }
    let bind = |query: Binding, trunk: &Trunk| {
        let Trunk { meta, site, carrier, in_service, target_revision, settings } = trunk;
        Ok(query
            .bind(meta.id.clone())
            .bind(meta.name.clone())
            .bind(meta.version)
            .bind(meta.created)
            .bind(meta.modified)
            .bind(row::signed(meta.revision))
            .bind(row::signed(*target_revision))
            .bind(site.clone())
            .bind(carrier.clone())
            .bind(i64::from(*in_service))
            .bind(row::to_json(settings)?))
    };
    INSERT.rows(tx.connection(), trunks, bind).await?;
    let added = i64::try_from(trunks.len()).unwrap_or(i64::MAX);
    sqlx::query("UPDATE counts SET total = total + $2 WHERE kind = $1").bind(KIND).bind(added).execute(tx.connection()).await?;
    let mut totals: HashMap<Counted<'_>, i64> = HashMap::new();
    for trunk in trunks {
        *totals.entry(counted(trunk)).or_default() += 1;
    }
    for (counted, more) in totals {
        count(tx, counted, more).await?;
    }
    Ok(())
}

/// Site, carrier and whether it is in service: what kept totals tell apart.
type Counted<'a> = (&'a str, &'a str, i64);

/// Keeps the totals that listings are filtered by.
async fn count(tx: &mut Tx, (site, carrier, in_service): Counted<'_>, more: i64) -> Result<(), StoreError> {
    let upsert = "INSERT INTO trunk_counts (site, carrier, in_service, total) VALUES ($1, $2, $3, $4) \
        ON CONFLICT (site, carrier, in_service) DO UPDATE SET total = trunk_counts.total + excluded.total";
    sqlx::query(upsert).bind(site).bind(carrier).bind(in_service).bind(more).execute(tx.connection()).await?;
    Ok(())
}

/// How many trunks a site has with a carrier, in service or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The site's id.
    pub site: String,
    /// The carrier's id.
    pub carrier: String,
    /// Whether these are in service.
    pub in_service: bool,
    /// So many.
    pub trunks: u64,
}

/// Reads the kept totals of all sites and carriers.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn totals(connection: &mut Connection) -> Result<Vec<Total>, StoreError> {
    let rows = sqlx::query("SELECT site, carrier, in_service, total FROM trunk_counts WHERE total > 0").fetch_all(connection).await?;
    let read = |row: &SqliteRow| {
        let (in_service, trunks): (i64, i64) = (row.try_get("in_service")?, row.try_get("total")?);
        Ok(Total {
            site: row.try_get("site")?,
            carrier: row.try_get("carrier")?,
            in_service: in_service != 0,
            trunks: trunks.unsigned_abs(),
        })
    };
    rows.iter().map(read).collect()
}

fn counted(trunk: &Trunk) -> Counted<'_> {
    (&trunk.site, &trunk.carrier, i64::from(trunk.in_service))
}

/// Writes the next version of a trunk. With another carrier it sends its secret elsewhere than before.
///
/// # Errors
/// [`StoreError::Conflict`] where site or carrier do not exist.
pub async fn update(tx: &mut Tx, before: &Trunk, trunk: &Trunk) -> Result<Trunk, StoreError> {
    let body = row::to_json(&trunk.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    let target_revision = if before.carrier == trunk.carrier { row::signed(trunk.target_revision) } else { revision };
    if counted(before) != counted(trunk) {
        count(tx, counted(before), -1).await?;
        count(tx, counted(trunk), 1).await?;
    }
    let update = "UPDATE trunks SET name = $2, version = version + 1, modified = $3, revision = $4, target_revision = $5, site = $6, \
        carrier = $7, in_service = $8, body = $9 WHERE id = $1";
    sqlx::query(update)
        .bind(&trunk.meta.id)
        .bind(&trunk.meta.name)
        .bind(now)
        .bind(revision)
        .bind(target_revision)
        .bind(&trunk.site)
        .bind(&trunk.carrier)
        .bind(i64::from(trunk.in_service))
        .bind(body)
        .execute(tx.connection())
        .await?;
    tx.load(Some(before), Some(trunk));
    written(tx, &trunk.meta.id).await
}

/// Removes a trunk with all that hangs on it.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM trunks WHERE id = $1 RETURNING {COLUMNS}");
    let Some(deleted) = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(tx.connection()).await? else { return Ok(()) };
    let deleted = read(&deleted)?;
    sqlx::query("UPDATE counts SET total = total - 1 WHERE kind = $1").bind(KIND).execute(tx.connection()).await?;
    count(tx, counted(&deleted), -1).await?;
    tx.load(Some(&deleted), None);
    Ok(())
}

async fn written(tx: &mut Tx, id: &str) -> Result<Trunk, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("trunk {id}")))
}

fn read(found: &SqliteRow) -> Result<Trunk, StoreError> {
    let in_service: i64 = found.try_get("in_service")?;
    Ok(Trunk {
        meta: row::meta(found)?,
        site: found.try_get("site")?,
        carrier: found.try_get("carrier")?,
        in_service: in_service != 0,
        target_revision: row::unsigned(found, "target_revision")?,
        settings: row::json(found, "body")?,
    })
}
