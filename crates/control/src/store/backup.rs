//! A copy of the database while it is written, and the way back.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection as _, SqliteConnection};

use super::open::{FILE, prepare};
use super::{Store, StoreError, now, settings};
use crate::StartError;
use crate::audit::{AuditEntry, Origin};

/// The setting that tells the next start of a restore.
const RESTORED: &str = "restored";
/// So long the copy waits for a lock.
const BUSY: Duration = Duration::from_secs(30);

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The store's incarnation.
    pub incarnation: i64,
    /// The last change in it.
    pub revision: i64,
    /// Its size in bytes.
    pub bytes: u64,
}

/// Why a copy was not made or not put in place, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("there is no database {}. Give --data the directory that the server was started with.", path.display())]
    NoDatabase {
        /// Where it should be.
        path: PathBuf,
    },
    /// Something has that name already.
    #[error("{} is there already. Give another name; nothing is written over.", path.display())]
    Exists {
        /// Its name.
        path: PathBuf,
    },
    /// The data directory has a database.
    #[error("{} holds a database. Give --replace to put it aside under another name, or --data another directory.", path.display())]
    Occupied {
        /// The directory.
        path: PathBuf,
    },
    /// The file is none of Trunkline's backups.
    #[error("{} is no backup of Trunkline: {what}.", path.display())]
    NoBackup {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// The database cannot be read or opened.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database does not do as asked.
    #[error("the database cannot be copied: {0}")]
    Store(#[from] StoreError),
}

/// Copies the database of a data directory into a new file, whole and of one moment, whatever is written meanwhile. The server goes on.
///
/// # Errors
/// [`BackupError`]; then there is no file.
pub async fn backup(data: &Path, to: &Path) -> Result<Backup, BackupError> {
    let source = data.join(FILE);
    if !source.is_file() {
        return Err(BackupError::NoDatabase { path: source });
    }
    if to.exists() {
        return Err(BackupError::Exists { path: to.to_owned() });
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let at = |error| BackupError::File { path: partial.clone(), error };
    // SQLite takes an empty file; made here, it is nobody else's to read from the first byte on.
    let made = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&partial).map_err(at)?;
    let copied = copy(&source, &partial, to).await;
    if copied.is_err() {
        let _ = fs::remove_file(&partial);
    } else {
        made.sync_all().map_err(at)?;
        fs::hard_link(&partial, to).map_err(|error| BackupError::File { path: to.to_owned(), error })?;
        fs::remove_file(&partial).map_err(at)?;
        sync_directory(to)?;
    }
    copied
}

async fn copy(source: &Path, partial: &Path, to: &Path) -> Result<Backup, BackupError> {
    let options = SqliteConnectOptions::new().filename(source).create_if_missing(false).busy_timeout(BUSY);
    let mut connection = options.connect().await.map_err(StoreError::from)?;
    let file =
        partial.to_str().ok_or_else(|| BackupError::File { path: partial.to_owned(), error: io::ErrorKind::InvalidFilename.into() })?;
    // In WAL mode it reads one state and holds no writer up.
    sqlx::query("VACUUM INTO $1").bind(file).execute(&mut connection).await.map_err(StoreError::from)?;
    connection.close().await.map_err(StoreError::from)?;
    inspect(partial, to).await
}

/// Checks a copy from its first page to its last.
async fn inspect(file: &Path, name: &Path) -> Result<Backup, BackupError> {
    let no_backup = |what: String| BackupError::NoBackup { path: name.to_owned(), what };
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(false).read_only(true).immutable(true);
    let mut connection = options.connect().await.map_err(|error| no_backup(error.to_string()))?;
    let found = look(&mut connection).await.map_err(|error| no_backup(error.to_string()))?;
    connection.close().await.map_err(StoreError::from)?;
    let (incarnation, revision) = found.map_err(no_backup)?;
    let bytes = fs::metadata(file).map_err(|error| BackupError::File { path: file.to_owned(), error })?.len();
    Ok(Backup { incarnation, revision, bytes })
}

async fn look(connection: &mut SqliteConnection) -> Result<Result<(i64, i64), String>, sqlx::Error> {
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *connection).await?;
    if sound != "ok" {
        return Ok(Err(sound));
    }
    if sqlx::query("PRAGMA foreign_key_check").fetch_optional(&mut *connection).await?.is_some() {
        return Ok(Err("a row names another that is not there".into()));
    }
    sqlx::query_as("SELECT incarnation, number FROM revision WHERE id = 1").fetch_one(connection).await.map(Ok)
}

