use link::UnixMicros;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::page::{BY_ID, Key, Page, Paging, Select, Sorting};
use super::{Connection, StoreError, Tx, row};
use crate::domain::{Webhook, WebhookHealth};
use crate::encoding::{base64, unbase64};
use crate::sealing::SealedRow;

const COLUMNS: &str = "id, name, version, created, modified, revision, body, position, last_success, last_failure, last_error";

/// The orders of deliveries.
pub const DELIVERIES: &[Sorting] =
    &[Sorting { name: "event", column: "event", number: true }, Sorting { name: "due", column: "due", number: true }];

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried again.
    Pending,
    /// It was tried for too long, and is tried only when somebody says so.
    Dead,
}

impl DeliveryState {
    /// Returns its word in store and API.
    pub fn word(self) -> &'static str {
        match self {
            DeliveryState::Pending => "PENDING",
            DeliveryState::Dead => "DEAD",
        }
    }
}

/// An event on its way to a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The webhook's id.
    pub webhook: String,
    /// The event's place.
    pub event: i64,
    /// Where it stands.
    pub state: String,
    /// The word of the event's kind.
    pub kind: String,
    /// The event as it is sent.
    pub body: String,
    /// Since when it waits.
    pub created: UnixMicros,
    /// How often it was tried.
    pub tries: u32,
    /// When it is tried next.
    pub due: UnixMicros,
    /// When it was tried last.
    pub last_tried: Option<UnixMicros>,
    /// What was answered last.
    pub last_status: Option<i64>,
    /// Why it failed last.
    pub last_error: Option<String>,
}

/// Reads a webhook.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Webhook>, StoreError> {
    let select = "SELECT id, name, version, created, modified, revision, body, position, last_success, last_failure, last_error \
        FROM webhooks WHERE id = $1";
    let found = sqlx::query(select).bind(id).fetch_optional(connection).await?;
    found.as_ref().map(read).transpose()
}

/// Reads all webhooks; their number is bounded.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn all(connection: &mut Connection) -> Result<Vec<Webhook>, StoreError> {
    let select = "SELECT id, name, version, created, modified, revision, body, position, last_success, last_failure, last_error \
        FROM webhooks ORDER BY id";
    sqlx::query(select).fetch_all(connection).await?.iter().map(read).collect()
}

/// Reads a page of webhooks.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn page(connection: &mut Connection, paging: &Paging, name: Option<String>) -> Result<Page<Webhook>, StoreError> {
    let filters = name.map(|name| ("name = ?", Key::Text(name))).into_iter().collect();
    Select { columns: COLUMNS, table: "webhooks", id: BY_ID, filters, kept: None, totals: None }.page(connection, paging, read).await
}

/// Writes a new webhook; it hears of what comes after this change.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn insert(tx: &mut Tx, webhook: &Webhook, secret: &SealedRow) -> Result<Webhook, StoreError> {
    let (now, revision) = (tx.now(), tx.revision().await?);
    let insert = "INSERT INTO webhooks (id, name, version, created, modified, revision, body, key_id, nonce, secret, position) \
        VALUES ($1, $2, 1, $3, $3, $4, $5, $6, $7, $8, $4)";
    sqlx::query(insert)
        .bind(&webhook.meta.id)
        .bind(&webhook.meta.name)
        .bind(now)
        .bind(row::signed(revision))
        .bind(row::to_json(&webhook.settings)?)
        .bind(secret.key_id)
        .bind(base64(&secret.nonce))
        .bind(base64(&secret.bytes))
        .execute(tx.connection())
        .await?;
    again(tx, &webhook.meta.id).await
}

/// Writes name and settings of a webhook.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, webhook: &Webhook) -> Result<Webhook, StoreError> {
    let (now, revision) = (tx.now(), tx.revision().await?);
    sqlx::query("UPDATE webhooks SET name = $2, body = $3, version = version + 1, modified = $4, revision = $5 WHERE id = $1")
        .bind(&webhook.meta.id)
        .bind(&webhook.meta.name)
        .bind(row::to_json(&webhook.settings)?)
        .bind(now)
        .bind(row::signed(revision))
        .execute(tx.connection())
        .await?;
    again(tx, &webhook.meta.id).await
}

