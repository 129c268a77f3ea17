//! `/api/v2/tokens/me`: who am I, is it valid, log out.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::json;

use super::Caller;
use crate::http::{App, answer};
use crate::problem::Problem;
use crate::store::{organization, tokens};
use crate::time::rfc3339;

pub(crate) fn routes() -> Router<App> {
    // HEAD is GET without a body.
    Router::new().route("/api/v2/tokens/me", get(read).delete(delete))
}

async fn read(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    let organization = organization::load(&mut *app.store.read().await?).await?;
    let organization = json!({ "id": organization.meta.id, "name": organization.meta.name });
    let permissions: std::collections::BTreeSet<&str> = caller.grants.permissions().collect();
    Ok(answer(json!({
        "organization": organization,
        "homeOrganization": organization,
        "OAuthClient": { "id": caller.client.meta.id, "name": caller.client.meta.name, "organization": organization },
        "roleGrants": caller.client.settings.role_grants,
        "permissions": permissions,
        "dateIssued": rfc3339(caller.token.created),
        "dateExpires": rfc3339(caller.token.expires),
    })))
}

async fn delete(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    if caller.token.hash.is_empty() {
        return Err(Problem::conflict("This token is the identity provider's: log out there, or wait until it expires."));
    }
    let mut tx = app.store.begin(&caller.origin()).await?;
    tokens::delete(&mut tx, &caller.token.hash).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
