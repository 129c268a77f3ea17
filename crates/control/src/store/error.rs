use std::fmt;

use axum::http::StatusCode;

use crate::problem::Problem;

/// Why the store did not do as asked.
#[derive(Debug)]
pub enum StoreError {
    /// Another process, or long work, holds the write lock.
    Busy,
    /// The disk is full.
    Full,
    /// The file or its directory cannot be written.
    ReadOnly,
    /// The disk reports an error of its own.
    Disk(String),
    /// The file is not a database, or damaged.
    Damaged(String),
    /// A row breaks a reference or a unique key.
    Conflict(String),
    /// A row does not read as what it was written as.
    Unreadable(String),
    /// Anything else.
    Sql(sqlx::Error),
}

/// What SQLite says of a transaction or savepoint that it has ended by itself, or that it could not end: it does so where the disk is full or
/// broken, and nowhere else here.
const UNDONE: [&str; 4] = [
    "no such savepoint",
    "cannot commit - no transaction",
    "cannot rollback - no transaction",
    "cannot start a transaction within a transaction",
];

impl StoreError {
    fn undone() -> Self {
        StoreError::Disk("the change was undone by the database itself".to_owned())
    }

    /// Tells whether what the data lie on is at fault: no change is taken until it is well again.
    pub fn is_of_storage(&self) -> bool {
        match self {
            StoreError::Full | StoreError::ReadOnly | StoreError::Disk(_) => true,
            StoreError::Busy | StoreError::Damaged(_) | StoreError::Conflict(_) | StoreError::Unreadable(_) | StoreError::Sql(_) => false,
        }
    }

    /// Tells whether the same may well succeed later.
    pub fn passes(&self) -> bool {
        matches!(self, StoreError::Busy) || self.is_of_storage()
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Busy => f.write_str("the database is locked"),
            StoreError::Full => f.write_str("the disk is full"),
            StoreError::ReadOnly => f.write_str("the database cannot be written"),
            StoreError::Disk(what) => write!(f, "the disk reports an error: {what}"),
            StoreError::Damaged(what) => write!(f, "the database file is damaged: {what}"),
            StoreError::Conflict(what) => write!(f, "constraint: {what}"),
            StoreError::Unreadable(what) => write!(f, "a row cannot be read: {what}"),
            StoreError::Sql(error) => write!(f, "database: {error}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = &error else {
            return match error {
                sqlx::Error::PoolTimedOut => StoreError::Busy,
                sqlx::Error::InvalidSavePointStatement | sqlx::Error::WorkerCrashed => StoreError::undone(),
                error => StoreError::Sql(error),
            };
        };
        if database.is_unique_violation() || database.is_foreign_key_violation() {
            return StoreError::Conflict(database.message().to_owned());
        }
        // The primary result code is the low byte of SQLite's extended one.
        let primary = database.code().and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
        match primary {
            Some(5 | 6) => StoreError::Busy,
            Some(8 | 14) => StoreError::ReadOnly,
            Some(10) => StoreError::Disk(database.message().to_owned()),
            Some(11 | 26) => StoreError::Damaged(database.message().to_owned()),
            Some(13) => StoreError::Full,
            Some(1) if UNDONE.iter().any(|told| database.message().starts_with(told)) => StoreError::undone(),
            _ => StoreError::Sql(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        StoreError::Unreadable(error.to_string())
    }
}

fn unwritable(message: &str) -> Problem {
    tracing::error!(message, "the store cannot be written");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database.unwritable", message).retry_after(30)
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy => Problem::database_busy(),
            StoreError::Conflict(_) => {
                Problem::conflict("Something that this change needs was changed at the same time. Read it again and repeat.")
            }
            StoreError::Full => unwritable("The disk with the data directory is full; nothing was changed. Make room and repeat."),
            StoreError::ReadOnly => {
                unwritable("The database cannot be written; nothing was changed. Check the data directory's file system and mode.")
            }
            StoreError::Disk(_) => unwritable(
                "The disk with the data directory reports an error; the change was not acknowledged and does not count. See the system's log, and repeat when the disk is well.",
            ),
            StoreError::Damaged(_) | StoreError::Unreadable(_) | StoreError::Sql(_) => Problem::internal(error),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}
