use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::watch;

use super::{Inner, Store, StoreError, checkpoint, events, migrate};
use crate::StartError;

/// So many reads run at once; SQLite has a thread for each connection.
const READERS: u32 = 8;
/// So long another process may hold SQLite's own lock before a change is refused.
const BUSY: Duration = Duration::from_secs(5);
/// So long a change may wait for its turn.
const TURN: Duration = Duration::from_secs(10);
/// The database's file in the data directory.
pub(super) const FILE: &str = "trunkline.db";

impl Store {
    /// Opens the database of a data directory and makes both where they are absent.
    ///
    /// # Errors
    /// [`StartError`] names what is wrong with the directory, the lock or the file.
    pub async fn open(data: &Path) -> Result<Self, StartError> {
        let lock = prepare(data)?;
        let file = data.join(FILE);
        restrict(&file)?;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: in WAL mode NORMAL may lose the last acknowledged changes with the power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // What is deleted is overwritten: sealed secrets of retired versions do not linger in free pages.
            .pragma("secure_delete", "ON");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(TURN)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone().pragma("wal_autocheckpoint", checkpoint::BACKSTOP))
            .await
            .map_err(|error| start_error(&file, error.into()))?;
        let place = {
            let mut connection = writer.acquire().await.map_err(|error| start_error(&file, error.into()))?;
            migrate::run(&mut connection).await.map_err(|error| match error {
                StartError::Store(error) => start_error(&file, error),
                other => other,
            })?;
            events::head(&mut connection).await?.revision
        };
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(TURN)
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(options.clone().pragma("query_only", "ON"))
            .await
            .map_err(|error| start_error(&file, error.into()))?;
        let (feed, _) = watch::channel(place);
        let checkpointer = checkpoint::pool(options);
        let lock = Mutex::new(Some(lock));
        let inner = Arc::new(Inner { readers, writer, checkpointer, audit_key: OnceLock::new(), feed, storage: Arc::default(), lock });
        checkpoint::start(&inner);
        Ok(Store { inner })
    }
}

fn start_error(file: &Path, error: StoreError) -> StartError {
    let path = file.to_owned();
    match error {
        StoreError::Busy => StartError::DatabaseLocked { path },
        StoreError::Damaged(what) => StartError::Damaged { path, what },
        StoreError::ReadOnly => StartError::DataNotWritable { path, error: io::ErrorKind::PermissionDenied.into() },
        error => StartError::Store(error),
    }
}

/// Makes the directory, proves that it can be written, and locks it.
pub(super) fn prepare(data: &Path) -> Result<File, StartError> {
    let not_writable = |error| StartError::DataNotWritable { path: data.to_owned(), error };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(not_writable)?;
    let mut lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(data.join("lock")).map_err(not_writable)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(StartError::DataInUse { path: data.to_owned() }),
        Err(TryLockError::Error(error)) => return Err(not_writable(error)),
    }
    // Whoever finds the lock held can see by whom. A write also finds a full or read-only file system now rather than at the first change.
    lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())).map_err(not_writable)?;
    Ok(lock)
}

/// Makes the database's file where it is absent, for no other user to read; SQLite gives its -wal and -shm files the same mode.
fn restrict(file: &Path) -> Result<(), StartError> {
    let not_writable = |error| StartError::DataNotWritable { path: file.to_owned(), error };
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(file).map_err(not_writable)?;
    opened.set_permissions(fs::Permissions::from_mode(0o600)).map_err(not_writable)
}
