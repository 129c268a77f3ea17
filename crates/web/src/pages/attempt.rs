use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, Method, header};
use axum::response::Response;
use maud::html;

use super::REGISTRATIONS;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::ladder::ladder;
use crate::parts::{diagnosis, table, text, time};
use crate::session::Session;
use crate::{page, words as w};

fn path(trunk: &str, attempt: &str) -> String {
    format!("{REGISTRATIONS}/{}/attempts/{}", escape(trunk), escape(attempt))
}

/// GET /trunks/{trunk}/attempts/{attempt}: the ladder, the messages, the diagnosis; printed, a report for the carrier's support.
pub async fn page(State(console): State<Console>, who: Session, Path((trunk, id)): Path<(String, String)>) -> Result<Response, Fault> {
    let attempt = console.api.get(&who, &path(&trunk, &id)).await?;
    let here = format!("/trunks/{}/attempts/{}", escape(&trunk), escape(&id));
    let exchanges = attempt["timings"]["exchanges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows = html! {
        @for exchange in exchanges {
            tr {
                td { (text(exchange, "method")) }
                td class="number" { (exchange["cSeq"].as_u64().unwrap_or_default()) }
                td { (text(exchange, "remote")) }
                td { @if let Some(status) = exchange["status"].as_u64() { (status) } @else { (w::UNANSWERED) } }
                td class="number" { @if let Some(trip) = exchange["roundTripMs"].as_u64() { (trip) " ms" } }
            }
        }
    };
    let content = html! {
        p class="crumbs" { a href={ "/trunks/" (trunk) } { (trunk) } " / " (w::kind(text(&attempt, "kind"))) }
        div class="title" {
            h1 { (w::kind(text(&attempt, "kind"))) " " span class="quiet" { (time(text(&attempt, "startedAt"))) } }
            div class="actions" {
                a class="button" href={ (here) "/pcapng" } download { (w::DOWNLOAD_PCAPNG) }
                a class="button" href={ (here) "/report" } { (w::REPORT) }
            }
        }
        @if attempt["diagnosis"].is_object() { section class="panel" { h2 { (w::DIAGNOSIS) } (diagnosis(&attempt["diagnosis"])) } }
        section class="panel" { h2 { (w::LADDER) } (ladder(&attempt)) }
        section class="panel" { h2 { (w::TIMINGS) } (table(w::TIMINGS, &[w::METHOD, "CSeq", w::REGISTRAR, w::LAST_ANSWER, w::ROUND_TRIP], rows)) }
    };
    Ok(page::page(&who, "/trunks", w::kind(text(&attempt, "kind")), content))
}

/// The attempt as a capture.
pub async fn pcapng(State(console): State<Console>, who: Session, Path((trunk, id)): Path<(String, String)>) -> Result<Response, Fault> {
    let mut response = passed_on(&console, &who, &trunk, &id, "pcapng").await?;
    let name: String = id.chars().filter(char::is_ascii_alphanumeric).collect();
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}.pcapng\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(response)
}

/// The attempt as a text for the carrier's support.
pub async fn report(State(console): State<Console>, who: Session, Path((trunk, id)): Path<(String, String)>) -> Result<Response, Fault> {
    passed_on(&console, &who, &trunk, &id, "report").await
}

async fn passed_on(console: &Console, who: &Session, trunk: &str, id: &str, export: &str) -> Result<Response, Fault> {
    let response = console.api.send(who, Method::GET, &format!("{}/{export}", path(trunk, id)), None, Body::empty()).await?;
    if response.status().is_success() {
        return Ok(response);
    }
    let answer = crate::api::read(response).await?;
    Err(Fault::Refused { status: answer.status, body: answer.body })
}
