//! Bulk jobs and their result lines.

use link::UnixMicros;

use super::{Connection, StoreError};

/// A bulk job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Who posted it.
    pub client: String,
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

/// So long are jobs and their results kept: 7 days, in microseconds.
pub const KEPT_MICROS: i64 = 7 * 24 * 3_600 * 1_000_000;

/// Writes a new job, and lets go of those that are too old.
pub async fn insert(connection: &mut Connection, job: &Job) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM bulk_jobs WHERE created <= $1").bind(job.created - KEPT_MICROS).execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO bulk_jobs (id, client, state, created, modified, lines, succeeded, failed, message) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&job.id)
    .bind(&job.client)
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
    type Row = (String, String, String, i64, i64, i64, i64, i64, Option<String>);
    let row: Option<Row> =
        sqlx::query_as("SELECT id, client, state, created, modified, lines, succeeded, failed, message FROM bulk_jobs WHERE id = $1")
            .bind(id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(id, client, state, created, modified, lines, succeeded, failed, message)| Job {
        id,
        client,
        state,
        created,
        modified,
        lines,
        succeeded,
        failed,
        message,
    }))
}

/// Writes the result of a line.
pub async fn insert_result(connection: &mut Connection, job: &str, line: i64, body: &str) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO bulk_results (job, line, body) VALUES ($1, $2, $3)")
        .bind(job)
        .bind(line)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
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
