//! What is done for a trunk now, once.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use link::Action;

use super::post::EDIT;
use super::refusal::{edge_offline, held};
use super::version::VersionState;
use super::versions::refuse_fields;
use super::{Registrations, trace};
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::http::{App, OptionalJsonBody};
use crate::problem::Problem;
use crate::store::credentials;

/// What one must be allowed to act on a registration.
const ACT: &str = "telephony:trunkRegistration:edit";

/// So long an action waits for the edge to say that it is done.
const HEARD: Duration = Duration::from_secs(2);

/// POST /registrations/{trunkId}/actions/{action}.
pub(super) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, action)): Path<(String, String)>,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    let (action, name, permission) = match action.as_str() {
        "trace" => {
            caller.require_trunk(&app, &["telephony:trace:view"], &trunk).await?;
            app.registrations.trace(&caller.origin(), &trunk, trace::minutes(&map)?).await?;
            return accepted(&app, &trunk).await;
        }
        "acknowledge-drift" => {
            caller.require_trunk(&app, &[ACT], &trunk).await?;
            refuse_fields(&map)?;
            app.registrations.acknowledge_drift(&caller.origin(), &trunk).await?;
            return accepted(&app, &trunk).await;
        }
        "refresh" => (Action::Refresh, "refresh", ACT),
        "release-hold" => (Action::ReleaseHold, "releaseHold", ACT),
        // It ends a binding, as deleting the credentials does.
        "unregister" => (Action::Unregister, "unregister", EDIT),
        other => {
            let message =
                format!("There is no action {other:?}; refresh, unregister, release-hold, trace and acknowledge-drift are known.");
            return Err(Problem::new(StatusCode::NOT_FOUND, "not.found", message));
        }
    };
    caller.require_trunk(&app, &[permission], &trunk).await?;
    refuse_fields(&map)?;
    app.registrations.act(&caller.origin(), &trunk, action, name).await?;
    accepted(&app, &trunk).await
}

/// The edge goes to work; how it fares is seen in the registration.
async fn accepted(app: &App, trunk: &str) -> Result<Response, Problem> {
    Ok((StatusCode::ACCEPTED, Json(app.registrations.shown(trunk).await?)).into_response())
}

impl Registrations {
    async fn act(&self, origin: &Origin, trunk: &str, action: Action, name: &'static str) -> Result<(), Problem> {
        let settings = self.settings(trunk).await?;
        let mut tx = self.inner.store.begin(origin).await?;
        let active = credentials::usable(tx.connection(), trunk).await?.iter().any(|stored| stored.version.state == VersionState::Active);
        if !settings.trunk.in_service || !active {
            let why = if active { "is out of service" } else { "has no active credentials" };
            return Err(Problem::conflict(format!("Trunk {trunk} {why}, so there is nothing to do.")).entity(trunk, None));
        }
        if action == Action::Refresh && self.is_held(trunk) {
            return Err(held(&settings.trunk));
        }
        let edge = self.inner.fleet.serving(&settings.trunk.site).ok_or_else(|| edge_offline(&settings.trunk))?;
        tx.audit(AuditEntry::new(name, "registration", trunk));
        tx.commit().await?;
        let mut watch = self.inner.fleet.observed().watch(trunk);
        self.inner.fleet.act(&edge, trunk, action);
        if action == Action::ReleaseHold {
            // Whoever released it goes on at once; the hold must not stand in the way because the edge's word is still under way.
            let _ = tokio::time::timeout(HEARD, async { while self.is_held(trunk) && watch.next().await.is_some() {} }).await;
        }
        Ok(())
    }
}
