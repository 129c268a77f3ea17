use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::REGISTRATIONS;
use super::trunks::steering;
use crate::Console;
use crate::api::{escape, read};
use crate::fault::Fault;
use crate::form::Posted;
use crate::page::csrf;
use crate::parts::{badge, table, text};
use crate::session::Session;
use crate::{page, words as w};

/// So many failed lines are shown.
const FAILURES: usize = 100;

/// GET /bulk.
pub async fn page(who: Session) -> Response {
    let content = html! {
        h1 { (w::IMPORT) }
        section class="panel" {
            p class="quiet" { (w::IMPORT_HINT) }
            form method="post" action="/bulk" class="stack" {
                (csrf(&who))
                div class="field" data-file="lines" { label for="lines" { (w::LINES) } textarea id="lines" name="lines" rows="14" spellcheck="false" required placeholder=(w::IMPORT_EXAMPLE) {} }
                label class="check" { input type="checkbox" name="dry" value="yes"; " " (w::DRY_RUN) }
                details class="field" {
                    summary { (w::ROTATE_HINT) }
                    label class="check" { input type="checkbox" name="rotate" value="yes"; " " (w::ROTATE) }
                    div class="pair" {
                        div class="field" { label for="pace" { (w::JOB_PACE) } input id="pace" name="pace" type="number" min="1" max="1000" value="10"; }
                        div class="field" { label for="share" { (w::FAILURE_SHARE) } input id="share" name="share" type="number" min="0" max="100" value="5"; }
                    }
                }
                div class="actions" { button class="primary" { (w::IMPORT) } }
            }
        }
    };
    page::page(&who, "/bulk", w::IMPORT, content)
}

/// POST /bulk: lines of JSON, or a sheet where the first line is none.
pub async fn begin(State(console): State<Console>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let lines = fields.get("lines").unwrap_or_default().to_owned();
    let media = if lines.trim_start().starts_with('{') { "application/x-ndjson" } else { "text/csv" };
    let path = match fields.get("rotate") {
        Some(_) => {
            let number = |name: &str, otherwise: f64| fields.get(name).and_then(|number| number.parse::<f64>().ok()).unwrap_or(otherwise);
            format!("{REGISTRATIONS}/bulk?rotate=true&perSecond={}&maxFailureShare={}", number("pace", 10.0), number("share", 5.0) / 100.0)
        }
        None => format!("{REGISTRATIONS}/bulk?dryRun={}", fields.get("dry").is_some()),
    };
    let answer = read(console.api.send(&who, Method::POST, &path, Some(media), Body::from(lines)).await?).await?.yes()?;
    Ok(Redirect::to(&format!("/bulk/{}", escape(text(&answer, "id")))).into_response())
}

/// GET /bulk/{job}: how far it is, and what was refused.
pub async fn job(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let job = console.api.get(&who, &format!("{REGISTRATIONS}/bulk/{}", escape(&id))).await?;
    let failures = failures(&console, &who, &id).await?;
    let progress = &job["progress"];
    let count = |name: &str| progress[name].as_u64().unwrap_or_default();
    let state = text(&job, "state");
    let runs = matches!(state, "RUNNING" | "LOADING");
    let rotates = text(&job, "kind") == "rotation";
    let name = if rotates { w::ROTATION } else { w::IMPORT };
    // What a rotation has decided; of an import, what was applied or refused.
    let decided = if rotates { count("lines").saturating_sub(count("waiting")) } else { count("succeeded") + count("failed") };
    let steers = rotates && matches!(state, "RUNNING" | "PAUSED");
    let content = html! {
        p class="crumbs" { a href="/bulk" { (w::IMPORT) } }
        h1 { (name) " " span class="quiet" { (id) } }
        section class="panel" id="job" data-live data-poll[runs] {
            p class="state" { (badge(state)) " " @if job["dryRun"] == true { (w::DRY_RUN) } @if let Some(stage) = job["stage"].as_str() { span class="quiet" { (w::STAGE) " " (stage) } } }
            @if rotates {
                p { strong { (count("lines")) } " " (w::LINES_DONE)
                    @for (name, count) in progress.as_object().into_iter().flatten().filter(|(name, count)| *name != "lines" && count.as_u64() != Some(0)) { ", " strong { (count) } " " (name) }
                }
            } @else { p { strong { (count("lines")) } " " (w::LINES_DONE) ", " strong { (count("succeeded")) } " " (w::SUCCEEDED) ", " strong { (count("failed")) } " " (w::REFUSED_LINES) } }
            @if runs && !rotates { progress aria-label=(w::PROGRESS) {} } @else { progress aria-label=(w::PROGRESS) max=(count("lines").max(1)) value=(decided) {} }
            @if let Some(message) = job["message"].as_str() { p class="alert" { (message) } }
            div class="actions" {
                @if steers { (steering(&who, &format!("/bulk/{id}"), state == "PAUSED")) }
                @if rotates { a class="button" href={ "/bulk/" (id) "/report" } { (w::JOB_REPORT) } }
                @if !runs { a class="button" href="/trunks" { (w::SEE_TRUNKS) } }
            }
            @if !failures.is_empty() { (refused(&failures)) }
        }
    };
    Ok(page::page(&who, "/bulk", name, content))
}

/// POST /bulk/{job}/{step}: pauses, resumes or stops a rotation.
pub async fn steer(
    State(console): State<Console>,
    Path((id, step)): Path<(String, String)>,
    Posted { who, .. }: Posted,
) -> Result<Response, Fault> {
    if !["pause", "resume", "cancel"].contains(&step.as_str()) {
        return Err(Fault::Missing);
    }
    let answer = console.api.post(&who, &format!("{REGISTRATIONS}/bulk/{}/{step}", escape(&id)), &json!({})).await?;
    // It may have ended in between: the page shows it.
    if answer.status == StatusCode::CONFLICT { Ok(()) } else { answer.yes().map(drop) }?;
    Ok(Redirect::to(&format!("/bulk/{}", escape(&id))).into_response())
}

/// GET /bulk/{job}/report: what came of a rotation.
pub async fn report(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let response =
        console.api.send(&who, Method::GET, &format!("{REGISTRATIONS}/bulk/{}/report", escape(&id)), None, Body::empty()).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let answer = read(response).await?;
    Err(Fault::Refused { status: answer.status, body: answer.body })
}

/// The first lines that were refused; results come a page at a time.
async fn failures(console: &Console, who: &Session, id: &str) -> Result<Vec<Value>, Fault> {
    let mut failures = Vec::new();
    let mut next = Some(format!("{REGISTRATIONS}/bulk/{}", escape(id)));
    while let Some(path) = next.take().filter(|_| failures.len() < FAILURES) {
        let part = console.api.get(who, &path).await?;
        let refused = part["results"].as_array().into_iter().flatten().filter(|result| result["error"].is_object());
        failures.extend(refused.cloned());
        next = part["nextUri"].as_str().map(str::to_owned);
    }
    failures.truncate(FAILURES);
    Ok(failures)
}

fn refused(failures: &[Value]) -> Markup {
    let rows = html! {
        @for result in failures {
            tr { td class="number" { (result["line"]) } td { (text(result, "trunkId")) } td class="code" { (text(&result["error"], "code")) } td { (text(&result["error"], "message")) } }
        }
    };
    table(w::REFUSED_LINES, &[w::LINE, w::TRUNK, w::CODE, w::MEANING], rows)
}
