//! A bulk job: begun, resumed under its key, ended, shown.

use serde_json::{Value, json};

use super::PATH;
use crate::audit::Origin;
use crate::domain::id;
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::jobs::{self, Job};
use crate::time::rfc3339;

/// So many results of a job are shown at a time.
const RESULTS: i64 = 500;

impl Registrations {
    /// Begins a job, or goes on with the one that the caller began under the same key.
    ///
    /// # Errors
    /// 409 while that one still runs, 400 where one is a dry run and the other is none.
    pub(super) async fn begin_job(&self, origin: &Origin, key: Option<String>, dry_run: bool) -> Result<Job, Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let now = tx.now();
        if let Some(key) = &key
            && let Some(job) = jobs::find_by_key(tx.connection(), &origin.client, key).await?
        {
            if job.state == "RUNNING" {
                let message = format!("The import under this Idempotency-Key still runs: GET {PATH}/bulk/{}.", job.id);
                return Err(Problem::conflict(message).entity(job.id, None));
            }
            if job.dry_run != dry_run {
                let message = "This Idempotency-Key was used for another request (dryRun differs); take a new one.";
                return Err(Problem::invalid("Idempotency-Key", message));
            }
            let job = Job { state: "RUNNING".to_owned(), modified: now, message: None, ..job };
            jobs::update(tx.connection(), &job).await?;
            tx.commit().await?;
            return Ok(job);
        }
        let job = Job {
            id: id::generate(),
            client: origin.client.clone(),
            key,
            dry_run,
            state: "RUNNING".to_owned(),
            created: now,
            modified: now,
            lines: 0,
            succeeded: 0,
            failed: 0,
            message: None,
        };
        jobs::insert(tx.connection(), &job).await?;
        tx.commit().await?;
        Ok(job)
    }

    pub(super) async fn end_job(&self, origin: &Origin, job: &Job) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let job = Job { modified: tx.now(), ..job.clone() };
        jobs::update(tx.connection(), &job).await?;
        Ok(tx.commit().await?)
    }

    /// Reads a job; of this client where one is given: its results are about trunks of any scope.
    pub(super) async fn job(&self, id: &str, owner: Option<&str>, after: i64) -> Result<Value, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let job = jobs::find(&mut state, id).await?.filter(|job| owner.is_none_or(|owner| job.client == owner));
        let job = job.ok_or_else(|| Problem::not_found("bulk job", id))?;
        let results = jobs::results(&mut state, id, after, RESULTS).await?;
        let next = (results.len() as i64 == RESULTS).then(|| results.last().map(|(line, _)| *line)).flatten();
        let results = results.into_iter().filter_map(|(_, body)| serde_json::from_str(&body).ok()).collect();
        Ok(body(&job, results, next))
    }
}

/// A job as the API shows it.
pub fn body(job: &Job, results: Vec<Value>, next: Option<i64>) -> Value {
    let uri = format!("{PATH}/bulk/{}", job.id);
    let mut body = json!({
        "id": job.id,
        "state": job.state,
        "dateCreated": rfc3339(job.created),
        "dateModified": rfc3339(job.modified),
        "dryRun": job.dry_run,
        "progress": { "lines": job.lines, "succeeded": job.succeeded, "failed": job.failed },
        "results": results,
        "selfUri": uri,
    });
    if let Some(message) = &job.message {
        body["message"] = message.clone().into();
    }
    if let Some(next) = next {
        body["nextUri"] = format!("{uri}?after={next}").into();
    }
    body
}