/// Gives a webhook another secret.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn set_secret(tx: &mut Tx, id: &str, secret: &SealedRow) -> Result<Webhook, StoreError> {
    let (now, revision) = (tx.now(), tx.revision().await?);
    let update =
        "UPDATE webhooks SET key_id = $2, nonce = $3, secret = $4, version = version + 1, modified = $5, revision = $6 WHERE id = $1";
    sqlx::query(update)
        .bind(id)
        .bind(secret.key_id)
        .bind(base64(&secret.nonce))
        .bind(base64(&secret.bytes))
        .bind(now)
        .bind(row::signed(revision))
        .execute(tx.connection())
        .await?;
    again(tx, id).await
}

/// Removes a webhook with its deliveries.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delete(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM webhooks WHERE id = $1").bind(id).execute(tx.connection()).await?;
    Ok(())
}

/// Reads the sealed secret of a webhook.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn secret(connection: &mut Connection, id: &str) -> Result<Option<SealedRow>, StoreError> {
    let found: Option<(i64, String, String)> =
        sqlx::query_as("SELECT key_id, nonce, secret FROM webhooks WHERE id = $1").bind(id).fetch_optional(connection).await?;
    let unreadable = || StoreError::Unreadable(format!("secret of webhook {id}"));
    found
        .map(|(key_id, nonce, bytes)| {
            let (nonce, bytes) = (unbase64(&nonce).ok_or_else(unreadable)?, unbase64(&bytes).ok_or_else(unreadable)?);
            Ok(SealedRow { key_id, nonce, bytes })
        })
        .transpose()
}

/// Notes up to which place a webhook's events have their deliveries.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn advance(connection: &mut Connection, id: &str, position: i64) -> Result<(), StoreError> {
    sqlx::query("UPDATE webhooks SET position = $2 WHERE id = $1").bind(id).bind(position).execute(connection).await?;
    Ok(())
}

/// Notes an event for a webhook; one that is noted already stays as it is, and so does one whose webhook is gone.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn queue(connection: &mut Connection, id: &str, event: i64, kind: &str, body: &str, now: UnixMicros) -> Result<(), StoreError> {
    let insert = "INSERT INTO webhook_deliveries (webhook, event, state, kind, body, created, tries, due) \
        SELECT $1, $2, 'PENDING', $3, $4, $5, 0, $5 WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = $1) \
        ON CONFLICT (webhook, event) DO NOTHING";
    sqlx::query(insert).bind(id).bind(event).bind(kind).bind(body).bind(now).execute(connection).await?;
    Ok(())
}

/// Reads what is due of a webhook, the oldest first.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn due(connection: &mut Connection, id: &str, now: UnixMicros, limit: i64) -> Result<Vec<Delivery>, StoreError> {
    let select = "SELECT webhook, event, state, kind, body, created, tries, due, last_tried, last_status, last_error \
        FROM webhook_deliveries WHERE webhook = $1 AND state = 'PENDING' AND due <= $2 ORDER BY due, event LIMIT $3";
    sqlx::query(select).bind(id).bind(now).bind(limit).fetch_all(connection).await?.iter().map(read_delivery).collect()
}

/// Returns when the next delivery of a webhook is due, and how many wait.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn waiting(connection: &mut Connection, id: &str) -> Result<(Option<UnixMicros>, i64), StoreError> {
    let select = "SELECT MIN(due), COUNT(*) FROM webhook_deliveries WHERE webhook = $1 AND state = 'PENDING'";
    Ok(sqlx::query_as(select).bind(id).fetch_one(connection).await?)
}

/// Counts the deliveries of a webhook in a state.
///
/// # Errors
/// [`StoreError`] where they cannot be read.
pub async fn count(connection: &mut Connection, id: &str, state: DeliveryState) -> Result<i64, StoreError> {
    let select = "SELECT COUNT(*) FROM webhook_deliveries WHERE webhook = $1 AND state = $2";
    Ok(sqlx::query_scalar(select).bind(id).bind(state.word()).fetch_one(connection).await?)
}

/// Forgets a delivery that has arrived.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn delivered(connection: &mut Connection, id: &str, event: i64, now: UnixMicros) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM webhook_deliveries WHERE webhook = $1 AND event = $2").bind(id).bind(event).execute(&mut *connection).await?;
    sqlx::query("UPDATE webhooks SET last_success = $2 WHERE id = $1").bind(id).bind(now).execute(connection).await?;
    Ok(())
}

