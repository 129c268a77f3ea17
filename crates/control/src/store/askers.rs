//! Who asked carriers about credentials of no trunk: those attempts are theirs to read.

use super::page::Key;
use super::reach::Condition;
use super::{Connection, StoreError, Tx};
use crate::domain::Reach;

/// So many are remembered: more than there are attempts of no trunk, for some come to nothing.
const KEPT: i64 = 1_000;

/// Who asked, and of which carrier's profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The client.
    pub client: String,
    /// The carrier, where its profile named the target.
    pub carrier: Option<String>,
}

/// Notes who asks, before anything is sent.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn note(tx: &mut Tx, attempt: &str, client: &str, carrier: Option<&str>) -> Result<(), StoreError> {
    let now = tx.now();
    sqlx::query("INSERT INTO attempt_askers (attempt, client, carrier, asked) VALUES ($1, $2, $3, $4)")
        .bind(attempt)
        .bind(client)
        .bind(carrier)
        .bind(now)
        .execute(tx.connection())
        .await?;
    let trim = "DELETE FROM attempt_askers WHERE asked <= (SELECT asked FROM attempt_askers ORDER BY asked DESC LIMIT 1 OFFSET $1)";
    sqlx::query(trim).bind(KEPT).execute(tx.connection()).await?;
    Ok(())
}

/// Returns who asked.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, attempt: &str) -> Result<Option<Asker>, StoreError> {
    let found: Option<(String, Option<String>)> =
        sqlx::query_as("SELECT client, carrier FROM attempt_askers WHERE attempt = $1").bind(attempt).fetch_optional(connection).await?;
    Ok(found.map(|(client, carrier)| Asker { client, carrier }))
}

/// Which attempts of no trunk a caller sees: all, or its own and those of carriers as wholes.
pub fn readable(client: &str, reach: &Reach) -> Option<Condition> {
    if reach.is_everywhere() {
        return None;
    }
    let mut keys = vec![Key::Text(client.to_owned())];
    keys.extend(reach.carriers.iter().cloned().map(Key::Text));
    let marks = vec!["?"; reach.carriers.len()].join(", ");
    let or = if marks.is_empty() { String::new() } else { format!(" OR carrier IN ({marks})") };
    Some(Condition { sql: format!("id IN (SELECT attempt FROM attempt_askers WHERE client = ?{or})"), keys })
}
