//! Another process that holds the database's lock.

use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};

/// A write lock on the SQLite database of a data directory, until it is released.
pub struct Lock {
    runtime: Runtime,
    connection: SqliteConnection,
}

impl Lock {
    /// Takes the lock.
    pub fn hold(data: &Path) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let options = SqliteConnectOptions::new().filename(database(data));
        let connection = runtime.block_on(async {
            let mut connection = options.connect().await.expect("the database");
            sqlx::query("BEGIN EXCLUSIVE").execute(&mut connection).await.expect("the lock");
            connection
        });
        Self { runtime, connection }
    }

    /// Lets it go, nothing changed.
    pub fn release(self) {
        let Self { runtime, mut connection } = self;
        runtime.block_on(async {
            sqlx::query("ROLLBACK").execute(&mut connection).await.expect("no lock");
            connection.close().await.expect("closed");
        });
    }
}

/// The one file of a data directory that is a database.
fn database(data: &Path) -> PathBuf {
    let files = std::fs::read_dir(data).expect("data").flatten().map(|entry| entry.path());
    let is_database = |path: &PathBuf| std::fs::read(path).is_ok_and(|bytes| bytes.starts_with(b"SQLite format 3\0"));
    files.into_iter().find(is_database).expect("a database")
}
