//! Credential versions, and the one row for each trunk that counts them.

use std::collections::HashMap;

use link::UnixMicros;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::many::{Binding, Insert};
use super::{Connection, StoreError, row};
use crate::encoding::{base64, unbase64};
use crate::registrations::version::{LastOutcome, Version, VersionState};
use crate::sealing::SealedRow;

/// So many versions of a trunk are kept that are of no use any more: rejected or retired.
pub const PAST_VERSIONS_KEPT: i64 = 50;

/// What is kept once for each trunk that has ever had credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Starts at 1, rises with every change.
    pub version: i64,
    /// When the first credentials were posted.
    pub created: UnixMicros,
    /// When it was last changed.
    pub modified: UnixMicros,
    /// The revision at which the credentials to register with changed last.
    pub revision: u64,
    /// The revision at which the active credentials were promoted or proved last.
    pub verified: u64,
    /// The newest version's number.
    pub last_version: u32,
}

/// A version with its secret as it is stored: sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The version.
    pub version: Version,
    /// Opened by the keyring for this trunk and version only.
    pub sealed: SealedRow,
}

const COLUMNS: &str = "trunk, version, state, username, realm, algorithm, ha1, proxy, negotiated, authenticated, accept_unproven, diagnosis, \
                       digest_sent, basis, last_outcome, accepted, created, changed, promoted";

/// Reads a trunk's row.
pub async fn registration(connection: &mut Connection, trunk: &str) -> Result<Option<Registration>, StoreError> {
    let row = sqlx::query("SELECT version, created, modified, revision, verified, last_version FROM registrations WHERE trunk = $1")
        .bind(trunk)
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(read_registration).transpose()
}

/// Writes a trunk's row, new or changed.
pub async fn save_registration(connection: &mut Connection, trunk: &str, registration: &Registration) -> Result<(), StoreError> {
    save_registrations(connection, &[(trunk, registration)]).await
}

/// Writes rows of trunks, new or changed.
pub async fn save_registrations(connection: &mut Connection, registrations: &[(&str, &Registration)]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO registrations (trunk, version, created, modified, revision, verified, last_version)",
        columns: 7,
        tail: "ON CONFLICT (trunk) DO UPDATE SET version = excluded.version, modified = excluded.modified, revision = excluded.revision, \
            verified = excluded.verified, last_version = excluded.last_version",
    };
    let bind = |query: Binding, (trunk, registration): &(&str, &Registration)| {
        Ok(query
            .bind((*trunk).to_owned())
            .bind(registration.version)
            .bind(registration.created)
            .bind(registration.modified)
            .bind(row::signed(registration.revision))
            .bind(row::signed(registration.verified))
            .bind(i64::from(registration.last_version)))
    };
    INSERT.rows(connection, registrations, bind).await
}

/// Reads all versions of a trunk, the oldest first.
pub async fn versions(connection: &mut Connection, trunk: &str) -> Result<Vec<Version>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM credentials WHERE trunk = $1 ORDER BY version");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(trunk).fetch_all(connection).await?;
    rows.iter().map(read_version).collect()
}

/// Reads all versions of some trunks, each trunk's oldest first.
pub async fn versions_of(connection: &mut Connection, trunks: &[&str]) -> Result<HashMap<String, Vec<Version>>, StoreError> {
    let mut found: HashMap<String, Vec<Version>> = HashMap::new();
    if trunks.is_empty() {
        return Ok(found);
    }
    let sql = format!("SELECT {COLUMNS} FROM credentials WHERE trunk IN ({}) ORDER BY trunk, version", row::places(trunks.len()));
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    for row in &query.fetch_all(connection).await? {
        let version = read_version(row)?;
        found.entry(version.trunk.clone()).or_default().push(version);
    }
    Ok(found)
}

/// Reads all versions of a trunk with the keyed MAC of their secrets, the newest first.
pub async fn versions_with_macs(connection: &mut Connection, trunk: &str) -> Result<Vec<(Version, String)>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, mac FROM credentials WHERE trunk = $1 AND secret IS NOT NULL ORDER BY version DESC");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(trunk).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((read_version(row)?, row.try_get("mac")?))).collect()
}

/// As [`versions_with_macs`], of some trunks.
pub async fn versions_with_macs_of(
    connection: &mut Connection,
    trunks: &[&str],
) -> Result<HashMap<String, Vec<(Version, String)>>, StoreError> {
    let mut found: HashMap<String, Vec<(Version, String)>> = HashMap::new();
    if trunks.is_empty() {
        return Ok(found);
    }
    let sql = format!(
        "SELECT {COLUMNS}, mac FROM credentials WHERE trunk IN ({}) AND secret IS NOT NULL ORDER BY trunk, version DESC",
        row::places(trunks.len())
    );
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    for row in &query.fetch_all(connection).await? {
        let version = read_version(row)?;
        found.entry(version.trunk.clone()).or_default().push((version, row.try_get("mac")?));
    }
    Ok(found)
}

/// Reads one version.
pub async fn version(connection: &mut Connection, trunk: &str, version: u32) -> Result<Option<Version>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM credentials WHERE trunk = $1 AND version = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(trunk).bind(i64::from(version)).fetch_optional(connection).await?;
    row.as_ref().map(read_version).transpose()
}

