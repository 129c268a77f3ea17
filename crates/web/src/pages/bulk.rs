use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::REGISTRATIONS;
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
    let path = format!("{REGISTRATIONS}/bulk?dryRun={}", fields.get("dry").is_some());
    let answer = read(console.api.send(&who, Method::POST, &path, Some(media), Body::from(lines)).await?).await?.yes()?;
    Ok(Redirect::to(&format!("/bulk/{}", escape(text(&answer, "id")))).into_response())
}

/// GET /bulk/{job}: how far it is, and what was refused.
pub async fn job(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let job = console.api.get(&who, &format!("{REGISTRATIONS}/bulk/{}", escape(&id))).await?;
    let failures = failures(&console, &who, &id).await?;
    let progress = &job["progress"];
    let count = |name: &str| progress[name].as_u64().unwrap_or_default();
    let runs = text(&job, "state") == "RUNNING";
    let content = html! {
        p class="crumbs" { a href="/bulk" { (w::IMPORT) } }
        h1 { (w::IMPORT) " " span class="quiet" { (id) } }
        section class="panel" id="job" data-live data-poll[runs] {
            p class="state" { (badge(text(&job, "state"))) " " @if job["dryRun"] == true { (w::DRY_RUN) } }
            p { strong { (count("lines")) } " " (w::LINES_DONE) ", " strong { (count("succeeded")) } " " (w::SUCCEEDED) ", " strong { (count("failed")) } " " (w::REFUSED_LINES) }
            @if runs { progress aria-label=(w::PROGRESS) {} } @else { progress aria-label=(w::PROGRESS) max=(count("lines").max(1)) value=(count("succeeded") + count("failed")) {} }
            @if let Some(message) = job["message"].as_str() { p class="alert" { (message) } }
            @if !failures.is_empty() { (refused(&failures)) }
            @if !runs { p { a class="button" href="/trunks" { (w::SEE_TRUNKS) } } }
        }
    };
    Ok(page::page(&who, "/bulk", w::IMPORT, content))
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
