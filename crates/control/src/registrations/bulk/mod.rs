//! Bulk import and rotation: newline-delimited JSON, a line a trunk, one result line each.

mod apply;
mod lines;
mod order;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use self::apply::Read;
use self::lines::{LINE_BYTES_MAX, Line, Lines};
use self::order::Order;
use super::Registrations;
use super::list::VIEW;
use super::object::PATH;
use super::post::EDIT;
use crate::access::Caller;
use crate::audit::Origin;
use crate::domain::id;
use crate::http::{App, Query, answer, context};
use crate::problem::Problem;
use crate::store::jobs::{self, Job};
use crate::time::rfc3339;

/// So many lines are applied in one transaction at most.
const BATCH: usize = 250;
/// So many results of a job are shown at a time.
const RESULTS: i64 = 500;
/// What one must be allowed to do with the trunk of a line.
const NEEDED: [&str; 2] = ["telephony:trunk:edit", EDIT];
const NDJSON: &str = "application/x-ndjson";

/// POST /registrations/bulk.
pub(super) async fn post(State(app): State<App>, caller: Caller, request: Request) -> Result<Response, Problem> {
    caller.grants.require_somewhere(&NEEDED)?;
    let (parts, body) = request.into_parts();
    require_ndjson(&parts.headers)?;
    let (sender, lines) = mpsc::channel(BATCH);
    let work = Work { registrations: app.registrations.clone(), origin: caller.origin(), caller: caller.clone(), lines };
    if wants_ndjson(&parts.headers) {
        tokio::spawn(read(body, sender));
        return Ok(stream(work));
    }
    let job = app.registrations.begin_job(&caller.origin()).await?;
    let (location, shown) = (format!("{PATH}/bulk/{}", job.id), body_of(&job, Vec::new(), None));
    let correlation = context::correlation_id().unwrap_or_default();
    tokio::spawn(context::with_correlation(correlation, work.run_as(job)));
    // The answer comes when all lines are read: what is applied by then shows, the rest follows.
    read(body, sender).await;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(shown)).into_response())
}

/// GET /registrations/bulk/{jobId}.
pub(super) async fn job(State(app): State<App>, caller: Caller, Path(job): Path<String>, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let after = i64::from(query.take_number("after")?.unwrap_or(0));
    query.finish()?;
    let owner = (!seen.is_everywhere()).then_some(caller.client.meta.id.as_str());
    Ok(answer(app.registrations.job(&job, owner, after).await?))
}

/// An import under way.
struct Work {
    registrations: Registrations,
    origin: Origin,
    caller: Caller,
    lines: mpsc::Receiver<Result<Line, Problem>>,
}

impl Work {
    /// Takes what has come in since, and reads it; the second value is why the body ended early.
    async fn batch(&mut self) -> (Vec<Read>, Option<Problem>) {
        let mut taken = Vec::new();
        self.lines.recv_many(&mut taken, BATCH).await;
        let mut batch = Vec::with_capacity(taken.len());
        for line in taken {
            match line {
                Ok(Line { number, text: Some(text) }) => batch.push(Read { number, order: Order::read(&text) }),
                Ok(Line { number, text: None }) => batch.push(Read { number, order: Err((None, too_long())) }),
                Err(problem) => return (batch, Some(problem)),
            }
        }
        (batch, None)
    }

    /// Writes every result as soon as it is there.
    async fn run_to(mut self, results: mpsc::UnboundedSender<Bytes>) {
        loop {
            let (batch, broken) = self.batch().await;
            if batch.is_empty() && broken.is_none() {
                return;
            }
            let done = self.registrations.apply(&self.origin, &self.caller, batch, None).await;
            let mut text = String::new();
            for line in &done {
                text.push_str(&line.body().to_string());
                text.push('\n');
            }
            if let Some(problem) = broken {
                text.push_str(&json!({ "status": problem.status().as_u16(), "error": problem.body() }).to_string());
                text.push('\n');
            }
            // A caller that has gone away does not stop what it has sent.
            let _ = results.send(text.into());
        }
    }

