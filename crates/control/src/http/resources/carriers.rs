use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value};

use super::form::{self, Common};
use super::undo::Edit;
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::{Carrier, CarrierSettings, Place};
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::registrations::load;
use crate::store::trunks::User;
use crate::store::{self, Tx, carriers, loads, organization, page, reach};

const KIND: &str = "carrier";
const VIEW: &str = "telephony:carrier:view";
const EDIT: &str = "telephony:carrier:edit";
/// Whoever may choose where secrets go may read them.
const CREDENTIAL: &str = "telephony:trunkCredential:edit";
const DELETE: &str = "telephony:carrier:delete";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/carriers", get(list).post(create))
        .route("/api/v2/carriers/{id}", get(read).put(replace).patch(change).delete(delete))
}

fn show(carrier: &Carrier) -> Value {
    form::show(&carrier.meta, &carrier.settings, format!("/api/v2/carriers/{}", carrier.meta.id)).into()
}

/// As [`show`], with what its trunks ask of it: of one carrier, not of a page of them.
fn show_loaded(carrier: &Carrier, load: &load::Load) -> Value {
    let mut body = form::show(&carrier.meta, &carrier.settings, format!("/api/v2/carriers/{}", carrier.meta.id));
    body.extend(load.show().map(|(name, value)| (name.to_owned(), value)));
    body.into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.finish()?;
    let page = carriers::page(&mut *app.store.read().await?, &paging, name, &caller.grants.reach(VIEW)).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |carrier| show(&carrier))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let mut reader = app.store.read().await?;
    let carrier = carriers::find(&mut reader, &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    if !reach::sees(&mut reader, &seen, &Place::Carrier(&id)).await? {
        return Err(Problem::not_found(KIND, &id));
    }
    let organization = organization::load(&mut reader).await?;
    let load = load::Load::new(&carrier, &organization, &loads::of(&mut reader, &id).await?);
    Ok(answer(show_loaded(&carrier, &load)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    caller.require("telephony:carrier:add")?;
    let meta = Common::take(&mut fields)?.into_new();
    let settings = settings(fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    if carriers::find(tx.connection(), &meta.id).await?.is_some() {
        return Err(form::taken(KIND, &meta.id));
    }
    let carrier = carriers::insert(&mut tx, &Carrier { meta, target_revision: 0, settings }).await?;
    tx.audit(AuditEntry::new("create", KIND, &carrier.meta.id).after(show(&carrier)));
    let load = load::read(&mut tx, &carrier).await?;
    tx.commit().await?;
    app.changes.announce(Change::Carrier(carrier.meta.id.clone()));
    Ok(created(show_loaded(&carrier, &load)))
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
    drop_shown(&mut fields);
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, &id, |_| Some(fields.clone())).await?;
    if_match.check_required(common.version, before.meta.version)?;
    write(&app, &caller, tx, before, common.name, fields, "update").await
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut patch): JsonBody,
) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let common = Common::take_for(&mut patch, &id)?;
    drop_shown(&mut patch);
    let mut tx = app.store.begin(&caller.origin()).await?;
    let merged = |before: &Carrier| {
        let mut fields = form::fields(&before.settings);
        form::merge(&mut fields, patch.clone());
        Some(fields)
    };
    let before = current(&mut tx, &caller, &id, merged).await?;
    if_match.check(common.version, before.meta.version)?;
    let name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    write(&app, &caller, tx, before, name, fields, "update").await
}

/// Takes an edit back.
pub(super) async fn undo(app: &App, caller: &Caller, id: &str, edit: &Edit) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let back = |before: &Carrier| {
        let mut shown = form::fields(&before.settings);
        shown.insert("name".into(), before.meta.name.clone().into());
        edit.taken_back(&shown)
    };
    let without_name = |before: &Carrier| {
        let mut fields = back(before).ok()?;
        Common::take(&mut fields).ok()?;
        Some(fields)
    };
    let before = current(&mut tx, caller, id, without_name).await?;
    let mut fields = back(&before)?;
    let common = Common::take(&mut fields)?;
    write(app, caller, tx, before, common.name, fields, "undo").await
}

/// What is the server's own may be sent back as it was read.
fn drop_shown(fields: &mut Map<String, Value>) {
    for name in ["load", "warnings"] {
        fields.remove(name);
    }
}

fn settings(fields: Map<String, Value>) -> Result<CarrierSettings, Problem> {
    let settings: CarrierSettings = form::settings(fields, &[])?;
    if settings.registrars.is_empty() {
        return Err(Problem::invalid(
            "registrars",
            "The field \"registrars\" is missing: the SIP URIs of the carrier's next hops, in order.",
        ));
    }
    Ok(settings)
}

/// Finds what the caller may change. Where it may not, the refusal names all that the change would need, as far as its fields can be read.
async fn current(
    tx: &mut Tx,
    caller: &Caller,
    id: &str,
    changed: impl FnOnce(&Carrier) -> Option<Map<String, Value>>,
) -> Result<Carrier, Problem> {
    let found = carriers::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))?;
    let place = Place::Carrier(id);
    if caller.grants.on(EDIT, &place) {
        return Ok(found);
    }
    let after = changed(&found).and_then(|fields| settings(fields).ok());
    let retargets = after.is_some_and(|after| found.settings.sends_elsewhere(&after));
    caller.require_on(tx.connection(), if retargets { &[EDIT, CREDENTIAL] } else { &[EDIT] }, &place).await?;
    Ok(found)
}

async fn write(
    app: &App,
    caller: &Caller,
    mut tx: Tx,
    before: Carrier,
    name: Option<String>,
    fields: Map<String, Value>,
    action: &'static str,
) -> Result<Response, Problem> {
    let mut after = before.clone();
    after.meta.name = name.unwrap_or_else(|| before.meta.id.clone());
    after.settings = settings(fields)?;
    let retargeted = before.settings.sends_elsewhere(&after.settings);
    if retargeted {
        caller.require_on(tx.connection(), &[CREDENTIAL], &Place::Carrier(&before.meta.id)).await?;
    }
    load::judge_carrier(&mut tx, &before, &after).await?;
    let after = carriers::update(&mut tx, &after, retargeted).await?;
    tx.audit(AuditEntry::new(action, KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    let load = load::read(&mut tx, &after).await?;
    tx.commit().await?;
    app.changes.announce(Change::Carrier(after.meta.id.clone()));
    Ok(answer(show_loaded(&after, &load)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require_somewhere(DELETE)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let carrier = carriers::find(tx.connection(), &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    caller.require_on(tx.connection(), &[DELETE], &Place::Carrier(&id)).await?;
    if_match.check(None, carrier.meta.version)?;
    let (total, some) = store::trunks::users(tx.connection(), &User::Carrier(&id)).await?;
    if total > 0 {
        return Err(form::in_use(KIND, &id, "trunks", total, &some));
    }
    carriers::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&carrier)));
    tx.commit().await?;
    app.changes.announce(Change::CarrierDeleted(id));
    Ok(StatusCode::NO_CONTENT)
}
