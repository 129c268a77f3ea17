//! For whoever watches the process: no token needed, nothing told.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::{App, answer};
use crate::problem::Problem;
use crate::store::organization;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready))
}

/// The process answers.
async fn live() -> Response {
    answer(json!({ "status": "UP" }))
}

/// The store answers too, so requests are served.
async fn ready(State(app): State<App>) -> Response {
    let read = async { organization::load(&mut *app.store.read().await?).await };
    match read.await {
        Ok(_) => answer(json!({ "status": "UP" })),
        Err(error) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            let message = "The store does not answer; requests are not served. The log says why.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not.ready", message).retry_after(1).into_response()
        }
    }
}
