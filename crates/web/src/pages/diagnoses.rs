use axum::extract::{Path, State};
use axum::response::Response;
use maud::html;

use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::parts::{entities, table, text};
use crate::session::Session;
use crate::{page, words as w};

/// GET /diagnoses.
pub async fn list(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    let listing = console.api.get(&who, "/api/v2/diagnoses?pageSize=200&sortBy=stage").await?;
    let rows = html! {
        @for cause in entities(&listing) {
            tr { td { a class="code" href={ "/diagnoses/" (text(cause, "code")) } { (text(cause, "code")) } } td { (text(cause, "stage")) } td { (text(cause, "meaning")) } }
        }
    };
    let content = html! { h1 { (w::DIAGNOSES) } p class="quiet" { (w::DIAGNOSES_HINT) } (table(w::DIAGNOSES, &[w::CODE, w::STAGE, w::MEANING], rows)) };
    Ok(page::page(&who, "/diagnoses", w::DIAGNOSES, content))
}

/// GET /diagnoses/{code}.
pub async fn one(State(console): State<Console>, who: Session, Path(code): Path<String>) -> Result<Response, Fault> {
    let cause = console.api.get(&who, &format!("/api/v2/diagnoses/{}", escape(&code))).await?;
    let content = html! {
        p class="crumbs" { a href="/diagnoses" { (w::DIAGNOSES) } }
        h1 { (code) }
        section class="panel narrow" {
            p class="summary" { (text(&cause, "meaning")) }
            p class="remedy" { strong { (w::REMEDY) } " " (text(&cause, "remedy")) }
            dl class="facts" {
                div { dt { (w::STAGE) } dd { (text(&cause, "stage")) } }
                div { dt { (w::DECIDED_BY) } dd { (text(&cause, "initiator")) } }
                div { dt { (w::RETRYABLE) } dd { (if cause["retryable"] == true { w::YES } else { w::NO }) } }
                div { dt { "HTTP" } dd { (cause["status"]) } }
            }
            p { a class="button" href={ "/docs/diagnoses/" (code) } { (w::WHOLE_PAGE) } " " a class="button" href={ "/trunks?diagnosis=" (code) } { (w::TRUNKS_WITH) } }
        }
    };
    Ok(page::page(&who, "/diagnoses", &code, content))
}