    /// Writes results into the job.
    async fn run_as(mut self, mut job: Job) {
        loop {
            let (batch, broken) = self.batch().await;
            let ended = batch.is_empty() || broken.is_some();
            if !batch.is_empty() {
                self.registrations.apply(&self.origin, &self.caller, batch, Some(&mut job)).await;
            }
            if ended {
                let message = broken.map(|problem| problem.to_string());
                job.state = if message.is_some() { "FAILED" } else { "COMPLETED" }.to_owned();
                job.message = message;
                if let Err(error) = self.registrations.end_job(&self.origin, &job).await {
                    tracing::error!(job = job.id, %error, "the end of a bulk job could not be written");
                }
                return;
            }
        }
    }
}

impl Registrations {
    async fn begin_job(&self, origin: &Origin) -> Result<Job, Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let now = tx.now();
        let job = Job {
            id: id::generate(),
            client: origin.client.clone(),
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

    async fn end_job(&self, origin: &Origin, job: &Job) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let job = Job { modified: tx.now(), ..job.clone() };
        jobs::update(tx.connection(), &job).await?;
        Ok(tx.commit().await?)
    }

    /// Reads a job; of this client where one is given: its results are about trunks of any scope.
    async fn job(&self, id: &str, owner: Option<&str>, after: i64) -> Result<Value, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let job = jobs::find(&mut state, id).await?.filter(|job| owner.is_none_or(|owner| job.client == owner));
        let job = job.ok_or_else(|| Problem::not_found("bulk job", id))?;
        let results = jobs::results(&mut state, id, after, RESULTS).await?;
        let next = (results.len() as i64 == RESULTS).then(|| results.last().map(|(line, _)| *line)).flatten();
        let results = results.into_iter().filter_map(|(_, body)| serde_json::from_str(&body).ok()).collect();
        Ok(body_of(&job, results, next))
    }
}

fn body_of(job: &Job, results: Vec<Value>, next: Option<i64>) -> Value {
    let uri = format!("{PATH}/bulk/{}", job.id);
    let mut body = json!({
        "id": job.id,
        "state": job.state,
        "dateCreated": rfc3339(job.created),
        "dateModified": rfc3339(job.modified),
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

/// Answers with results as they come. The queue has no bound of its own: a caller that sends all before it reads anything would otherwise
/// wait for us while we wait for it; results are no longer than the lines that they answer.
fn stream(work: Work) -> Response {
    let (sender, results) = mpsc::unbounded_channel::<Bytes>();
    let correlation = context::correlation_id().unwrap_or_default();
    tokio::spawn(context::with_correlation(correlation, work.run_to(sender)));
    let chunks = futures_util::stream::unfold(results, |mut results| async move {
        let chunk = results.recv().await?;
        Some((Ok::<_, std::convert::Infallible>(chunk), results))
    });
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(chunks)).into_response()
}

/// Cuts the body into lines at the speed at which they are applied.
async fn read(body: Body, lines: mpsc::Sender<Result<Line, Problem>>) {
    let mut source = Lines::new(body);
    loop {
        let next = match source.next().await {
            Ok(Some(line)) => Ok(line),
            Ok(None) => return,
            Err(problem) => Err(problem),
        };
        let broken = next.is_err();
        if lines.send(next).await.is_err() || broken {
            return;
        }
    }
}

fn too_long() -> Problem {
    Problem::too_large(LINE_BYTES_MAX).message(format!("The line is longer than {LINE_BYTES_MAX} bytes; it was not applied."))
}

fn media(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}

fn require_ndjson(headers: &HeaderMap) -> Result<(), Problem> {
    let given = media(headers, header::CONTENT_TYPE);
    let given = given.split(';').next().unwrap_or_default().trim();
    if matches!(given, NDJSON | "application/ndjson" | "application/jsonl") {
        return Ok(());
    }
    let message = format!("This call takes {NDJSON}: a JSON object a line.");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported.media.type", message))
}

fn wants_ndjson(headers: &HeaderMap) -> bool {
    media(headers, header::ACCEPT)
        .split(',')
        .any(|range| matches!(range.split(';').next().unwrap_or_default().trim(), NDJSON | "application/ndjson"))
}
