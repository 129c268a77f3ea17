//! `/api/v2/oauth/clients`: who may get tokens. A secret is shown once, when it is made.

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::caller::{self, Caller};
use super::secret;
use crate::audit::AuditEntry;
use crate::domain::scope::TRUNKS_MAX;
use crate::domain::{Client, ClientSettings, Place, Scope, Trunk};
use crate::http::precondition::IfMatch;
use crate::http::resources::form::{self, Common};
use crate::http::{App, JsonBody, OptionalJsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::store::{Tx, carriers, clients, page, sites, tokens, trunks};

const KIND: &str = "client";

/// So many grants has a client at most: every request reads them.
pub const GRANTS_MAX: usize = 50;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/oauth/clients", get(list).post(create))
        .route("/api/v2/oauth/clients/{id}", get(read).put(replace).patch(change).delete(delete))
        .route("/api/v2/oauth/clients/{id}/secret", post(renew))
        .route("/api/v2/oauth/clients/{id}/tokens", axum::routing::delete(revoke))
}

fn show(client: &Client) -> Value {
    form::show(&client.meta, &client.settings, format!("/api/v2/oauth/clients/{}", client.meta.id)).into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require("oauth:client:view")?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.finish()?;
    let page = clients::page(&mut *app.store.read().await?, &paging, name).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |client| show(&client))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require("oauth:client:view")?;
    let client = clients::find(&mut *app.store.read().await?, &id).await?;
    Ok(answer(show(&client.ok_or_else(|| Problem::not_found(KIND, &id))?)))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    caller.require("oauth:client:add")?;
    let meta = Common::take(&mut fields)?.into_new();
    let settings: ClientSettings = form::settings(fields, &[])?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    may_grant(&mut tx, &caller, &settings).await?;
    if clients::find(tx.connection(), &meta.id).await?.is_some() {
        return Err(form::taken(KIND, &meta.id));
    }
    let secret = secret::draw()?;
    let client = clients::insert(&mut tx, &Client { meta, settings }, &secret::hash(&secret)).await?;
    tx.audit(AuditEntry::new("create", KIND, &client.meta.id).after(show(&client)));
    tx.commit().await?;
    let mut body = show(&client);
    body["secret"] = secret.expose_secret().into();
    Ok(created(body))
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Problem> {
    caller.require("oauth:client:edit")?;
    let common = Common::take_for(&mut fields, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &id).await?;
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
    caller.require("oauth:client:edit")?;
    let common = Common::take_for(&mut patch, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &id).await?;
    if_match.check(common.version, before.meta.version)?;
    let name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    write(&caller, tx, before, name, fields).await
}

/// Makes a new secret and ends the tokens that were given for the old one.
async fn renew(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(fields): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require("oauth:client:edit")?;
    if let Some(name) = fields.keys().next() {
        return Err(Problem::invalid(name.clone(), format!("There is no field {name:?}; the secret is drawn, and this call takes none.")));
    }
    let mut tx = app.store.begin(&caller.origin()).await?;
    let client = current(&mut tx, &id).await?;
    // A new secret gives its holder all that the client may do.
    may_grant(&mut tx, &caller, &client.settings).await?;
    let secret = secret::draw()?;
    clients::replace_secret(&mut tx, &id, &secret::hash(&secret)).await?;
    tx.audit(AuditEntry::new("update", KIND, &id).after(json!({ "secret": "changed" })));
    let client = current(&mut tx, &id).await?;
    tx.commit().await?;
    let mut body = show(&client);
    body["secret"] = secret.expose_secret().into();
    Ok(answer(body))
}

/// Ends all tokens of a client; its secret stays.
async fn revoke(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    caller.require("oauth:client:edit")?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let client = current(&mut tx, &id).await?;
    let ended = tokens::delete_all(&mut tx, &client.meta.id).await?;
    tx.audit(AuditEntry::new("revokeTokens", KIND, &id).after(json!({ "tokens": ended })));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn current(tx: &mut Tx, id: &str) -> Result<Client, Problem> {
    clients::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))
}