/// Puts a copy in the place of a data directory's database, which is put aside with `replace` and in the way without. The server must not
/// run. The store's incarnation rises, so that edges and readers of events know the time after the copy as another one; tokens end.
///
/// # Errors
/// [`BackupError`]; then the directory has what it had.
pub async fn restore(file: &Path, data: &Path, replace: bool) -> Result<Backup, BackupError> {
    let target = data.join(FILE);
    let _lock = prepare(data)?;
    if target.exists() && !replace {
        return Err(BackupError::Occupied { path: data.to_owned() });
    }
    inspect(file, file).await?;
    let staging = data.join("restore.partial");
    let at_staging = |error| BackupError::File { path: staging.clone(), error };
    if staging.exists() {
        fs::remove_dir_all(&staging).map_err(at_staging)?;
    }
    let prepared = stage(file, &staging, &target).await;
    if let Ok(Backup { .. }) = prepared {
        put_aside(&target).await?;
        fs::rename(staging.join(FILE), &target).map_err(at_staging)?;
        sync_directory(&target)?;
    }
    let _ = fs::remove_dir_all(&staging);
    prepared
}

/// Brings a copy of the copy to this release's schema and to a time of its own.
async fn stage(file: &Path, staging: &Path, target: &Path) -> Result<Backup, BackupError> {
    let lock = prepare(staging)?;
    let copy = staging.join(FILE);
    fs::copy(file, &copy).map_err(|error| BackupError::File { path: copy.clone(), error })?;
    drop(lock);
    let store = Store::open(staging).await?;
    let known = known_incarnation(target).await;
    let mut tx = store.begin(&Origin::system("restore")).await?;
    let (before, revision): (i64, i64) = sqlx::query_as("SELECT incarnation, number FROM revision WHERE id = 1")
        .fetch_one(tx.connection())
        .await
        .map_err(StoreError::from)?;
    // The clock's seconds: two machines that restore the same copy one after the other get different ones.
    let incarnation = (before.max(known) + 1).max(now() / 1_000_000);
    sqlx::query("UPDATE revision SET incarnation = $1 WHERE id = 1")
        .bind(incarnation)
        .execute(tx.connection())
        .await
        .map_err(StoreError::from)?;
    // A token that was revoked after the copy was made must not come back.
    sqlx::query("DELETE FROM tokens").execute(tx.connection()).await.map_err(StoreError::from)?;
    // The audit chain is authenticated under the master key, which is not at hand here: the next start records it.
    let note = json!({ "before": { "incarnation": before, "revision": revision }, "after": { "incarnation": incarnation } });
    settings::save(&mut tx, RESTORED, &note.to_string()).await?;
    tx.commit().await?;
    store.settle().await?;
    store.close().await;
    let bytes = fs::metadata(&copy).map_err(|error| BackupError::File { path: copy.clone(), error })?.len();
    File::open(&copy).and_then(|file| file.sync_all()).map_err(|error| BackupError::File { path: copy.clone(), error })?;
    Ok(Backup { incarnation, revision, bytes })
}

/// Tells whether a copy was put in place since the last start.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn is_restored(reader: &mut super::Connection) -> Result<bool, StoreError> {
    Ok(settings::load(reader, RESTORED).await?.is_some())
}

/// Writes the audit record of a restore that went before this start.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn record_restore(store: &Store) -> Result<(), StoreError> {
    let Some(note) = settings::load(&mut *store.read().await?, RESTORED).await? else { return Ok(()) };
    let note: Value = serde_json::from_str(&note)?;
    let mut tx = store.begin(&Origin::system("restore")).await?;
    sqlx::query("DELETE FROM settings WHERE name = $1").bind(RESTORED).execute(tx.connection()).await?;
    tx.audit(AuditEntry::new("restore", "store", FILE).before(note["before"].clone()).after(note["after"].clone()));
    tx.commit().await
}

