use super::{Connection, StoreError, Tx, row};
use crate::domain::{Meta, Organization, OrganizationSettings};
use sqlx::Row;

/// The id of the one organisation.
pub const ID: &str = "organization";

/// Reads the organisation.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn load(connection: &mut Connection) -> Result<Organization, StoreError> {
    let found =
        sqlx::query("SELECT version, created, modified, revision, name, body FROM organization WHERE id = 1").fetch_one(connection).await?;
    let meta = Meta {
        id: ID.to_owned(),
        name: found.try_get("name")?,
        version: found.try_get("version")?,
        created: found.try_get("created")?,
        modified: found.try_get("modified")?,
        revision: row::unsigned(&found, "revision")?,
    };
    Ok(Organization { meta, settings: row::json::<OrganizationSettings>(&found, "body")? })
}

/// Makes the organisation at the first start.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn ensure(tx: &mut Tx) -> Result<(), StoreError> {
    let now = tx.now();
    let insert = "INSERT INTO organization (id, name, version, created, modified, revision, body) \
        VALUES (1, 'Organization', 1, $1, $1, 0, '{}') ON CONFLICT (id) DO NOTHING";
    sqlx::query(insert).bind(now).execute(tx.connection()).await?;
    Ok(())
}

/// Writes the next version.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn update(tx: &mut Tx, organization: &Organization) -> Result<Organization, StoreError> {
    let body = row::to_json(&organization.settings)?;
    let (now, revision) = (tx.now(), row::signed(tx.revision().await?));
    sqlx::query("UPDATE organization SET name = $1, version = version + 1, modified = $2, revision = $3, body = $4 WHERE id = 1")
        .bind(&organization.meta.name)
        .bind(now)
        .bind(revision)
        .bind(body)
        .execute(tx.connection())
        .await?;
    load(tx.connection()).await
}
