//! Where the calls of this part are.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post as posted};

use super::post::EDIT;
use super::{actions, attempts, bulk, list, metrics, post, rotation, summary, verify, versions};
use crate::access::Caller;
use crate::http::App;
use crate::http::precondition::IfMatch;
use crate::problem::Problem;

/// The routes of registrations.
pub fn routes() -> Router<App> {
    let path = |rest: &str| format!("{}{rest}", super::object::PATH);
    Router::new()
        .route(&path(""), get(list::list).post(post::post))
        .route(&path("/metrics"), get(metrics::get))
        .route(&path("/summary"), get(summary::get))
        .route(&path("/verify"), posted(verify::ad_hoc))
        .route(&path("/verify/attempts"), get(attempts::list_ad_hoc))
        .route(&path("/verify/attempts/{attempt}"), get(attempts::one_ad_hoc))
        .merge(exports("/verify/attempts/{attempt}"))
        .route(&path("/{trunk}/attempts"), get(attempts::list))
        .route(&path("/{trunk}/attempts/{attempt}"), get(attempts::one))
        .merge(exports("/{trunk}/attempts/{attempt}"))
        .route(&path("/bulk"), get(bulk::export).post(bulk::post))
        .route(&path("/bulk/{job}"), get(bulk::job))
        .route(&path("/bulk/{job}/report"), get(rotation::report))
        .route(&path("/bulk/{job}/{action}"), posted(rotation::act))
        .route(&path("/{trunk}"), get(list::one).delete(delete))
        .route(&path("/{trunk}/verify"), posted(verify::trunk))
        .route(&path("/{trunk}/credentials"), get(versions::list))
        .route(&path("/{trunk}/credentials/rollback"), posted(versions::rollback))
        .route(&path("/{trunk}/credentials/{version}"), get(versions::one).delete(versions::withdraw))
        .route(&path("/{trunk}/credentials/{version}/promote"), posted(versions::promote))
        .route(&path("/{trunk}/credentials/{version}/rollback"), posted(versions::rollback_from))
        .route(&path("/{trunk}/actions/{action}"), posted(actions::act))
}

/// What an attempt can be had as.
fn exports(attempt: &str) -> Router<App> {
    let path = |export: &str| format!("{}{attempt}/{export}", super::object::PATH);
    Router::new()
        .route(&path("ladder"), get(attempts::ladder))
        .route(&path("report"), get(attempts::report))
        .route(&path("pcapng"), get(attempts::pcapng))
}

/// DELETE /registrations/{trunkId}: 204 at once, the binding goes in the background.
async fn delete(State(app): State<App>, caller: Caller, Path(trunk): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require_trunk(&app, &[EDIT], &trunk).await?;
    app.registrations.remove(&caller.origin(), &trunk, if_match).await?;
    Ok(StatusCode::NO_CONTENT)
}