/// Writes how a try failed, and what becomes of the delivery.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn failed(connection: &mut Connection, delivery: &Delivery, state: DeliveryState) -> Result<(), StoreError> {
    let update = "UPDATE webhook_deliveries SET state = $3, tries = $4, due = $5, last_tried = $6, last_status = $7, last_error = $8 \
        WHERE webhook = $1 AND event = $2";
    sqlx::query(update)
        .bind(&delivery.webhook)
        .bind(delivery.event)
        .bind(state.word())
        .bind(i64::from(delivery.tries))
        .bind(delivery.due)
        .bind(delivery.last_tried)
        .bind(delivery.last_status)
        .bind(&delivery.last_error)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE webhooks SET last_failure = $2, last_error = $3 WHERE id = $1")
        .bind(&delivery.webhook)
        .bind(delivery.last_tried)
        .bind(&delivery.last_error)
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes a delivery due now, for as long as a new one; tells whether there is one.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn redeliver(connection: &mut Connection, id: &str, event: i64, now: UnixMicros) -> Result<bool, StoreError> {
    let update = "UPDATE webhook_deliveries SET state = 'PENDING', created = $3, due = $3 WHERE webhook = $1 AND event = $2";
    Ok(sqlx::query(update).bind(id).bind(event).bind(now).execute(connection).await?.rows_affected() > 0)
}

/// Lets go of the oldest dead letters beyond `most` of each webhook, and of those that wait since before `before`.
///
/// # Errors
/// [`StoreError`] where they cannot be removed.
pub async fn trim_dead(connection: &mut Connection, id: &str, most: i64, before: UnixMicros) -> Result<u64, StoreError> {
    let delete = "DELETE FROM webhook_deliveries WHERE webhook = $1 AND state = 'DEAD' AND (created < $3 OR event <= \
        (SELECT event FROM webhook_deliveries WHERE webhook = $1 AND state = 'DEAD' ORDER BY event DESC LIMIT 1 OFFSET $2))";
    Ok(sqlx::query(delete).bind(id).bind(most).bind(before).execute(connection).await?.rows_affected())
}

/// Reads a page of deliveries of a webhook.
///
/// # Errors
/// [`StoreError`] where one cannot be read.
pub async fn deliveries(
    connection: &mut Connection,
    id: &str,
    paging: &Paging,
    state: Option<DeliveryState>,
) -> Result<Page<Delivery>, StoreError> {
    let mut filters = vec![("webhook = ?", Key::Text(id.to_owned()))];
    filters.extend(state.map(|state| ("state = ?", Key::Text(state.word().to_owned()))));
    let columns = "webhook, event, state, kind, body, created, tries, due, last_tried, last_status, last_error";
    Select { columns, table: "webhook_deliveries", id: DELIVERIES[0], filters, kept: None, totals: None }
        .page(connection, paging, read_delivery)
        .await
}

async fn again(tx: &mut Tx, id: &str) -> Result<Webhook, StoreError> {
    find(tx.connection(), id).await?.ok_or_else(|| StoreError::Unreadable(format!("webhook {id}")))
}

fn read(found: &SqliteRow) -> Result<Webhook, StoreError> {
    Ok(Webhook {
        meta: row::meta(found)?,
        settings: row::json(found, "body")?,
        position: found.try_get("position")?,
        health: WebhookHealth {
            last_success: found.try_get("last_success")?,
            last_failure: found.try_get("last_failure")?,
            last_error: found.try_get("last_error")?,
        },
    })
}

fn read_delivery(found: &SqliteRow) -> Result<Delivery, StoreError> {
    let tries: i64 = found.try_get("tries")?;
    Ok(Delivery {
        webhook: found.try_get("webhook")?,
        event: found.try_get("event")?,
        state: found.try_get("state")?,
        kind: found.try_get("kind")?,
        body: found.try_get("body")?,
        created: found.try_get("created")?,
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        due: found.try_get("due")?,
        last_tried: found.try_get("last_tried")?,
        last_status: found.try_get("last_status")?,
        last_error: found.try_get("last_error")?,
    })
}
