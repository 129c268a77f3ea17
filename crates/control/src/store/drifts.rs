//! What a trunk's carrier does otherwise than before: the latest of each kind.

use std::collections::HashMap;

use link::{Drift, UnixMicros};

use super::{Connection, StoreError, row};

/// So many characters of a value are kept: a realm of a usual length whole.
pub const VALUE_CHARS_MAX: usize = 256;
/// So many kinds of a trunk are kept.
pub const KINDS_MAX: i64 = 8;

/// A change, and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What changed.
    pub drift: Drift,
    /// When.
    pub at: UnixMicros,
}

/// Writes a change in the place of an older one of its kind; one of a trunk that is gone is left out.
pub async fn save(connection: &mut Connection, trunk: &str, drift: &Drift, at: UnixMicros) -> Result<(), StoreError> {
    let short = |text: &str| text.chars().filter(|c| *c != '\0').take(VALUE_CHARS_MAX).collect::<String>();
    sqlx::query(
        "INSERT INTO drifts (trunk, what, before, after, at) SELECT $1, $2, $3, $4, $5 WHERE EXISTS (SELECT 1 FROM trunks WHERE id = $1) \
         ON CONFLICT (trunk, what) DO UPDATE SET before = excluded.before, after = excluded.after, at = excluded.at \
         WHERE excluded.at >= drifts.at",
    )
    .bind(trunk)
    .bind(short(&drift.what))
    .bind(short(&drift.before))
    .bind(short(&drift.after))
    .bind(at)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "DELETE FROM drifts WHERE trunk = $1 AND what NOT IN (SELECT what FROM drifts WHERE trunk = $1 ORDER BY at DESC, what LIMIT $2)",
    )
    .bind(trunk)
    .bind(KINDS_MAX)
    .execute(connection)
    .await?;
    Ok(())
}

/// Reads the changes of a trunk since a time, the latest first.
pub async fn since(connection: &mut Connection, trunk: &str, after: UnixMicros) -> Result<Vec<Seen>, StoreError> {
    let rows: Vec<(String, String, String, UnixMicros)> =
        sqlx::query_as("SELECT what, before, after, at FROM drifts WHERE trunk = $1 AND at > $2 ORDER BY at DESC, what")
            .bind(trunk)
            .bind(after)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(what, before, after, at)| Seen { drift: Drift { what, before, after }, at }).collect())
}

/// Reads all changes of some trunks, each trunk's latest first.
pub async fn of(connection: &mut Connection, trunks: &[&str]) -> Result<HashMap<String, Vec<Seen>>, StoreError> {
    let mut found: HashMap<String, Vec<Seen>> = HashMap::new();
    if trunks.is_empty() {
        return Ok(found);
    }
    let sql =
        format!("SELECT trunk, what, before, after, at FROM drifts WHERE trunk IN ({}) ORDER BY at DESC, what", row::places(trunks.len()));
    let query = sqlx::query_as::<_, (String, String, String, String, UnixMicros)>(sqlx::AssertSqlSafe(sql));
    let query = trunks.iter().fold(query, |query, trunk| query.bind(*trunk));
    for (trunk, what, before, after, at) in query.fetch_all(connection).await? {
        found.entry(trunk).or_default().push(Seen { drift: Drift { what, before, after }, at });
    }
    Ok(found)
}

/// Forgets the changes of a trunk; tells how many there were.
pub async fn forget(connection: &mut Connection, trunk: &str) -> Result<u64, StoreError> {
    Ok(sqlx::query("DELETE FROM drifts WHERE trunk = $1").bind(trunk).execute(connection).await?.rows_affected())
}
