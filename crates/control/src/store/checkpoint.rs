//! Brings what was committed from the write-ahead log into the database's file, beside the writer.
//!
//! By itself SQLite does that within a commit, each thousand pages: one change in twenty would wait until those pages and two `fsync` are
//! done. A passive checkpoint of another connection stops nobody.

use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

use super::Inner;

/// Between two checkpoints.
const APART: Duration = Duration::from_secs(1);
/// Pages of the log, 64 MiB, at which the writer does it after all: then it writes faster than this can follow.
pub(super) const BACKSTOP: &str = "16384";

/// A pool of the one connection, opened when it is needed first.
pub(super) fn pool(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).test_before_acquire(false).connect_lazy_with(options)
}

/// Checkpoints until the store is closed or dropped.
pub(super) fn start(inner: &Arc<Inner>) {
    let inner = Arc::downgrade(inner);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(APART).await;
            let Some(inner) = inner.upgrade() else { break };
            // Where nothing was written since, it is a look into shared memory.
            match sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&inner.checkpointer).await {
                Ok(_) => {}
                Err(sqlx::Error::PoolClosed) => break,
                // The next change finds out and says so; this one loses nothing.
                Err(error) => tracing::debug!(%error, "the write-ahead log stays as it is"),
            }
        }
    });
}