/// What is in the way may be damaged; then nothing is known.
async fn known_incarnation(target: &Path) -> i64 {
    if !target.exists() {
        return 0;
    }
    let options = SqliteConnectOptions::new().filename(target).create_if_missing(false).busy_timeout(BUSY);
    let Ok(mut connection) = options.connect().await else { return 0 };
    let found = sqlx::query_scalar("SELECT incarnation FROM revision WHERE id = 1").fetch_one(&mut connection).await;
    let _ = connection.close().await;
    found.unwrap_or(0)
}

/// Keeps the old database under another name; from here on the new one may take its place in one step.
async fn put_aside(target: &Path) -> Result<(), BackupError> {
    if !target.exists() {
        return Ok(());
    }
    let suffix = format!(".before-restore-{}", now());
    let beside = |end: &str| {
        let mut name = target.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    // What is in the log goes into the file first, so that it is whole by itself if the way ends between here and the new file's rename.
    checkpoint(target).await;
    let aside = beside(&suffix);
    fs::hard_link(target, &aside).map_err(|error| BackupError::File { path: aside.clone(), error })?;
    // What is not yet in the old file belongs to it, and would spoil the new one.
    for end in ["-wal", "-shm"] {
        let log = beside(end);
        if log.exists() {
            fs::rename(&log, beside(&format!("{suffix}{end}"))).map_err(|error| BackupError::File { path: log.clone(), error })?;
        }
    }
    Ok(())
}

/// Brings what is in the log into the file. A file that is too damaged for that is put aside with its log as it is.
async fn checkpoint(target: &Path) {
    let options = SqliteConnectOptions::new().filename(target).create_if_missing(false).busy_timeout(BUSY);
    let Ok(mut connection) = options.connect().await else { return };
    let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await;
    let _ = connection.close().await;
}

fn sync_directory(of: &Path) -> Result<(), BackupError> {
    let parent = of.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|directory| directory.sync_all()).map_err(|error| BackupError::File { path: parent.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    use super::*;
    use crate::domain::{Meta, Site, SiteSettings};
    use crate::events::{Event, EventId, What};
    use crate::store::{audits, events, sites};

    async fn add(store: &Store, n: i64) {
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        // Three tables that must agree in every copy: the site, its audit record and its event.
        let id = format!("s{n:06}");
        let meta = Meta { id: id.clone(), name: id.clone(), version: 1, created: 0, modified: 0, revision: 0 };
        sites::insert(&mut tx, &Site { meta, settings: SiteSettings::default() }).await.expect("a site");
        tx.audit(AuditEntry::new("create", "site", &id));
        tx.event(Event::of_trunk(&id, What::Removed {}));
        tx.commit().await.expect("written");
    }

    async fn count(store: &Store, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&mut *store.read().await.expect("a reader")).await.expect("a count")
    }

    #[tokio::test]
    async fn a_copy_under_a_write_load_is_whole_and_of_one_moment() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        let store = Store::open(&data).await.expect("it opens");
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (store, stop, done) = (store.clone(), Arc::clone(&stop), Arc::clone(&done));
                tokio::spawn(async move {
                    let mut n = writer;
                    while !stop.load(Ordering::Relaxed) {
                        add(&store, n).await;
                        done.fetch_add(1, Ordering::Relaxed);
                        n += 3;
                    }
                })
            })
            .collect();
        let mut copies = Vec::new();
        for n in 0..4 {
            let before = done.load(Ordering::Relaxed);
            while done.load(Ordering::Relaxed) < before + 20 {
                tokio::task::yield_now().await;
            }
            let acknowledged = done.load(Ordering::Relaxed);
            let file = dir.path().join(format!("copy{n}"));
            copies.push((file.clone(), acknowledged, backup(&data, &file).await.expect("a copy")));
        }
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.await.expect("it wrote");
        }
        assert!(matches!(backup(&data, &copies[0].0).await, Err(BackupError::Exists { .. })));
        store.close().await;
        drop(store);

        let mut last = 0;
        for (n, (file, acknowledged, copy)) in copies.into_iter().enumerate() {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
            assert_eq!(mode & 0o777, 0o600);
            let to = dir.path().join(format!("restored{n}"));
            let restored = restore(&file, &to, false).await.expect("restored");
            assert!(restored.incarnation > copy.incarnation);
            let store = Store::open(&to).await.expect("it opens");
            let sites = count(&store, "SELECT COUNT(*) FROM sites").await;
            assert!(sites >= acknowledged && sites > last, "{sites} of {acknowledged}");
            last = sites;
            assert_eq!(count(&store, "SELECT COUNT(*) FROM events").await, sites);
            assert_eq!(count(&store, "SELECT total FROM counts WHERE kind = 'event'").await, sites);
            record_restore(&store).await.expect("recorded");
            record_restore(&store).await.expect("once");
            assert_eq!(count(&store, "SELECT COUNT(*) FROM audits").await, sites + 1, "and that it was restored");
            let broken = audits::verify(&mut store.read().await.unwrap(), None, None).await.expect("a chain").broken;
            assert_eq!(broken, None);
            // Readers of events go on from what the copy has, and know what it does not have for unknown.
            let mut reader = store.read().await.unwrap();
            let newest = events::after(&mut reader, 0, None, 100_000).await.unwrap().last().expect("events").id;
            assert!(events::can_resume(&mut reader, newest).await.unwrap());
            let beyond = EventId { incarnation: newest.incarnation, revision: restored.revision + 1 };
            assert!(!events::can_resume(&mut reader, beyond).await.unwrap(), "of the time that the copy does not have");
            drop(reader);
            store.close().await;
        }
    }

    #[tokio::test]
    async fn a_database_in_the_way_is_put_aside_only_when_asked_and_never_while_it_is_served() {
        let dir = tempfile::tempdir().expect("a directory");
        let (data, file) = (dir.path().join("data"), dir.path().join("copy"));
        assert!(matches!(backup(&data, &file).await, Err(BackupError::NoDatabase { .. })));
        let store = Store::open(&data).await.expect("it opens");
        add(&store, 1).await;
        backup(&data, &file).await.expect("a copy");
        add(&store, 2).await;
        assert!(matches!(restore(&file, &data, true).await, Err(BackupError::Start(StartError::DataInUse { .. }))));
        store.close().await;
        drop(store);
        assert!(matches!(restore(&file, &data, false).await, Err(BackupError::Occupied { .. })));
        fs::write(dir.path().join("junk"), "no database at all").unwrap();
        assert!(matches!(restore(&dir.path().join("junk"), &data, true).await, Err(BackupError::NoBackup { .. })));
        assert!(matches!(restore(&dir.path().join("absent"), &data, true).await, Err(BackupError::NoBackup { .. })));
        let mut torn = fs::read(&file).unwrap();
        let middle = torn.len() / 2;
        torn[middle..middle + 4096].fill(0x5a);
        fs::write(dir.path().join("torn"), torn).unwrap();
        assert!(matches!(restore(&dir.path().join("torn"), &data, true).await, Err(BackupError::NoBackup { .. })));

        let restored = restore(&file, &data, true).await.expect("restored");
        let store = Store::open(&data).await.expect("it opens");
        assert_eq!(count(&store, "SELECT COUNT(*) FROM sites").await, 1);
        assert_eq!(count(&store, "SELECT incarnation FROM revision").await, restored.incarnation);
        store.close().await;
        drop(store);
        let again = restore(&file, &data, true).await.expect("once more");
        assert!(again.incarnation > restored.incarnation, "no time is given twice");
        let aside = fs::read_dir(&data).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name().into_string().unwrap();
            name.contains(".before-restore-") && !name.ends_with("-wal") && !name.ends_with("-shm")
        });
        assert!(aside.count() >= 1);
        assert!(!data.join("restore.partial").exists());
    }

    #[tokio::test]
    async fn what_is_put_aside_is_whole_without_its_log() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        add(&store, 1).await;
        // As a kill leaves it: the file and its log.
        let killed = tempfile::tempdir().expect("a directory");
        for name in [FILE.to_owned(), format!("{FILE}-wal")] {
            fs::copy(dir.path().join(&name), killed.path().join(&name)).expect("copied");
        }
        store.close().await;
        let target = killed.path().join(FILE);
        put_aside(&target).await.expect("put aside");
        assert!(!killed.path().join(format!("{FILE}-wal")).exists());
        // The way ends here: the old file is still in its place.
        let store = Store::open(killed.path()).await.expect("it opens");
        assert_eq!(count(&store, "SELECT COUNT(*) FROM sites").await, 1);
        store.close().await;
    }
}
