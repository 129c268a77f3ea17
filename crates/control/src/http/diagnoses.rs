//! The catalogue of causes: as JSON, and as a page for each.

use axum::Router;
use axum::extract::{OriginalUri, Path};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use diagnosis::{ALL, Code};
use serde_json::{Value, json};

use super::{App, Query, answer, listing, markdown};
use crate::access::Caller;
use crate::problem::Problem;
use crate::store::Sorting;
use crate::store::page::Key;

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

const SORTINGS: &[Sorting] = &[Sorting { name: "code", column: "", number: false }, Sorting { name: "stage", column: "", number: false }];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/diagnoses", get(list))
        .route("/api/v2/diagnoses/{code}", get(read))
        .route("/docs/diagnoses", get(index))
        .route("/docs/diagnoses/{code}", get(page))
}

fn show(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "code": code.as_str(),
        "stage": code.stage(),
        "initiator": code.initiator(),
        "status": code.status(),
        "retryable": code.retryable(),
        "meaning": code.meaning(),
        "remedy": code.remedy(),
        "docs": format!("/docs/diagnoses/{code}"),
        "selfUri": format!("/api/v2/diagnoses/{code}"),
    })
}

async fn list(_: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let paging = listing::paging(&mut query, SORTINGS)?;
    let stage = query.take("stage");
    query.finish()?;
    let codes = ALL.iter().copied().filter(|code| stage.as_ref().is_none_or(|stage| code.stage().as_str() == stage)).collect();
    let page = listing::page_of(codes, &paging, "code", |code: &Code, sorting| {
        Key::Text(if sorting == "stage" { code.stage().as_str() } else { code.as_str() }.to_owned())
    });
    Ok(answer(listing::listing(&uri, &paging, page, show)))
}

async fn read(_: Caller, Path(code): Path<String>) -> Result<Response, Problem> {
    let known: Code = code.parse().map_err(|_| Problem::not_found("diagnosis", &code))?;
    Ok(answer(show(known)))
}

/// The pages need no token: whoever got an error body may read what it means.
async fn index(headers: HeaderMap) -> Response {
    const INDEX: &str = "README";
    let made = || {
        let items =
            ALL.iter().filter(|code| text(code.as_str()).is_some()).map(|code| format!("- [`{code}`]({code}.md): {}\n", code.meaning()));
        format!("# Diagnoses\n\n{}", items.collect::<String>())
    };
    text(INDEX).map_or_else(|| document("Diagnoses", &made(), &headers), |text| document("Diagnoses", text, &headers))
}

async fn page(Path(code): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let missing = || Problem::not_found("page for diagnosis", &code);
    let known: Code = code.parse().map_err(|_| missing())?;
    Ok(document(&code, text(known.as_str()).ok_or_else(missing)?, &headers))
}

/// Answers Markdown to whoever asks for it, HTML to everyone else.
pub(crate) fn document(title: &str, text: &str, asked: &HeaderMap) -> Response {
    let plain = asked.get(header::ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|accept| accept.contains("text/markdown"));
    let mut response = if plain { text.to_owned().into_response() } else { Html(markdown::page(title, text)).into_response() };
    let headers = response.headers_mut();
    if plain {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/markdown; charset=utf-8"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"));
    response
}

fn text(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(name, _)| *name == code).map(|(_, text)| *text)
}
