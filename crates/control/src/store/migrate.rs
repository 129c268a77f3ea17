use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, SqliteConnection};

use super::{StoreError, now};
use crate::StartError;
use crate::encoding::hex;

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// Brings the schema to what this binary knows, each step in a transaction of its own.
pub(super) async fn run(connection: &mut SqliteConnection) -> Result<(), StartError> {
    run_all(connection, FILES).await
}

async fn run_all(connection: &mut SqliteConnection, files: &[(&str, &str)]) -> Result<(), StartError> {
    let table = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied BIGINT NOT NULL)";
    sqlx::query(table).execute(&mut *connection).await.map_err(StoreError::from)?;
    let applied: Vec<(String, String)> = sqlx::query_as("SELECT name, checksum FROM schema_migrations ORDER BY name")
        .fetch_all(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    if let Some((name, _)) = applied.iter().find(|(name, _)| files.iter().all(|(known, _)| known != name)) {
        return Err(StartError::SchemaNewer { migration: name.clone() });
    }
    for (name, sql) in files {
        let checksum = hex(&Sha256::digest(sql.as_bytes()));
        match applied.iter().find(|(known, _)| known == name) {
            Some((_, known)) if *known == checksum => {}
            Some(_) => return Err(StartError::SchemaForeign { migration: (*name).to_owned() }),
            None => apply(connection, name, sql, &checksum).await?,
        }
    }
    Ok(())
}

async fn apply(connection: &mut SqliteConnection, name: &str, sql: &str, checksum: &str) -> Result<(), StoreError> {
    let mut tx = sqlx::Connection::begin_with(connection, "BEGIN IMMEDIATE").await?;
    // The text is a file of this crate.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO schema_migrations (name, checksum, applied) VALUES ($1, $2, $3)")
        .bind(name)
        .bind(checksum)
        .bind(now())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{ConnectOptions, Connection};

    use super::*;
    use crate::audit::{AuditEntry, Origin};
    use crate::store::{Store, audits, events, sites, trunks};

    /// A database as the release with the first `steps` migrations has written it.
    async fn of_release(data: &Path, steps: usize) {
        std::fs::create_dir(data).expect("a directory");
        let options = SqliteConnectOptions::new().filename(data.join("trunkline.db")).create_if_missing(true);
        let mut old = options.connect().await.expect("it opens");
        run_all(&mut old, &FILES[..steps]).await.expect("it is migrated");
        // Only what the first migration knows, so that it fits every release.
        let rows = "INSERT INTO sites (id, name, version, created, modified, revision, body) VALUES ('s1', 'One', 3, 1, 2, 7, '{\"region\":\"r\"}');
            INSERT INTO carriers (id, name, version, created, modified, revision, target_revision, body)
                VALUES ('c1', 'C', 1, 1, 1, 8, 8, '{\"registrars\":[\"sip:192.0.2.1\"]}');
            INSERT INTO trunks (id, name, version, created, modified, revision, target_revision, site, carrier, in_service, body)
                VALUES ('t1', 'T', 1, 1, 1, 9, 9, 's1', 'c1', 1, '{\"addressOfRecord\":\"sip:t1@lab.example\"}');
            UPDATE counts SET total = 1 WHERE kind = 'trunk';
            UPDATE revision SET number = 9 WHERE id = 1;";
        sqlx::raw_sql(rows).execute(&mut old).await.expect("rows");
        old.close().await.expect("it closes");
    }

    #[tokio::test]
    async fn a_database_of_every_earlier_release_is_brought_forward_with_what_is_in_it() {
        for steps in 1..=FILES.len() {
            let dir = tempfile::tempdir().expect("a directory");
            let data = dir.path().join("data");
            of_release(&data, steps).await;
            let store = Store::open(&data).await.expect("it opens");
            let mut reader = store.read().await.expect("a reader");
            let site = sites::find(&mut reader, "s1").await.expect("it reads").expect("it is there");
            assert_eq!((site.meta.version, site.meta.revision, site.settings.region.as_deref()), (3, 7, Some("r")));
            let trunk = trunks::find(&mut reader, "t1").await.expect("it reads").expect("it is there");
            assert_eq!((trunk.site.as_str(), trunk.carrier.as_str(), trunk.in_service), ("s1", "c1", true));
            assert_eq!(events::head(&mut reader).await.expect("a head").revision, 9, "changes go on where they were");
            drop(reader);
            // What is new works on what is old.
            let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
            tx.audit(AuditEntry::new("test", "trunk", "t1"));
            tx.event(crate::events::Event::of_trunk("t1", crate::events::What::Removed {}));
            tx.commit().await.expect("written");
            let mut reader = store.read().await.expect("a reader");
            let told = events::after(&mut reader, 0, None, 10).await.expect("events");
            assert_eq!((told.len(), told[0].id.revision, told[0].subject.carrier.as_deref()), (1, 10, Some("c1")));
            assert_eq!(audits::verify(&mut reader, None, None).await.expect("a chain").broken, None);
            drop(reader);
            store.close().await;
            drop(store);
            Store::open(&data).await.expect("and again, with nothing to do").close().await;
        }
    }

    #[tokio::test]
    async fn a_database_of_a_later_release_is_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let options = SqliteConnectOptions::new().filename(dir.path().join("later.db")).create_if_missing(true);
        let mut later = options.connect().await.expect("it opens");
        let mut files = FILES.to_vec();
        files.push(("9999_later", "CREATE TABLE later (id BIGINT PRIMARY KEY)"));
        run_all(&mut later, &files).await.expect("it is migrated");
        assert!(matches!(run(&mut later).await, Err(StartError::SchemaNewer { migration }) if migration == "9999_later"));
        // A step that fails leaves the step before.
        let mut broken = FILES.to_vec();
        broken.extend([
            ("9999_later", "CREATE TABLE later (id BIGINT PRIMARY KEY)"),
            ("99999_broken", "CREATE TABLE half (id BIGINT); CREATE TABLE half (id BIGINT)"),
        ]);
        assert!(run_all(&mut later, &broken).await.is_err());
        let half: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_master WHERE name = 'half'").fetch_one(&mut later).await.expect("a count");
        assert_eq!(half, 0);
    }
}
