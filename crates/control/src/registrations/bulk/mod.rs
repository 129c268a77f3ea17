//! Bulk import and export: a line a trunk, one result line each; newline-delimited JSON, or a sheet in CSV.

mod apply;
mod export;
mod ground;
mod job;
mod lines;
mod live;
mod order;
mod results;
mod sheet;
mod work;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::mpsc;

pub(super) use self::export::export;
pub use self::lines::LINE_BYTES_MAX;
pub(super) use self::lines::Line;
use self::lines::Lines;
pub(super) use self::order::Order;
pub use self::sheet::COLUMNS_MAX;
use self::sheet::{Mapping, Sheet};
use self::work::Work;
use super::Registrations;
use super::list::VIEW;
use super::object::PATH;
use super::post::{EDIT, idempotency_key};
use super::rotation::Pace;
use crate::access::Caller;
use crate::http::{App, Query, answer, context};
use crate::problem::Problem;

/// So many lines are applied in one transaction at most.
const BATCH: usize = 500;
/// What one must be allowed to do with the trunk of a line.
const NEEDED: [&str; 2] = ["telephony:trunk:edit", EDIT];
const NDJSON: &str = "application/x-ndjson";
const CSV: &str = "text/csv";

/// POST /registrations/bulk.
pub(super) async fn post(State(app): State<App>, caller: Caller, mut query: Query, request: Request) -> Result<Response, Problem> {
    let rotate = query.take_bool("rotate")?.unwrap_or(false);
    // A rotation takes trunks as they are.
    caller.grants.require_somewhere(if rotate { &NEEDED[1..] } else { &NEEDED })?;
    let (parts, body) = request.into_parts();
    let dry_run = query.take_bool("dryRun")?.unwrap_or(false);
    let source = match media(&parts.headers)? {
        Media::Lines => Source::Lines(Lines::new(body)),
        Media::Sheet => Source::Sheet(Box::new(Sheet::new(body, Mapping::take(&mut query)?))),
    };
    let pace = if rotate { Some(Pace::take(&mut query)?) } else { None };
    query.finish()?;
    let key = idempotency_key(&parts.headers)?;
    if let Some(pace) = pace {
        if dry_run {
            return Err(Problem::invalid("dryRun", "A rotation has no dry run: import with dryRun=true judges the same lines."));
        }
        return rotate_all(&app, &caller, key, pace, source).await;
    }
    let streams = wants_ndjson(&parts.headers);
    let origin = caller.origin();
    let job = if key.is_some() || !streams { Some(app.registrations.begin_job(&origin, key, dry_run).await?) } else { None };
    let location = job.as_ref().map(|job| format!("{PATH}/bulk/{}", job.id));
    let shown = job.as_ref().map(|job| job::body(job, Vec::new(), None));
    let (sender, lines) = mpsc::channel(BATCH);
    let work = Work { registrations: app.registrations.clone(), caller: caller.clone(), origin, lines, job, dry_run };
    let correlation = context::correlation_id().unwrap_or_default();
    let mut response = if streams {
        tokio::spawn(read(source, sender));
        stream(work)
    } else {
        tokio::spawn(context::with_correlation(correlation, work.run(None)));
        // The answer comes when all lines are read: what is applied by then shows, the rest follows.
        read(source, sender).await;
        (StatusCode::ACCEPTED, Json(shown)).into_response()
    };
    if let Some(location) = location.and_then(|location| location.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// A rotation begins when all its lines are there.
async fn rotate_all(app: &App, caller: &Caller, key: Option<String>, pace: Pace, source: Source) -> Result<Response, Problem> {
    let origin = caller.origin();
    let (rotation, new) = app.registrations.begin_rotation(&origin, key, pace).await?;
    let (sender, lines) = mpsc::channel(BATCH);
    tokio::spawn(read(source, sender));
    let rotation = if new {
        // A task of its own: a caller that hangs up leaves nothing half loaded.
        let (registrations, caller) = (app.registrations.clone(), caller.clone());
        let correlation = context::correlation_id().unwrap_or_default();
        let loading = context::with_correlation(correlation, async move { registrations.load_rotation(&caller, rotation, lines).await });
        tokio::spawn(loading).await.map_err(Problem::internal)??
    } else {
        app.registrations.compare_rotation(&rotation, lines).await?;
        rotation
    };
    let shown = app.registrations.rotation(&rotation.id, None, 0).await?;
    let location = Registrations::rotation_path(&rotation);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(shown)).into_response())
}

/// GET /registrations/bulk/{jobId}.
pub(super) async fn job(State(app): State<App>, caller: Caller, Path(job): Path<String>, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let after = i64::from(query.take_number("after")?.unwrap_or(0));
    query.finish()?;
    let owner = (!seen.is_everywhere()).then_some(caller.client.meta.id.as_str());
    if let Some(rotation) = app.registrations.rotation(&job, owner, after).await? {
        return Ok(answer(rotation));
    }
    Ok(answer(app.registrations.job(&job, owner, after).await?))
}

/// Writes a result line.
pub(super) fn result_line(number: u64, trunk: Option<&str>, outcome: Result<u16, &Problem>) -> String {
    let mut body = json!({ "line": number });
    if let Some(trunk) = trunk {
        body["trunkId"] = trunk.into();
    }
    match outcome {
        Ok(status) => body["status"] = status.into(),
        Err(problem) => {
            body["status"] = problem.status().as_u16().into();
            body["error"] = problem.body();
        }
    }
    body.to_string()
}

/// Where lines come from.
enum Source {
    Lines(Lines),
    Sheet(Box<Sheet>),
}

impl Source {
    async fn next(&mut self) -> Result<Option<Line>, Problem> {
        match self {
            Source::Lines(lines) => lines.next().await,
            Source::Sheet(sheet) => sheet.next().await,
        }
    }
}

/// Answers with results as they come.
fn stream(work: Work) -> Response {
    let (results, told) = results::results();
    let correlation = context::correlation_id().unwrap_or_default();
    tokio::spawn(context::with_correlation(correlation, work.run(Some(results))));
    ([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(told)).into_response()
}

/// Cuts the body into lines at the speed at which they are applied.
async fn read(mut source: Source, lines: mpsc::Sender<Result<Line, Problem>>) {
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

/// How the body is written.
enum Media {
    Lines,
    Sheet,
}

fn media(headers: &HeaderMap) -> Result<Media, Problem> {
    let given = text(headers, header::CONTENT_TYPE);
    match given.split(';').next().unwrap_or_default().trim() {
        NDJSON | "application/ndjson" | "application/jsonl" => Ok(Media::Lines),
        CSV => Ok(Media::Sheet),
        _ => {
            let message = format!("This call takes {NDJSON}, a JSON object a line, or {CSV}, a sheet with a line of column names.");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported.media.type", message))
        }
    }
}

fn wants_ndjson(headers: &HeaderMap) -> bool {
    text(headers, header::ACCEPT)
        .split(',')
        .any(|range| matches!(range.split(';').next().unwrap_or_default().trim(), NDJSON | "application/ndjson"))
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase()
}
