//! Everything that a data key has sealed, wherever it lies. Whoever seals into a new table adds it here: what is not found here keeps no data
//! key from being removed.

use serde_json::{Value, json};
use sqlx::Row;

use super::{Connection, StoreError, Tx, settings};
use crate::encoding::{base64, unbase64};
use crate::sealing::SealedRow;

/// The names of sealed settings begin so.
const PREFIX: &str = "sealed/";

/// Whose a sealed secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// A credential version's.
    Credentials {
        /// The trunk's id.
        trunk: String,
        /// The version.
        version: u32,
    },
    /// A webhook's, by its id.
    Webhook(String),
    /// A setting of the store's own; its name is its place.
    Setting(String),
}

/// A sealed secret, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Whose it is.
    pub whose: Sealed,
    /// As it is stored.
    pub sealed: SealedRow,
}

/// Finds some of what older keys than this have sealed.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn older_than(connection: &mut Connection, key: i64, limit: u32) -> Result<Vec<Found>, StoreError> {
    let select = "SELECT trunk, version, key_id, nonce, secret FROM credentials WHERE key_id < $1 AND secret IS NOT NULL LIMIT $2";
    let rows = sqlx::query(select).bind(key).bind(i64::from(limit)).fetch_all(&mut *connection).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let (trunk, version): (String, i64) = (row.try_get("trunk")?, row.try_get("version")?);
        let unreadable = || StoreError::Unreadable(format!("credentials of trunk {trunk}"));
        let bytes = |text: String| unbase64(&text).ok_or_else(unreadable);
        let sealed =
            SealedRow { key_id: row.try_get("key_id")?, nonce: bytes(row.try_get("nonce")?)?, bytes: bytes(row.try_get("secret")?)? };
        let version = u32::try_from(version).map_err(|_| unreadable())?;
        found.push(Found { whose: Sealed::Credentials { trunk, version }, sealed });
    }
    if found.is_empty() {
        let select = "SELECT id, key_id, nonce, secret FROM webhooks WHERE key_id < $1 LIMIT $2";
        for row in sqlx::query(select).bind(key).bind(i64::from(limit)).fetch_all(&mut *connection).await? {
            let id: String = row.try_get("id")?;
            let bytes = |text: String| unbase64(&text).ok_or_else(|| StoreError::Unreadable(format!("secret of webhook {id}")));
            let sealed =
                SealedRow { key_id: row.try_get("key_id")?, nonce: bytes(row.try_get("nonce")?)?, bytes: bytes(row.try_get("secret")?)? };
            found.push(Found { whose: Sealed::Webhook(id), sealed });
        }
    }
    if found.is_empty() {
        let names: Vec<String> =
            sqlx::query_scalar("SELECT name FROM settings WHERE name LIKE 'sealed/%' ORDER BY name").fetch_all(&mut *connection).await?;
        for name in names {
            if let Some(sealed) = load(connection, &name).await?.filter(|sealed| sealed.key_id < key) {
                found.push(Found { whose: Sealed::Setting(name), sealed });
            }
        }
    }
    Ok(found)
}

/// Counts what each key has sealed.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn by_key(connection: &mut Connection) -> Result<std::collections::BTreeMap<i64, i64>, StoreError> {
    let select = "SELECT key_id, CAST(SUM(sealed) AS BIGINT) FROM (\
        SELECT key_id, COUNT(*) AS sealed FROM credentials WHERE secret IS NOT NULL GROUP BY key_id \
        UNION ALL SELECT key_id, COUNT(*) AS sealed FROM webhooks GROUP BY key_id) AS both GROUP BY key_id";
    let rows: Vec<(i64, i64)> = sqlx::query_as(select).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// Writes a secret as another key has sealed it. One that was retired meanwhile stays away.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn replace(tx: &mut Tx, found: &Found) -> Result<(), StoreError> {
    match &found.whose {
        Sealed::Credentials { trunk, version } => {
            let update =
                "UPDATE credentials SET key_id = $3, nonce = $4, secret = $5 WHERE trunk = $1 AND version = $2 AND secret IS NOT NULL";
            sqlx::query(update)
                .bind(trunk)
                .bind(i64::from(*version))
                .bind(found.sealed.key_id)
                .bind(base64(&found.sealed.nonce))
                .bind(base64(&found.sealed.bytes))
                .execute(tx.connection())
                .await?;
            Ok(())
        }
        Sealed::Webhook(id) => {
            sqlx::query("UPDATE webhooks SET key_id = $2, nonce = $3, secret = $4 WHERE id = $1")
                .bind(id)
                .bind(found.sealed.key_id)
                .bind(base64(&found.sealed.nonce))
                .bind(base64(&found.sealed.bytes))
                .execute(tx.connection())
                .await?;
            Ok(())
        }
        Sealed::Setting(name) => save(tx, name, &found.sealed).await,
    }
}

/// Reads a sealed setting; its name begins with `sealed/`.
///
/// # Errors
/// [`StoreError::Unreadable`] where it is not as it was written.
pub async fn load(connection: &mut Connection, name: &str) -> Result<Option<SealedRow>, StoreError> {
    debug_assert!(name.starts_with(PREFIX), "a rotation would not find it");
    let Some(text) = settings::load(connection, name).await? else { return Ok(None) };
    let parsed = || {
        let value: Value = serde_json::from_str(&text).ok()?;
        let bytes = |field: &str| unbase64(value.get(field)?.as_str()?);
        Some(SealedRow { key_id: value.get("key")?.as_i64()?, nonce: bytes("nonce")?, bytes: bytes("sealed")? })
    };
    parsed().map(Some).ok_or_else(|| StoreError::Unreadable(format!("the sealed setting {name}")))
}

/// Writes a sealed setting.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn save(tx: &mut Tx, name: &str, row: &SealedRow) -> Result<(), StoreError> {
    debug_assert!(name.starts_with(PREFIX), "a rotation would not find it");
    let value = json!({ "key": row.key_id, "nonce": base64(&row.nonce), "sealed": base64(&row.bytes) });
    settings::save(tx, name, &value.to_string()).await
}
