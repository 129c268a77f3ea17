use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::form::{self, Common};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::Organization;
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, answer};
use crate::problem::Problem;
use crate::registrations::load;
use crate::store::organization;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v2/organization", get(read).patch(change))
}

fn show(organization: &Organization) -> Value {
    form::show(&organization.meta, &organization.settings, "/api/v2/organization".into()).into()
}

async fn read(State(app): State<App>, caller: Caller) -> Result<Response, Problem> {
    // There is one, and its defaults hold for every trunk.
    caller.require_somewhere("telephony:organization:view")?;
    Ok(answer(show(&organization::load(&mut *app.store.read().await?).await?)))
}

async fn change(State(app): State<App>, caller: Caller, if_match: IfMatch, JsonBody(mut patch): JsonBody) -> Result<Response, Problem> {
    caller.require("telephony:organization:edit")?;
    let common = Common::take_for(&mut patch, organization::ID)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = organization::load(tx.connection()).await?;
    if_match.check(common.version, before.meta.version)?;
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    let mut after = before.clone();
    after.settings = form::settings(fields, &[])?;
    if let Some(name) = common.name {
        after.meta.name = name;
    }
    load::judge_organization(&mut tx, &before, &after).await?;
    let after = organization::update(&mut tx, &after).await?;
    tx.audit(AuditEntry::new("update", "organization", organization::ID).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    app.changes.announce(Change::Organization);
    Ok(answer(show(&after)))
}
