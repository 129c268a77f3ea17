//! Answers kept for 24 hours under the caller's Idempotency-Key. They hold no secret: an answer never does.

use link::UnixMicros;

use super::{Connection, StoreError};

/// So long is an answer replayed: 24 hours, in microseconds.
pub const KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A kept answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The keyed MAC of the request, so that a key is not taken for another request.
    pub request_mac: String,
    /// The HTTP status.
    pub status: u16,
    /// The Location header.
    pub location: Option<String>,
    /// The body, JSON.
    pub body: String,
}

/// Reads the answer that is kept under a client's key.
pub async fn find(connection: &mut Connection, client: &str, key: &str, now: UnixMicros) -> Result<Option<Answer>, StoreError> {
    let row: Option<(String, i64, Option<String>, String)> =
        sqlx::query_as("SELECT request_mac, status, location, body FROM idempotency WHERE client = $1 AND key = $2 AND created > $3")
            .bind(client)
            .bind(key)
            .bind(now - KEPT_MICROS)
            .fetch_optional(connection)
            .await?;
    row.map(|(request_mac, status, location, body)| {
        let status = u16::try_from(status).map_err(|_| StoreError::Unreadable("status is out of range".into()))?;
        Ok(Answer { request_mac, status, location, body })
    })
    .transpose()
}

/// Keeps an answer, and lets go of those that are too old.
pub async fn keep(connection: &mut Connection, client: &str, key: &str, answer: &Answer, now: UnixMicros) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM idempotency WHERE created <= $1").bind(now - KEPT_MICROS).execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO idempotency (client, key, request_mac, status, location, body, created) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (client, key) DO NOTHING",
    )
    .bind(client)
    .bind(key)
    .bind(&answer.request_mac)
    .bind(i64::from(answer.status))
    .bind(&answer.location)
    .bind(&answer.body)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
