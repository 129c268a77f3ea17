//! A trunk's report for the carrier's support: to be printed, or kept as a PDF.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::REGISTRATIONS;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::ladder::{drawing, offset_of};
use crate::parts::{badge, diagnosis, empty, entities, text, utc};
use crate::session::Session;
use crate::{page, words as w};

/// So many attempts are shown with all their messages.
const ATTEMPTS: usize = 3;

/// GET /trunks/{trunk}/report: what stands now, and the latest attempts that failed with every message, redacted; the latest of all where none did.
pub async fn page(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let api = &console.api;
    let at = format!("{REGISTRATIONS}/{}", escape(&id));
    let trunk = api.get(&who, &at).await?;
    let mut listed = api.get(&who, &format!("{at}/attempts?pageSize={ATTEMPTS}&accepted=false")).await?;
    if entities(&listed).is_empty() {
        listed = api.get(&who, &format!("{at}/attempts?pageSize={ATTEMPTS}")).await?;
    }
    let mut attempts = Vec::new();
    for attempt in entities(&listed) {
        attempts.push(api.get(&who, &format!("{at}/attempts/{}", escape(text(attempt, "id")))).await?);
    }
    let edges = trunk["edges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let now = jiff::Timestamp::now().to_string();
    let content = html! {
        p class="crumbs" { a href={ "/trunks/" (id) } { (text(&trunk, "name")) } " / " (w::REPORT) }
        div class="title" { h1 { (w::REPORT_OF) " " (text(&trunk, "name")) } div class="actions" { button type="button" data-print hidden { (w::PRINT) } } }
        p class="quiet" { (w::REPORT_HINT) " " (utc(&now)) }
        section class="panel" {
            p class="state" { (badge(text(&trunk, "registrationState"))) " " (w::SINCE) " " (utc(text(&trunk, "since"))) }
            dl class="facts" {
                div { dt { (w::ADDRESS_OF_RECORD) } dd { code { (text(&trunk, "addressOfRecord")) } } }
                div { dt { (w::REGISTRARS) } dd { @for registrar in trunk["registrars"].as_array().into_iter().flatten().filter_map(Value::as_str) { code { (registrar) } " " } } }
                div { dt { (w::USERNAME) } dd { code { (text(&trunk["credentials"], "username")) } } }
                div { dt { (w::REALM) } dd { code { (text(&trunk["credentials"], "realm")) } } }
                @for edge in edges {
                    div { dt { (w::EDGE) " " (text(&edge["edge"], "id")) } dd { (text(edge, "registrar")) " " (text(edge, "transport")) ", " (w::SEEN_AS) " " code { (text(edge, "publicAddress")) } } }
                }
            }
        }
        @for edge in edges.iter().filter(|edge| edge["diagnosis"].is_object()) {
            section class="panel" { h2 { (w::PRESENT_DIAGNOSIS) } (diagnosis(&edge["diagnosis"])) }
        }
        @if attempts.is_empty() { section class="panel" { (empty(w::NO_ATTEMPTS)) } }
        @for attempt in &attempts { (exchange(attempt)) }
    };
    Ok(page::page(&who, "/trunks", w::REPORT, content))
}

fn exchange(attempt: &Value) -> Markup {
    let messages = attempt["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        section class="panel attempt" {
            h2 { (w::kind(text(attempt, "kind"))) ", " (utc(text(attempt, "startedAt"))) ": " (if attempt["accepted"] == true { w::ACCEPTED } else { w::NOT_ACCEPTED }) }
            @if attempt["diagnosis"].is_object() { (diagnosis(&attempt["diagnosis"])) }
            (drawing(attempt))
            @for message in messages {
                div class="message" {
                    p class="quiet" {
                        (offset_of(attempt, message)) " " (if text(message, "direction") == "sent" { w::SENT } else { w::RECEIVED }) " "
                        (text(message, "local")) " – " (text(message, "remote")) ", " (utc(text(message, "at")))
                    }
                    pre tabindex="0" { (text(message, "text")) }
                }
            }
        }
    }
}
