//! `/api/v2/authorization/roles`: the built-in roles, which stay as they are, and custom ones.

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value};

use super::caller::{self, Caller};
use super::{built_in, permission};
use crate::audit::AuditEntry;
use crate::domain::{Role, RoleSettings};
use crate::http::precondition::IfMatch;
use crate::http::resources::form::{self, Common};
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::store::page::{self, Key};
use crate::store::{Tx, clients, roles};

const KIND: &str = "role";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/authorization/roles", get(list).post(create))
        .route("/api/v2/authorization/roles/{id}", get(read).put(replace).patch(change).delete(delete))
}

fn show(role: &Role) -> Value {
    let mut body = form::show(&role.meta, &role.settings, format!("/api/v2/authorization/roles/{}", role.meta.id));
    body.insert("default".into(), role.built_in.into());
    if role.built_in {
        // They are as old as the product, not as 1970.
        body.remove("dateCreated");
        body.remove("dateModified");
    }
    body.into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require("authorization:role:view")?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.finish()?;
    let mut all = built_in::roles();
    all.extend(roles::all(&mut *app.store.read().await?).await?);
    all.retain(|role| name.as_ref().is_none_or(|name| role.meta.name == *name));
    let page = listing::page_of(all, &paging, "id", |role, sorting| match sorting {
        "id" => Key::Text(role.meta.id.clone()),
        "name" => Key::Text(role.meta.name.clone()),
        "dateCreated" => Key::Number(role.meta.created),
        "dateModified" => Key::Number(role.meta.modified),
        _ => Key::Number(role.meta.version),
    });
    Ok(answer(listing::listing(&uri, &paging, page, |role| show(&role))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require("authorization:role:view")?;
    let role = caller::role(&mut *app.store.read().await?, &id).await?;
    Ok(answer(show(&role.ok_or_else(|| Problem::not_found(KIND, &id))?)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    caller.require("authorization:role:add")?;
    let meta = Common::take(&mut fields)?.into_new();
    let settings = settings(&caller, fields)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    if caller::role(tx.connection(), &meta.id).await?.is_some() {
        return Err(form::taken(KIND, &meta.id));
    }
    let role = roles::insert(&mut tx, &Role { meta, built_in: false, settings }).await?;
    tx.audit(AuditEntry::new("create", KIND, &role.meta.id).after(show(&role)));
    tx.commit().await?;
    Ok(created(show(&role)))
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Problem> {
    caller.require("authorization:role:edit")?;
    let common = Common::take_for(&mut fields, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = custom(&mut tx, &id).await?;
    if_match.check_required(common.version, before.meta.version)?;
    write(&caller, tx, before, common.name, fields).await
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut patch): JsonBody,
) -> Result<Response, Problem> {
    caller.require("authorization:role:edit")?;
    let common = Common::take_for(&mut patch, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = custom(&mut tx, &id).await?;
    if_match.check(common.version, before.meta.version)?;
    let name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    write(&caller, tx, before, name, fields).await
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require("authorization:role:delete")?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let role = custom(&mut tx, &id).await?;
    if_match.check(None, role.meta.version)?;
    let users = clients::with_role(tx.connection(), &id).await?;
    if !users.is_empty() {
        return Err(form::in_use(KIND, &id, "clients", users.len() as u64, &users));
    }
    roles::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&role)));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads what a role allows. Nobody allows what they may not do themselves.
fn settings(caller: &Caller, fields: Map<String, Value>) -> Result<RoleSettings, Problem> {
    let settings: RoleSettings = form::settings(fields, &["default"])?;
    if let Some((index, bad)) = settings.permissions.iter().enumerate().find(|(_, text)| !permission::is_permission(text)) {
        let message = format!("{bad:?} is no permission; write it like telephony:trunk:view.");
        return Err(Problem::invalid(format!("permissions[{index}]"), message));
    }
    let missing: Vec<&str> =
        settings.permissions.iter().map(String::as_str).filter(|permission| !caller.grants.everywhere(permission)).collect();
    if missing.is_empty() { Ok(settings) } else { Err(Problem::missing_permissions(missing)) }
}

/// Finds a role that may be changed.
async fn custom(tx: &mut Tx, id: &str) -> Result<Role, Problem> {
    if let Some(role) = built_in::find(id) {
        let message = format!("The role {id:?} is part of the product and stays as it is. Make a custom one in its place.");
        return Err(Problem::conflict(message).entity(id, Some(role.meta.name)));
    }
    roles::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))
}

async fn write(
    caller: &Caller,
    mut tx: Tx,
    before: Role,
    name: Option<String>,
    mut fields: Map<String, Value>,
) -> Result<Response, Problem> {
    fields.remove("default");
    let mut after = before.clone();
    after.meta.name = name.unwrap_or_else(|| before.meta.id.clone());
    after.settings = settings(caller, fields)?;
    let after = roles::update(&mut tx, &after).await?;
    tx.audit(AuditEntry::new("update", KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    Ok(answer(show(&after)))
}