/// Reads one version with its sealed secret; `None` also where the secret was forgotten.
pub async fn stored(connection: &mut Connection, trunk: &str, version: u32) -> Result<Option<Stored>, StoreError> {
    let sql = format!("SELECT {COLUMNS}, key_id, nonce, secret FROM credentials WHERE trunk = $1 AND version = $2 AND secret IS NOT NULL");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(trunk).bind(i64::from(version)).fetch_optional(connection).await?;
    row.as_ref().map(read_stored).transpose()
}

/// Reads the versions of a trunk that an edge may have to use: active, previous, standby.
pub async fn usable(connection: &mut Connection, trunk: &str) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, key_id, nonce, secret FROM credentials WHERE trunk = $1 AND state IN ('ACTIVE', 'PREVIOUS', 'STANDBY') AND secret IS NOT NULL"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(trunk).fetch_all(connection).await?;
    rows.iter().map(read_stored).collect()
}

/// As [`usable`], for some trunks.
pub async fn usable_of(connection: &mut Connection, trunks: &[&str]) -> Result<Vec<Stored>, StoreError> {
    if trunks.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT {COLUMNS}, key_id, nonce, secret FROM credentials WHERE trunk IN ({}) AND state IN ('ACTIVE', 'PREVIOUS', 'STANDBY') \
         AND secret IS NOT NULL",
        row::places(trunks.len())
    );
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    query.fetch_all(connection).await?.iter().map(read_stored).collect()
}

/// As [`usable`], for all trunks in a range of ids, both ends included, ordered by trunk.
pub async fn usable_between(connection: &mut Connection, first: &str, last: &str) -> Result<Vec<Stored>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, key_id, nonce, secret FROM credentials WHERE trunk >= $1 AND trunk <= $2 AND state IN ('ACTIVE', 'PREVIOUS', 'STANDBY') \
         AND secret IS NOT NULL ORDER BY trunk"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(first).bind(last).fetch_all(connection).await?;
    rows.iter().map(read_stored).collect()
}

/// As [`registration`], for some trunks.
pub async fn registrations_of(connection: &mut Connection, trunks: &[&str]) -> Result<HashMap<String, Registration>, StoreError> {
    if trunks.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = format!(
        "SELECT trunk, version, created, modified, revision, verified, last_version FROM registrations WHERE trunk IN ({})",
        row::places(trunks.len())
    );
    let query = trunks.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), |query, trunk| query.bind(*trunk));
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(|row| Ok((row.try_get("trunk")?, read_registration(row)?))).collect()
}

/// As [`registration`], for all trunks in a range of ids, both ends included, ordered by trunk.
pub async fn registrations_between(
    connection: &mut Connection,
    first: &str,
    last: &str,
) -> Result<Vec<(String, Registration)>, StoreError> {
    let rows = sqlx::query(
        "SELECT trunk, version, created, modified, revision, verified, last_version FROM registrations \
         WHERE trunk >= $1 AND trunk <= $2 ORDER BY trunk",
    )
    .bind(first)
    .bind(last)
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| Ok((row.try_get("trunk")?, read_registration(row)?))).collect()
}

/// A new version, to be written.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The version.
    pub version: Version,
    /// Its secret, sealed.
    pub sealed: SealedRow,
    /// The keyed MAC of its secret.
    pub mac: String,
}

/// Writes a new version.
pub async fn insert(connection: &mut Connection, new: NewVersion) -> Result<(), StoreError> {
    insert_all(connection, &[new]).await
}

/// Writes new versions.
pub async fn insert_all(connection: &mut Connection, versions: &[NewVersion]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO credentials (trunk, version, state, username, realm, algorithm, ha1, proxy, key_id, nonce, secret, mac, negotiated, \
            authenticated, accept_unproven, diagnosis, digest_sent, basis, last_outcome, accepted, created, changed, promoted)",
        columns: 23,
        tail: "",
    };
    let bind = |query: Binding, new: &NewVersion| {
        let NewVersion { version, sealed, mac } = new;
        Ok(query
            .bind(version.trunk.clone())
            .bind(i64::from(version.version))
            .bind(version.state.as_str())
            .bind(version.username.clone())
            .bind(version.realm.clone())
            .bind(version.algorithm.clone())
            .bind(row::to_json(&version.ha1)?)
            .bind(version.proxy.as_ref().map(row::to_json).transpose()?)
            .bind(sealed.key_id)
            .bind(base64(&sealed.nonce))
            .bind(base64(&sealed.bytes))
            .bind(mac.clone())
            .bind(version.negotiated.as_ref().map(row::to_json).transpose()?)
            .bind(version.authenticated)
            .bind(version.accept_unproven)
            .bind(version.diagnosis.as_ref().map(row::to_json).transpose()?)
            .bind(version.digest_sent)
            .bind(version.basis.clone())
            .bind(version.last_outcome.map(outcome_text))
            .bind(version.accepted_at)
            .bind(version.created_at)
            .bind(version.changed_at)
            .bind(version.promoted_at))
    };
    INSERT.rows(connection, versions, bind).await
}

