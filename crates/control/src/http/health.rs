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

/// The store answers too and takes changes, so requests are served.
async fn ready(State(app): State<App>) -> Response {
    let looked = async {
        organization::load(&mut *app.store.read().await?).await?;
        app.store.check_storage().await
    };
    match looked.await {
        Ok(_) => answer(json!({ "status": "UP" })),
        Err(error) if error.is_of_storage() => {
            tracing::warn!(%error, "not ready: the store takes no changes");
            let message = format!("No change can be stored: {error}. Registrations go on; changes are taken again when that is mended.");
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not.ready", message).retry_after(1).into_response()
        }
        Err(error) => {
            tracing::warn!(%error, "not ready: the store does not answer");
            let message = "The store does not answer; requests are not served. The log says why.";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not.ready", message).retry_after(1).into_response()
        }
    }
}
