//! The log of events: bounded by number and age, the oldest out first.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::many::{Binding, Insert};
use super::page::{Key, Page, Paging, Select, Sorting};
use super::reach::Condition;
use super::{Connection, StoreError, row, settings};
use crate::audit::Origin;
use crate::domain::Reference;
use crate::events::{Audience, Event, EventId, Subject, What};
use crate::time::rfc3339;

/// The orders of the listing.
pub const SORTINGS: &[Sorting] =
    &[Sorting { name: "id", column: "revision", number: true }, Sorting { name: "at", column: "at", number: true }];

/// The setting that holds the place up to which events were let go.
pub(super) const FLOOR: &str = "events_floor";

/// So many trunks are looked up by one statement.
const AT_ONCE: usize = 500;

const COLUMNS: &str = "revision, incarnation, at, kind, trunk, site, carrier, edge, body";

/// An event as it is stored and told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: EventId,
    /// When it happened.
    pub at: link::UnixMicros,
    /// The word of its kind.
    pub kind: String,
    /// What it is about.
    pub subject: Subject,
    /// Its data, JSON.
    pub data: String,
}

/// An event as the API shows it.
#[derive(Debug, Serialize)]
pub struct Body<'a> {
    id: String,
    kind: &'a str,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    carrier: Option<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edge: Option<Reference>,
    data: serde_json::Value,
}

impl Told {
    /// Writes it as the API shows it.
    pub fn body(&self) -> Body<'_> {
        let reference = |id: &Option<String>| id.clone().map(Reference::from);
        Body {
            id: self.id.to_string(),
            kind: &self.kind,
            at: rfc3339(self.at),
            trunk: reference(&self.subject.trunk),
            site: reference(&self.subject.site),
            carrier: reference(&self.subject.carrier),
            edge: reference(&self.subject.edge),
            // Written by us as JSON.
            data: serde_json::from_str(&self.data).unwrap_or_default(),
        }
    }
}

/// Writes events with places from `first` on; returns the last place.
pub(super) async fn append(
    connection: &mut Connection,
    origin: &Origin,
    first: EventId,
    now: link::UnixMicros,
    mut events: Vec<Event>,
) -> Result<i64, StoreError> {
    const INSERT: Insert =
        Insert { head: "INSERT INTO events (revision, incarnation, at, kind, trunk, site, carrier, edge, body)", columns: 9, tail: "" };
    place(connection, &mut events).await?;
    for event in &mut events {
        if let What::Credentials { by, .. } = &mut event.what {
            by.clone_from(&origin.client);
        }
    }
    let last = first.revision + i64::try_from(events.len()).unwrap_or(i64::MAX) - 1;
    let numbered: Vec<(i64, Event)> = (first.revision..=last).zip(events).collect();
    let bind = |query: Binding, (revision, event): &(i64, Event)| {
        let subject = event.subject.clone();
        Ok(query
            .bind(*revision)
            .bind(first.incarnation)
            .bind(event.at.unwrap_or(now))
            .bind(event.kind().word())
            .bind(subject.trunk)
            .bind(subject.site)
            .bind(subject.carrier)
            .bind(subject.edge)
            .bind(row::to_json(&event.what)?))
    };
    INSERT.rows(connection, &numbered, bind).await?;
    let count = i64::try_from(numbered.len()).unwrap_or(i64::MAX);
    sqlx::query("UPDATE counts SET total = total + $1 WHERE kind = 'event'").bind(count).execute(connection).await?;
    Ok(last)
}