/// Writes what may change of a version: its state and what is known of it. What was asked for never does.
pub async fn update(connection: &mut Connection, version: &Version) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE credentials SET state = $3, negotiated = $4, authenticated = $5, accept_unproven = $6, diagnosis = $7, digest_sent = $8, \
         basis = $9, last_outcome = $10, accepted = $11, changed = $12, promoted = $13 WHERE trunk = $1 AND version = $2",
    )
    .bind(&version.trunk)
    .bind(i64::from(version.version))
    .bind(version.state.as_str())
    .bind(version.negotiated.as_ref().map(row::to_json).transpose()?)
    .bind(version.authenticated)
    .bind(version.accept_unproven)
    .bind(version.diagnosis.as_ref().map(row::to_json).transpose()?)
    .bind(version.digest_sent)
    .bind(&version.basis)
    .bind(version.last_outcome.map(outcome_text))
    .bind(version.accepted_at)
    .bind(version.changed_at)
    .bind(version.promoted_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets the secrets of retired versions, and the oldest versions that are of no use any more.
pub async fn tidy(connection: &mut Connection, trunk: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE credentials SET secret = NULL WHERE trunk = $1 AND state = 'RETIRED' AND secret IS NOT NULL")
        .bind(trunk)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "DELETE FROM credentials WHERE trunk = $1 AND state IN ('RETIRED', 'REJECTED') AND version NOT IN \
         (SELECT version FROM credentials WHERE trunk = $1 AND state IN ('RETIRED', 'REJECTED') ORDER BY version DESC LIMIT $2)",
    )
    .bind(trunk)
    .bind(PAST_VERSIONS_KEPT)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Reads which life of the store this is; a restored backup raises it.
pub async fn incarnation(connection: &mut Connection) -> Result<u64, StoreError> {
    let row = sqlx::query("SELECT incarnation FROM revision WHERE id = 1").fetch_one(connection).await?;
    row::unsigned(&row, "incarnation")
}

fn read_registration(row: &SqliteRow) -> Result<Registration, StoreError> {
    Ok(Registration {
        version: row.try_get("version")?,
        created: row.try_get("created")?,
        modified: row.try_get("modified")?,
        revision: row::unsigned(row, "revision")?,
        verified: row::unsigned(row, "verified")?,
        last_version: number(row, "last_version")?,
    })
}

fn read_stored(row: &SqliteRow) -> Result<Stored, StoreError> {
    let bytes = |column: &str| -> Result<Vec<u8>, StoreError> {
        let text: &str = row.try_get(column)?;
        unbase64(text).ok_or_else(|| StoreError::Unreadable(format!("{column} is not base64")))
    };
    let sealed = SealedRow { key_id: row.try_get("key_id")?, nonce: bytes("nonce")?, bytes: bytes("secret")? };
    Ok(Stored { version: read_version(row)?, sealed })
}

fn read_version(row: &SqliteRow) -> Result<Version, StoreError> {
    let state: String = row.try_get("state")?;
    let optional_json = |column: &str| -> Result<Option<String>, StoreError> { Ok(row.try_get(column)?) };
    Ok(Version {
        trunk: row.try_get("trunk")?,
        version: number(row, "version")?,
        state: state.parse::<VersionState>().map_err(StoreError::Unreadable)?,
        username: row.try_get("username")?,
        realm: row.try_get("realm")?,
        algorithm: row.try_get("algorithm")?,
        ha1: row::json(row, "ha1")?,
        proxy: optional_json("proxy")?.map(|text| serde_json::from_str(&text)).transpose()?,
        negotiated: optional_json("negotiated")?.map(|text| serde_json::from_str(&text)).transpose()?,
        authenticated: row.try_get("authenticated")?,
        accept_unproven: row.try_get("accept_unproven")?,
        diagnosis: optional_json("diagnosis")?.map(|text| serde_json::from_str(&text)).transpose()?,
        digest_sent: row.try_get("digest_sent")?,
        basis: row.try_get("basis")?,
        last_outcome: outcome(row.try_get("last_outcome")?)?,
        accepted_at: row.try_get("accepted")?,
        created_at: row.try_get("created")?,
        changed_at: row.try_get("changed")?,
        promoted_at: row.try_get("promoted")?,
    })
}

fn number(row: &SqliteRow, column: &str) -> Result<u32, StoreError> {
    let number: i64 = row.try_get(column)?;
    u32::try_from(number).map_err(|_| StoreError::Unreadable(format!("{column} is out of range")))
}

fn outcome_text(outcome: LastOutcome) -> &'static str {
    match outcome {
        LastOutcome::Accepted => "accepted",
        LastOutcome::Refused => "refused",
    }
}

fn outcome(text: Option<&str>) -> Result<Option<LastOutcome>, StoreError> {
    match text {
        None => Ok(None),
        Some("accepted") => Ok(Some(LastOutcome::Accepted)),
        Some("refused") => Ok(Some(LastOutcome::Refused)),
        Some(other) => Err(StoreError::Unreadable(format!("last_outcome {other:?}"))),
    }
}
