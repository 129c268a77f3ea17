use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::form::{self, Common};
use super::trunk_form::{self, TrunkForm};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::Trunk;
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::store::{Tx, page, trunks};

const KIND: &str = "trunk";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/trunks/voice", get(list).post(create))
        .route("/api/v2/trunks/voice/{id}", get(read).put(replace).patch(change).delete(delete))
}

/// Writes a trunk as the API shows it.
pub(crate) fn show(trunk: &Trunk) -> Value {
    let mut body = trunk.meta.body();
    body.extend(trunk_form::fields(trunk));
    body.insert("selfUri".into(), format!("/api/v2/trunks/voice/{}", trunk.meta.id).into());
    body.into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require("telephony:trunk:view")?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let filter = trunks::Filter {
        site: query.take("site.id"),
        carrier: query.take("carrier.id"),
        name: query.take("name"),
        in_service: query.take_bool("inService")?,
    };
    query.finish()?;
    let page = trunks::page(&mut *app.store.read().await?, &paging, filter).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |trunk| show(&trunk))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require("telephony:trunk:view")?;
    let trunk = trunks::find(&mut *app.store.read().await?, &id).await?;
    Ok(answer(show(&trunk.ok_or_else(|| Problem::not_found(KIND, &id))?)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(fields): JsonBody) -> Result<Response, Problem> {
    caller.require("telephony:trunk:edit")?;
    let form = TrunkForm::parse(fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let trunk = form.resolve(&mut tx).await?;
    if trunks::find(tx.connection(), &trunk.meta.id).await?.is_some() {
        return Err(form::taken(KIND, &trunk.meta.id));
    }
    let trunk = trunks::insert(&mut tx, &trunk).await?;
    tx.audit(AuditEntry::new("create", KIND, &trunk.meta.id).after(show(&trunk)));
    tx.commit().await?;
    app.changes.announce(Change::Trunk(trunk.meta.id.clone()));
    Ok(created(show(&trunk)))
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Problem> {
    caller.require("telephony:trunk:edit")?;
    let common = Common::take_for(&mut fields, &id)?;
    let version = common.version;
    let form = TrunkForm::parse_rest(common, fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &id).await?;
    if_match.check_required(version, before.meta.version)?;
    write(&app, &caller, tx, before, form).await
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut patch): JsonBody,
) -> Result<Response, Problem> {
    caller.require("telephony:trunk:edit")?;
    let mut common = Common::take_for(&mut patch, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &id).await?;
    if_match.check(common.version, before.meta.version)?;
    common.name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = trunk_form::fields(&before);
    form::merge(&mut fields, patch);
    let form = TrunkForm::parse_rest(common, fields)?;
    write(&app, &caller, tx, before, form).await
}

async fn current(tx: &mut Tx, id: &str) -> Result<Trunk, Problem> {
    trunks::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))
}

async fn write(app: &App, caller: &Caller, mut tx: Tx, before: Trunk, mut form: TrunkForm) -> Result<Response, Problem> {
    form.common.id = Some(before.meta.id.clone());
    let mut after = form.resolve(&mut tx).await?;
    after.target_revision = before.target_revision;
    let retargeted = before.carrier != after.carrier;
    if retargeted {
        // Whoever may choose where secrets go may read them.
        caller.require("telephony:trunkCredential:edit")?;
    }
    let after = trunks::update(&mut tx, &after, retargeted).await?;
    tx.audit(AuditEntry::new("update", KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    app.changes.announce(Change::Trunk(after.meta.id.clone()));
    Ok(answer(show(&after)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require("telephony:trunk:edit")?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let trunk = current(&mut tx, &id).await?;
    if_match.check(None, trunk.meta.version)?;
    trunks::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&trunk)));
    tx.commit().await?;
    app.changes.announce(Change::TrunkDeleted { id, site: trunk.site, carrier: trunk.carrier });
    Ok(StatusCode::NO_CONTENT)
}
