//! `/openapi.json`, `/docs/api`, and the index of all pages: no token needed, they tell what the source tells.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::{document, page};
use crate::http::{App, diagnoses};

/// The routes of the document.
pub fn routes() -> Router<App> {
    Router::new().route("/openapi.json", get(json)).route("/docs", get(index)).route("/docs/api", get(browse))
}

async fn json() -> Response {
    let mut response = Json(document()).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

async fn browse(headers: HeaderMap) -> Response {
    diagnoses::document("API", page::text(), &headers)
}

async fn index(headers: HeaderMap) -> Response {
    const INDEX: &str = "# Trunkline\n\n\
        - [The API](/docs/api): every operation; the same [as OpenAPI](/openapi.json)\n\
        - [Diagnoses](/docs/diagnoses): what every refusal means, and what to do\n\
        - [Rules of form](/docs/form-rules): what credentials may look like\n";
    diagnoses::document("Documentation", INDEX, &headers)
}