/// Adds site and carrier of the trunks that events are about.
async fn place(connection: &mut Connection, events: &mut [Event]) -> Result<(), StoreError> {
    let lacks = |subject: &Subject| subject.site.is_none() || subject.carrier.is_none();
    let mut trunks: Vec<String> =
        events.iter().filter(|event| lacks(&event.subject)).filter_map(|event| event.subject.trunk.clone()).collect();
    trunks.sort_unstable();
    trunks.dedup();
    let mut places: HashMap<String, (String, String)> = HashMap::with_capacity(trunks.len());
    for trunks in trunks.chunks(AT_ONCE) {
        let sql = format!("SELECT id, site, carrier FROM trunks WHERE id IN ({})", row::places(trunks.len()));
        let query = trunks.iter().fold(sqlx::query_as(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(trunk));
        let found: Vec<(String, String, String)> = query.fetch_all(&mut *connection).await?;
        places.extend(found.into_iter().map(|(trunk, site, carrier)| (trunk, (site, carrier))));
    }
    // A trunk that was deleted is where it was when something was told of it last: who reads a site or a carrier hears its end too.
    for trunk in trunks.iter().filter(|trunk| !places.contains_key(*trunk)).cloned().collect::<Vec<_>>() {
        let sql =
            "SELECT site, carrier FROM events WHERE trunk = $1 AND site IS NOT NULL AND carrier IS NOT NULL ORDER BY revision DESC LIMIT 1";
        if let Some(place) = sqlx::query_as(sql).bind(&trunk).fetch_optional(&mut *connection).await? {
            places.insert(trunk, place);
        }
    }
    for Subject { trunk, site, carrier, .. } in events.iter_mut().map(|event| &mut event.subject) {
        if let Some((at, with)) = trunk.as_ref().and_then(|trunk| places.get(trunk)) {
            site.get_or_insert_with(|| at.clone());
            carrier.get_or_insert_with(|| with.clone());
        }
    }
    Ok(())
}

/// Returns the place that the order of all changes has reached.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn head(connection: &mut Connection) -> Result<EventId, StoreError> {
    let (incarnation, revision) = sqlx::query_as("SELECT incarnation, number FROM revision WHERE id = 1").fetch_one(connection).await?;
    Ok(EventId { incarnation, revision })
}

/// Returns the place up to which events were let go; what is behind it is whole.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn floor(connection: &mut Connection) -> Result<i64, StoreError> {
    Ok(settings::load(connection, FLOOR).await?.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Tells whether everything after `id` is still at hand: it is a place of this store, and nothing behind it was let go.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn can_resume(connection: &mut Connection, id: EventId) -> Result<bool, StoreError> {
    let head = head(connection).await?;
    if id.revision < floor(connection).await? || id.revision > head.revision {
        return Ok(false);
    }
    if id.incarnation == head.incarnation {
        return Ok(true);
    }
    // Of an earlier incarnation only what the restored backup has: what came after it is not in this log.
    let found: Option<i64> = sqlx::query_scalar("SELECT revision FROM events WHERE revision = $1 AND incarnation = $2")
        .bind(id.revision)
        .bind(id.incarnation)
        .fetch_optional(connection)
        .await?;
    Ok(found.is_some())
}

/// Reads events after a place in their order, of a trunk where one is given.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn after(connection: &mut Connection, place: i64, trunk: Option<&str>, limit: u32) -> Result<Vec<Told>, StoreError> {
    let query = match trunk {
        None => sqlx::query(
            "SELECT revision, incarnation, at, kind, trunk, site, carrier, edge, body FROM events WHERE revision > $1 ORDER BY revision LIMIT $2",
        ),
        Some(_) => sqlx::query(
            "SELECT revision, incarnation, at, kind, trunk, site, carrier, edge, body FROM events WHERE revision > $1 AND trunk = $3 \
             ORDER BY revision LIMIT $2",
        ),
    };
    let query = query.bind(place).bind(i64::from(limit));
    let query = match trunk {
        None => query,
        Some(trunk) => query.bind(trunk),
    };
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads a page of what a reader hears of.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, audience: &Audience) -> Result<Page<Told>, StoreError> {
    let same = |condition: &'static str, id: &Option<String>| id.clone().map(|id| (condition, Key::Text(id)));
    let wanted = &audience.filter;
    let filters = [
        same("trunk = ?", &wanted.trunk),
        same("site = ?", &wanted.site),
        same("carrier = ?", &wanted.carrier),
        same("edge = ?", &wanted.edge),
    ];
    let filters = filters.into_iter().flatten().collect();
    Select { columns: COLUMNS, table: "events", id: SORTINGS[0], filters, kept: None, totals: None }
        .page_within(connection, paging, Some(heard(audience)), read)
        .await
}

