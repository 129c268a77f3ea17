use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};

use super::form::{self, Common};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::{Edge, Place, Presence};
use crate::http::precondition::IfMatch;
use crate::http::{App, JsonBody, Query, answer, listing};
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::{Tx, edges, page, reach};
use crate::time::rfc3339;

const KIND: &str = "edge";
const VIEW: &str = "telephony:edge:view";
const EDIT: &str = "telephony:edge:edit";
const DELETE: &str = "telephony:edge:delete";

/// What a caller may change of an edge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EdgeForm {
    drain: Option<bool>,
}

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v2/edges", get(list)).route("/api/v2/edges/{id}", get(read).patch(change).delete(delete))
}

/// Writes an edge; whether it is there now is no part of the store.
fn show(edge: &Edge, registrations: &Registrations) -> Value {
    let presence = registrations.fleet().presence(&edge.meta.id);
    let mut body = edge.meta.body();
    if let Some(site) = &edge.site {
        body.insert("site".into(), json!({ "id": site }));
    }
    body.insert("onlineStatus".into(), if presence.is_some() { "ONLINE" } else { "OFFLINE" }.into());
    if let Some(presence) = presence {
        body.insert("onlineSince".into(), rfc3339(presence.since).into());
        // As carriers saw them: what their allow-lists need.
        body.insert("publicAddresses".into(), presence.public.into());
    }
    body.insert("softwareVersion".into(), edge.software.clone().into());
    body.insert("localAddresses".into(), edge.local.clone().into());
    body.insert("advertisedAddresses".into(), edge.advertised.clone().into());
    body.insert("drain".into(), edge.drain.into());
    body.insert("lastSeen".into(), rfc3339(edge.last_seen).into());
    body.insert("selfUri".into(), format!("/api/v2/edges/{}", edge.meta.id).into());
    body.into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let filter = edges::Filter { site: query.take("site.id"), name: query.take("name") };
    query.finish()?;
    let page = edges::page(&mut *app.store.read().await?, &paging, filter, &seen).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |edge| show(&edge, &app.registrations))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let mut reader = app.store.read().await?;
    let edge = edges::find(&mut reader, &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    if !reach::sees(&mut reader, &seen, &Place::Edge(&id, edge.site.as_deref())).await? {
        return Err(Problem::not_found(KIND, &id));
    }
    Ok(answer(show(&edge, &app.registrations)))
}

async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    let common = Common::take_for(&mut fields, &id)?;
    let form: EdgeForm = form::settings(fields, &[])?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(&mut tx, &caller, EDIT, &id).await?;
    if_match.check(common.version, before.meta.version)?;
    let mut after = before.clone();
    after.meta.name = common.name.unwrap_or(after.meta.name);
    after.drain = form.drain.unwrap_or(after.drain);
    let after = edges::update(&mut tx, &after).await?;
    let note = |edge: &Edge| json!({ "name": edge.meta.name, "drain": edge.drain });
    tx.audit(AuditEntry::new("update", KIND, &id).before(note(&before)).after(note(&after)));
    tx.commit().await?;
    app.changes.announce(Change::Edge(id));
    Ok(answer(show(&after, &app.registrations)))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require_somewhere(DELETE)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let edge = current(&mut tx, &caller, DELETE, &id).await?;
    if_match.check(None, edge.meta.version)?;
    if app.registrations.is_online(&id) {
        return Err(Problem::conflict(format!("The edge {id:?} is online and would come back at once. Stop it first."))
            .entity(id, Some(edge.meta.name)));
    }
    edges::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(show(&edge, &app.registrations)));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finds what the caller may change so.
async fn current(tx: &mut Tx, caller: &Caller, permission: &str, id: &str) -> Result<Edge, Problem> {
    let found = edges::find(tx.connection(), id).await?.ok_or_else(|| Problem::not_found(KIND, id))?;
    caller.require_on(tx.connection(), &[permission], &Place::Edge(id, found.site.as_deref())).await?;
    Ok(found)
}
