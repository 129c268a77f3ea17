use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::form::{self, Common};
use super::trunk_form::{self, TrunkForm};
use super::undo::Edit;
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::{Place, Trunk};
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::registrations::load;
use crate::store::{Tx, page, trunks};

const KIND: &str = "trunk";
const VIEW: &str = "telephony:trunk:view";
const EDIT: &str = "telephony:trunk:edit";
/// Whoever may choose where secrets go may read them.
const CREDENTIAL: &str = "telephony:trunkCredential:edit";

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
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let filter = trunks::Filter {
        site: query.take("site.id"),
        carrier: query.take("carrier.id"),
        name: query.take("name"),
        in_service: query.take_bool("inService")?,
    };
    query.finish()?;
    let page = trunks::page(&mut *app.store.read().await?, &paging, filter, &seen).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |trunk| show(&trunk))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require_somewhere(VIEW)?;
    let mut reader = app.store.read().await?;
    let trunk = trunks::find(&mut reader, &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    caller.require_on(&mut reader, &[VIEW], &Place::trunk(&trunk)).await?;
    Ok(answer(show(&trunk)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(fields): JsonBody) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let form = TrunkForm::parse(fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let trunk = form.resolve(&mut tx, &caller).await?;
    may_put(&caller, &[EDIT], &trunk)?;
    if trunks::find(tx.connection(), &trunk.meta.id).await?.is_some() {
        return Err(form::taken(KIND, &trunk.meta.id));
    }
    let trunk = trunks::insert(&mut tx, &trunk).await?;
    load::judge_stored(&mut tx, None, &trunk).await?;
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
    caller.require_somewhere(EDIT)?;
    let common = Common::take_for(&mut fields, &id)?;
    let version = common.version;
    let form = TrunkForm::parse_rest(common, fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, &id, Some(&form.carrier.id)).await?;
    if_match.check_required(version, before.meta.version)?;
    write(&app, &caller, tx, before, form, "update").await
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut patch): JsonBody,
) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let mut common = Common::take_for(&mut patch, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, &id, named(patch.get("carrier"))).await?;
    if_match.check(common.version, before.meta.version)?;
    common.name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = trunk_form::fields(&before);
    form::merge(&mut fields, patch);
    let form = TrunkForm::parse_rest(common, fields)?;
    write(&app, &caller, tx, before, form, "update").await
}

/// Takes an edit back.
pub(super) async fn undo(app: &App, caller: &Caller, id: &str, edit: &Edit) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, caller, id, named(edit.before("carrier"))).await?;
    let mut shown = trunk_form::fields(&before);
    shown.insert("name".into(), before.meta.name.clone().into());
    let mut fields = edit.taken_back(&shown)?;
    let common = Common::take(&mut fields)?;
    write(app, caller, tx, before, TrunkForm::parse_rest(common, fields)?, "undo").await
}

/// Finds what the caller may change; another carrier than it has needs more, and one refusal names all of it.
async fn current(tx: &mut Tx, caller: &Caller, id: &str, carrier: Option<&str>) -> Result<Trunk, Problem> {
    let found = trunks::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))?;
    let moves = carrier.is_some_and(|carrier| carrier != found.carrier);
    caller.require_on(tx.connection(), needed(moves), &Place::trunk(&found)).await?;
    Ok(found)
}

/// The id of a reference in a body.
fn named(reference: Option<&Value>) -> Option<&str> {
    reference.and_then(|reference| reference["id"].as_str())
}

/// What an edit needs: with another carrier, the right to say where secrets go.
fn needed(moves: bool) -> &'static [&'static str] {
    if moves { &[EDIT, CREDENTIAL] } else { &[EDIT] }
}

/// Refuses a change of a trunk that the caller may not make both where the trunk lies and where it would lie.
pub(crate) fn may_change(caller: &Caller, before: &Trunk, after: &Trunk, more: &[&'static str]) -> Result<(), Problem> {
    let mut permissions: Vec<&str> = needed(before.carrier != after.carrier).to_vec();
    permissions.extend(more.iter().filter(|permission| !needed(before.carrier != after.carrier).contains(permission)));
    let there = |permission: &&str| caller.grants.on(permission, &Place::trunk(before));
    let missing_here: Vec<&str> = permissions.iter().copied().filter(|permission| !there(permission)).collect();
    if missing_here.is_empty() {
        return may_put(caller, &permissions, after);
    }
    let missing =
        permissions.iter().copied().filter(|permission| !there(permission) || !caller.grants.on(permission, &Place::trunk(after)));
    Err(Problem::missing_permissions(missing))
}

/// Refuses a trunk that would lie where the caller may not do all this.
pub(crate) fn may_put(caller: &Caller, permissions: &[&str], trunk: &Trunk) -> Result<(), Problem> {
    let missing: Vec<&str> = permissions.iter().copied().filter(|permission| !caller.grants.on(permission, &Place::trunk(trunk))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Missing permissions: {} for a trunk {:?} at site {:?} with carrier {:?}.",
        missing.join(", "),
        trunk.meta.id,
        trunk.site,
        trunk.carrier
    );
    Err(Problem::missing_permissions(missing).message(message))
}

async fn write(
    app: &App,
    caller: &Caller,
    mut tx: Tx,
    before: Trunk,
    mut form: TrunkForm,
    action: &'static str,
) -> Result<Response, Problem> {
    form.common.id = Some(before.meta.id.clone());
    let mut after = form.resolve(&mut tx, caller).await?;
    may_change(caller, &before, &after, &[])?;
    after.target_revision = before.target_revision;
    let after = trunks::update(&mut tx, &before, &after).await?;
    load::judge_stored(&mut tx, Some(&before), &after).await?;
    tx.audit(AuditEntry::new(action, KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    app.changes.announce(Change::Trunk(after.meta.id.clone()));
    Ok(answer(show(&after)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    delete_one(&app, &caller, id, if_match).await
}

/// Deletes a trunk, whichever of its addresses was called.
pub(crate) async fn delete_one(app: &App, caller: &Caller, id: String, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require_somewhere(EDIT)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let trunk = current(&mut tx, caller, &id, None).await?;
    if_match.check(None, trunk.meta.version)?;
    trunks::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&trunk)));
    tx.commit().await?;
    app.changes.announce(Change::TrunkDeleted { id, site: trunk.site, carrier: trunk.carrier });
    Ok(StatusCode::NO_CONTENT)
}