/// The same as [`Audience::hears`] says of kind and place.
fn heard(audience: &Audience) -> Condition {
    let (mut sql, mut keys) = (Vec::new(), Vec::new());
    for group in &audience.groups {
        let kinds: Vec<&str> = group.kinds.iter().map(|kind| kind.word()).collect();
        let mut part = format!("kind IN ({})", vec!["?"; kinds.len()].join(", "));
        keys.extend(kinds.into_iter().map(|kind| Key::Text(kind.to_owned())));
        let reach = &group.reach;
        if !reach.is_everywhere() {
            // A carrier as a whole, and trunks at it; an edge counts by its site. Where it names a trunk, that decides.
            let within = [("trunk", &reach.trunks), ("site", &reach.sites), ("carrier", &reach.carriers)];
            let mut places = Vec::new();
            for (column, ids) in within.into_iter().filter(|(_, ids)| !ids.is_empty()) {
                places.push(format!("{column} IN ({})", vec!["?"; ids.len()].join(", ")));
                keys.extend(ids.iter().map(|id| Key::Text(id.clone())));
            }
            let places = if places.is_empty() { "1 = 0".to_owned() } else { places.join(" OR ") };
            part = format!("{part} AND ({places})");
        }
        sql.push(format!("({part})"));
    }
    Condition { sql: format!("({})", sql.join(" OR ")), keys }
}

/// Tells whether there is something for [`trim`].
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn has_old(connection: &mut Connection, most: i64, before: link::UnixMicros) -> Result<bool, StoreError> {
    let kept: i64 = sqlx::query_scalar("SELECT total FROM counts WHERE kind = 'event'").fetch_one(&mut *connection).await?;
    let first: Option<i64> = sqlx::query_scalar("SELECT at FROM events ORDER BY revision LIMIT 1").fetch_optional(connection).await?;
    Ok(kept > most || first.is_some_and(|first| first < before))
}

/// Lets go of the oldest: of what is beyond `most`, and of what happened before `before`; at most `at_once` of them. Tells how many.
///
/// # Errors
/// [`StoreError`] where they cannot be removed.
pub async fn trim(connection: &mut Connection, most: i64, before: link::UnixMicros, at_once: i64) -> Result<u64, StoreError> {
    let kept: i64 = sqlx::query_scalar("SELECT total FROM counts WHERE kind = 'event'").fetch_one(&mut *connection).await?;
    let over = (kept - most).max(0);
    let select = "SELECT MAX(revision) FROM (SELECT revision FROM events ORDER BY revision LIMIT $1)";
    let by_number: Option<i64> = match over {
        0 => None,
        over => sqlx::query_scalar(select).bind(over.min(at_once)).fetch_one(&mut *connection).await?,
    };
    // Times may go back where a clock was set, or an edge's is wrong; places do not. What is younger keeps all that follows it.
    let select = "SELECT MAX(revision) FROM (SELECT revision, at FROM events ORDER BY revision LIMIT $2) AS first \
        WHERE revision < COALESCE((SELECT MIN(revision) FROM (SELECT revision, at FROM events ORDER BY revision LIMIT $2) AS young \
        WHERE at >= $1), 9223372036854775807)";
    let by_age: Option<i64> = sqlx::query_scalar(select).bind(before).bind(at_once).fetch_one(&mut *connection).await?;
    let Some(last) = by_number.max(by_age) else { return Ok(0) };
    let gone = sqlx::query("DELETE FROM events WHERE revision <= $1").bind(last).execute(&mut *connection).await?.rows_affected();
    sqlx::query("UPDATE counts SET total = total - $1 WHERE kind = 'event'").bind(row::signed(gone)).execute(&mut *connection).await?;
    sqlx::query("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = $2")
        .bind(FLOOR)
        .bind(last.to_string())
        .execute(connection)
        .await?;
    Ok(gone)
}

fn read(found: &SqliteRow) -> Result<Told, StoreError> {
    Ok(Told {
        id: EventId { incarnation: found.try_get("incarnation")?, revision: found.try_get("revision")? },
        at: found.try_get("at")?,
        kind: found.try_get("kind")?,
        subject: Subject {
            trunk: found.try_get("trunk")?,
            site: found.try_get("site")?,
            carrier: found.try_get("carrier")?,
            edge: found.try_get("edge")?,
        },
        data: found.try_get("body")?,
    })
}
