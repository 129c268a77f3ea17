//! Bulk jobs and their result lines.

use std::collections::HashMap;

use link::UnixMicros;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::many::{Binding, Insert};
use super::{Connection, StoreError};

/// A bulk job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Who posted it.
    pub client: String,
    /// The caller's Idempotency-Key.
    pub key: Option<String>,
    /// Nothing is written of its lines.
    pub dry_run: bool,
    /// `RUNNING`, `COMPLETED` or `FAILED`.
    pub state: String,
    /// When it began.
    pub created: UnixMicros,
    /// When it got on last.
    pub modified: UnixMicros,
    /// Lines read so far.
    pub lines: i64,
    /// Of those, lines that did what they say.
    pub succeeded: i64,
    /// Of those, lines that changed nothing.
    pub failed: i64,
    /// Why it ended early.
    pub message: Option<String>,
}

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineResult {
    /// The result line, JSON.
    pub body: String,
    /// The keyed MAC of the line, where the job has a key.
    pub mac: Option<String>,
}

/// So long are jobs and their results kept: 7 days, in microseconds.
pub const KEPT_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

const COLUMNS: &str = "id, client, key, dry_run, state, created, modified, lines, succeeded, failed, message";

/// Writes a new job, and lets go of those that are too old.
pub async fn insert(connection: &mut Connection, job: &Job) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM bulk_jobs WHERE created <= $1").bind(job.created - KEPT_MICROS).execute(&mut *connection).await?;
    let sql = format!("INSERT INTO bulk_jobs ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(&job.id)
        .bind(&job.client)
        .bind(&job.key)
        .bind(job.dry_run)
        .bind(&job.state)
        .bind(job.created)
        .bind(job.modified)
        .bind(job.lines)
        .bind(job.succeeded)
        .bind(job.failed)
        .bind(&job.message)
        .execute(connection)
        .await?;
    Ok(())
}

/// Writes how far a job is.
pub async fn update(connection: &mut Connection, job: &Job) -> Result<(), StoreError> {
    sqlx::query("UPDATE bulk_jobs SET state = $2, modified = $3, lines = $4, succeeded = $5, failed = $6, message = $7 WHERE id = $1")
        .bind(&job.id)
        .bind(&job.state)
        .bind(job.modified)
        .bind(job.lines)
        .bind(job.succeeded)
        .bind(job.failed)
        .bind(&job.message)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks the jobs that a stop has interrupted.
pub async fn interrupt_running(connection: &mut Connection, message: &str, now: UnixMicros) -> Result<(), StoreError> {
    sqlx::query("UPDATE bulk_jobs SET state = 'FAILED', message = $1, modified = $2 WHERE state = 'RUNNING'")
        .bind(message)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads a job.
pub async fn find(connection: &mut Connection, id: &str) -> Result<Option<Job>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM bulk_jobs WHERE id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Reads the job that a client began under a key.
pub async fn find_by_key(connection: &mut Connection, client: &str, key: &str) -> Result<Option<Job>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM bulk_jobs WHERE client = $1 AND key = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(client).bind(key).fetch_optional(connection).await?;
    row.as_ref().map(read).transpose()
}

/// Writes results of lines, in place of earlier ones.
pub async fn save_results(connection: &mut Connection, job: &str, results: &[(i64, LineResult)]) -> Result<(), StoreError> {
    const INSERT: Insert = Insert {
        head: "INSERT INTO bulk_results (job, line, body, mac)",
        columns: 4,
        tail: "ON CONFLICT (job, line) DO UPDATE SET body = excluded.body, mac = excluded.mac",
    };
    let bind = |query: Binding, (line, result): &(i64, LineResult)| {
        Ok(query.bind(job.to_owned()).bind(*line).bind(result.body.clone()).bind(result.mac.clone()))
    };
    INSERT.rows(connection, results, bind).await
}

/// Reads results behind a line, in order.
pub async fn results(connection: &mut Connection, job: &str, after: i64, limit: i64) -> Result<Vec<(i64, String)>, StoreError> {
    Ok(sqlx::query_as("SELECT line, body FROM bulk_results WHERE job = $1 AND line > $2 ORDER BY line LIMIT $3")
        .bind(job)
        .bind(after)
        .bind(limit)
        .fetch_all(connection)
        .await?)
}

/// Reads the results of a range of lines, both ends included.
pub async fn results_between(
    connection: &mut Connection,
    job: &str,
    first: i64,
    last: i64,
) -> Result<HashMap<i64, LineResult>, StoreError> {
    let rows: Vec<(i64, String, Option<String>)> =
        sqlx::query_as("SELECT line, body, mac FROM bulk_results WHERE job = $1 AND line >= $2 AND line <= $3")
            .bind(job)
            .bind(first)
            .bind(last)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|(line, body, mac)| (line, LineResult { body, mac })).collect())
}

fn read(row: &SqliteRow) -> Result<Job, StoreError> {
    Ok(Job {
        id: row.try_get("id")?,
        client: row.try_get("client")?,
        key: row.try_get("key")?,
        dry_run: row.try_get("dry_run")?,
        state: row.try_get("state")?,
        created: row.try_get("created")?,
        modified: row.try_get("modified")?,
        lines: row.try_get("lines")?,
        succeeded: row.try_get("succeeded")?,
        failed: row.try_get("failed")?,
        message: row.try_get("message")?,
    })
}
