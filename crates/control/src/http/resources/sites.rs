use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value};

use super::form::{self, Common};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::{Place, Site, SiteSettings};
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::store::trunks::User;
use crate::store::{self, Tx, page, reach, sites};

const KIND: &str = "site";
const VIEW: &str = "telephony:site:view";
const EDIT: &str = "telephony:site:edit";
const DELETE: &str = "telephony:site:delete";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/sites", get(list).post(create))
        .route("/api/v2/sites/{id}", get(read).put(replace).patch(change).delete(delete))
}

fn show(site: &Site) -> Value {
    form::show(&site.meta, &site.settings, format!("/api/v2/sites/{}", site.meta.id)).into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.finish()?;
    let page = sites::page(&mut *app.store.read().await?, &paging, name, &caller.grants.reach(VIEW)).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |site| show(&site))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let mut reader = app.store.read().await?;
    let site = sites::find(&mut reader, &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    if !reach::sees(&mut reader, &seen, &Place::Site(&id)).await? {
        return Err(Problem::not_found(KIND, &id));
    }
    Ok(answer(show(&site)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    caller.require("telephony:site:add")?;
    let meta = Common::take(&mut fields)?.into_new();
    let settings: SiteSettings = form::settings(fields, &[])?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    if sites::find(tx.connection(), &meta.id).await?.is_some() {
        return Err(form::taken(KIND, &meta.id));
    }
    let site = sites::insert(&mut tx, &Site { meta, settings }).await?;
    tx.audit(AuditEntry::new("create", KIND, &site.meta.id).after(show(&site)));
    tx.commit().await?;
    app.changes.announce(Change::Site(site.meta.id.clone()));
    Ok(created(show(&site)))
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
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, EDIT, &id).await?;
    if_match.check_required(common.version, before.meta.version)?;
    write(&app, tx, before, common.name, fields).await
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
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, EDIT, &id).await?;
    if_match.check(common.version, before.meta.version)?;
    let name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    write(&app, tx, before, name, fields).await
}

/// Finds what the caller may change so.
async fn current(tx: &mut Tx, caller: &Caller, permission: &str, id: &str) -> Result<Site, Problem> {
    let found = sites::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))?;
    caller.require_on(tx.connection(), &[permission], &Place::Site(id)).await?;
    Ok(found)
}

async fn write(app: &App, mut tx: Tx, before: Site, name: Option<String>, fields: Map<String, Value>) -> Result<Response, Problem> {
    let mut after = before.clone();
    after.meta.name = name.unwrap_or_else(|| before.meta.id.clone());
    after.settings = form::settings(fields, &[])?;
    let after = sites::update(&mut tx, &after).await?;
    tx.audit(AuditEntry::new("update", KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    app.changes.announce(Change::Site(after.meta.id.clone()));
    Ok(answer(show(&after)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require_somewhere(DELETE)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let site = current(&mut tx, &caller, DELETE, &id).await?;
    if_match.check(None, site.meta.version)?;
    let (total, some) = store::trunks::users(tx.connection(), &User::Site(&id)).await?;
    if total > 0 {
        return Err(form::in_use(KIND, &id, "trunks", total, &some));
    }
    let edges = store::edges::of_site(tx.connection(), &id).await?;
    if !edges.is_empty() {
        return Err(form::in_use(KIND, &id, "edges", edges.len() as u64, &edges));
    }
    sites::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&site)));
    tx.commit().await?;
    app.changes.announce(Change::SiteDeleted(id));
    Ok(StatusCode::NO_CONTENT)
}