async fn write(caller: &Caller, mut tx: Tx, before: Client, name: Option<String>, fields: Map<String, Value>) -> Result<Response, Problem> {
    let mut after = before.clone();
    after.meta.name = name.unwrap_or_else(|| before.meta.id.clone());
    after.settings = form::settings(fields, &[])?;
    let itself = before.meta.id == caller.client.meta.id;
    if itself && after.settings.disabled {
        return Err(Problem::conflict("This is the client that asks; let another one disable it.").field("disabled"));
    }
    if after.settings.role_grants != before.settings.role_grants {
        may_grant(&mut tx, caller, &after.settings).await?;
    }
    let after = clients::update(&mut tx, &after).await?;
    if after.settings.disabled {
        // Enabled again, it begins anew.
        tokens::delete_all(&mut tx, &after.meta.id).await?;
    }
    tx.audit(AuditEntry::new("update", KIND, &after.meta.id).before(show(&before)).after(show(&after)));
    tx.commit().await?;
    Ok(answer(show(&after)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require("oauth:client:delete")?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let client = current(&mut tx, &id).await?;
    if_match.check(None, client.meta.version)?;
    if id == caller.client.meta.id {
        return Err(Problem::conflict("This is the client that asks; let another one delete it.").entity(id, None));
    }
    clients::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&client)));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Nobody grants what they may not do themselves, or further than they may.
async fn may_grant(tx: &mut Tx, caller: &Caller, settings: &ClientSettings) -> Result<(), Problem> {
    let grants = &settings.role_grants;
    if grants.len() > GRANTS_MAX {
        return Err(Problem::invalid("roleGrants", format!("A client has at most {GRANTS_MAX} grants.")));
    }
    let mut missing = Vec::new();
    let mut trunks_named = 0;
    for (index, grant) in grants.iter().enumerate() {
        let role = caller::role(tx.connection(), &grant.role_id).await?.ok_or_else(|| {
            let message = format!("There is no role {:?}. GET /api/v2/authorization/roles lists them.", grant.role_id);
            Problem::invalid(format!("roleGrants[{index}].roleId"), message)
        })?;
        let trunks = covered(tx, &grant.scope, index).await?;
        trunks_named += trunks.len();
        for permission in role.settings.permissions {
            let held = caller.grants.within(&permission, &grant.scope)
                || (!trunks.is_empty() && trunks.iter().all(|trunk| caller.grants.on(&permission, &Place::trunk(trunk))));
            if !held {
                missing.push(permission);
            }
        }
    }
    if trunks_named > TRUNKS_MAX {
        let message = format!("The grants of a client name at most {TRUNKS_MAX} trunks together; scope one to a site or a carrier.");
        return Err(Problem::invalid("roleGrants", message));
    }
    missing.sort();
    missing.dedup();
    if missing.is_empty() { Ok(()) } else { Err(Problem::missing_permissions(missing.iter().map(String::as_str))) }
}

/// Finds what a scope names; returns its trunks where it names trunks.
async fn covered(tx: &mut Tx, scope: &Scope, index: usize) -> Result<Vec<Trunk>, Problem> {
    let unknown = |kind: &str, field: &str, id: &str| {
        Err(Problem::invalid(format!("roleGrants[{index}].scope.{field}"), format!("There is no {kind} {id:?}.")))
    };
    match scope {
        Scope::Organization => {}
        Scope::Site(id) if sites::find(tx.connection(), id).await?.is_none() => return unknown("site", "site.id", id),
        Scope::Carrier(id) if carriers::find(tx.connection(), id).await?.is_none() => return unknown("carrier", "carrier.id", id),
        Scope::Site(_) | Scope::Carrier(_) => {}
        Scope::Trunks(ids) => {
            let mut found = Vec::with_capacity(ids.len());
            for (at, id) in ids.iter().enumerate() {
                match trunks::find(tx.connection(), id).await? {
                    Some(trunk) => found.push(trunk),
                    None => return unknown("trunk", &format!("trunks[{at}].id"), id),
                }
            }
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
