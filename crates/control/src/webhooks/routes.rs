//! `/api/v2/webhooks`: who events are pushed to, how that goes, and what did not arrive.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::show::{delivery, outcome, webhook, with_health};
use super::{queue, secret};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::domain::{Webhook, WebhookHealth, WebhookSettings};
use crate::events::EventId;
use crate::http::decode::take;
use crate::http::precondition::IfMatch;
use crate::http::resources::form::{self, Common};
use crate::http::{App, JsonBody, OptionalJsonBody, Query, answer, created, listing};
use crate::outward::Target;
use crate::problem::Problem;
use crate::store::webhooks::{self, DELIVERIES, DeliveryState};
use crate::store::{Connection, Tx, page};
use crate::time::{now, rfc3339};

const KIND: &str = "webhook";
/// So many webhooks an organisation has.
pub const WEBHOOKS_MAX: usize = 100;
// A webhook hears of everything that it does not leave out itself: each of these is needed for the whole organisation.
const VIEW: &str = "telephony:webhook:view";
const ADD: &str = "telephony:webhook:add";
const EDIT: &str = "telephony:webhook:edit";
const DELETE: &str = "telephony:webhook:delete";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/webhooks", get(list).post(create))
        .route("/api/v2/webhooks/{id}", get(read).put(replace).patch(change).delete(delete))
        .route("/api/v2/webhooks/{id}/secret", post(renew))
        .route("/api/v2/webhooks/{id}/test", post(test))
        .route("/api/v2/webhooks/{id}/deliveries", get(deliveries))
        .route("/api/v2/webhooks/{id}/deliveries/{eventId}/redeliver", post(redeliver))
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.finish()?;
    let page = webhooks::page(&mut *app.store.read().await?, &paging, name).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |hook| webhook(&hook))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>, query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    query.finish()?;
    let mut state = app.store.snapshot().await?;
    let hook = current(&mut state, &id).await?;
    let pending = webhooks::count(&mut state, &id, DeliveryState::Pending).await?;
    let dead = webhooks::count(&mut state, &id, DeliveryState::Dead).await?;
    Ok(answer(with_health(&hook, pending, dead)))
}

/// The secret is in this answer, and in no other.
async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    caller.require(ADD)?;
    let meta = Common::take(&mut fields)?.into_new();
    let given = given_secret(&mut fields)?;
    let settings = settings(&app, fields)?;
    let secret = given.unwrap_or_else(secret::draw);
    let sealed = app.webhooks.seal(&meta.id, &secret);
    let mut tx = app.store.begin(&caller.origin()).await?;
    let all = webhooks::all(tx.connection()).await?;
    if all.iter().any(|other| other.meta.id == meta.id) {
        return Err(form::taken(KIND, &meta.id));
    }
    if all.len() >= WEBHOOKS_MAX {
        return Err(Problem::conflict(format!("There are {WEBHOOKS_MAX} webhooks, which is the most. Delete one first.")));
    }
    let hook = webhooks::insert(&mut tx, &Webhook { meta, settings, position: 0, health: WebhookHealth::default() }, &sealed).await?;
    tx.audit(AuditEntry::new("create", KIND, &hook.meta.id).after(webhook(&hook)));
    tx.commit().await?;
    app.webhooks.changed();
    let mut body = webhook(&hook);
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
    caller.require(EDIT)?;
    let common = Common::take_for(&mut fields, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(tx.connection(), &id).await?;
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
    caller.require(EDIT)?;
    let common = Common::take_for(&mut patch, &id)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(tx.connection(), &id).await?;
    if_match.check(common.version, before.meta.version)?;
    let name = common.name.or_else(|| Some(before.meta.name.clone()));
    let mut fields = form::fields(&before.settings);
    form::merge(&mut fields, patch);
    write(&app, tx, before, name, fields).await
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    caller.require(DELETE)?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let hook = current(tx.connection(), &id).await?;
    if_match.check(None, hook.meta.version)?;
    webhooks::delete(&mut tx, &id).await?;
    tx.audit(AuditEntry::new("delete", KIND, &id).before(webhook(&hook)));
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a new secret: the one in the body, or a drawn one, which is in this answer and in no other.
async fn renew(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(mut fields): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require(EDIT)?;
    let given = given_secret(&mut fields)?;
    no_more(&fields)?;
    let secret = given.unwrap_or_else(secret::draw);
    let sealed = app.webhooks.seal(&id, &secret);
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = current(tx.connection(), &id).await?;
    let after = webhooks::set_secret(&mut tx, &id, &sealed).await?;
    let mut shown = webhook(&after);
    shown["secret"] = "changed".into();
    tx.audit(AuditEntry::new("renewSecret", KIND, &id).before(webhook(&before)).after(shown));
    tx.commit().await?;
    let mut body = webhook(&after);
    body["secret"] = secret.expose_secret().into();
    Ok(answer(body))
}

/// Sends an event of kind `webhook.test` now, and answers how it went.
async fn test(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    OptionalJsonBody(fields): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require(EDIT)?;
    no_more(&fields)?;
    let (hook, sealed) = {
        let mut state = app.store.snapshot().await?;
        let hook = current(&mut state, &id).await?;
        let sealed = webhooks::secret(&mut state, &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
        (hook, sealed)
    };
    let event = format!("test-{}", Uuid::now_v7());
    let body = json!({ "id": event, "kind": "webhook.test", "at": rfc3339(now()), "data": {} });
    let went = app.webhooks.send(&hook, &sealed, &event, Bytes::from(body.to_string())).await;
    Ok(answer(outcome(&went)))
}

/// What waits, and with `state=DEAD` what is given up.
async fn deliveries(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    let paging = listing::paging(&mut query, DELIVERIES)?;
    let state = match query.take("state").as_deref() {
        None => None,
        Some("PENDING") => Some(DeliveryState::Pending),
        Some("DEAD") => Some(DeliveryState::Dead),
        Some(_) => return Err(Problem::invalid("state", "state is PENDING or DEAD.")),
    };
    query.finish()?;
    let mut reader = app.store.snapshot().await?;
    current(&mut reader, &id).await?;
    let page = webhooks::deliveries(&mut reader, &id, &paging, state).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |one| delivery(&one))))
}

/// Tries a delivery again, now and for as long as a new one.
async fn redeliver(State(app): State<App>, caller: Caller, Path((id, event)): Path<(String, String)>) -> Result<StatusCode, Problem> {
    caller.require(EDIT)?;
    let missing = || Problem::not_found("delivery", &event);
    let place = event.parse::<EventId>().map_err(|()| missing())?.revision;
    let mut tx = app.store.begin(&caller.origin()).await?;
    current(tx.connection(), &id).await?;
    let now = tx.now();
    if !webhooks::redeliver(tx.connection(), &id, place, now).await? {
        return Err(missing());
    }
    tx.audit(AuditEntry::new("redeliver", KIND, &id).after(json!({ "event": event })));
    tx.commit().await?;
    app.webhooks.changed();
    Ok(StatusCode::ACCEPTED)
}

async fn current(connection: &mut Connection, id: &str) -> Result<Webhook, Problem> {
    webhooks::find(connection, id).await?.ok_or_else(|| Problem::not_found(KIND, id))
}

async fn write(app: &App, mut tx: Tx, before: Webhook, name: Option<String>, fields: Map<String, Value>) -> Result<Response, Problem> {
    let mut after = before.clone();
    after.meta.name = name.unwrap_or_else(|| before.meta.id.clone());
    after.settings = settings(app, fields)?;
    let after = webhooks::update(&mut tx, &after).await?;
    tx.audit(AuditEntry::new("update", KIND, &after.meta.id).before(webhook(&before)).after(webhook(&after)));
    tx.commit().await?;
    app.webhooks.changed();
    Ok(answer(webhook(&after)))
}

/// Reads what is left of a body. What an answer shows beside the settings may be sent back, and is ignored.
fn settings(app: &App, mut fields: Map<String, Value>) -> Result<WebhookSettings, Problem> {
    fields.remove("secretSet");
    fields.remove("deliveries");
    let settings: WebhookSettings = form::settings(fields, &["secret"])?;
    queue::filter(&settings)?;
    let judged = Target::parse(&settings.url).and_then(|target| target.judge_literal(app.webhooks.outward().gate()));
    judged.map_err(|fault| Problem::invalid("url", format!("url: {fault}")))?;
    Ok(settings)
}

fn given_secret(fields: &mut Map<String, Value>) -> Result<Option<SecretString>, Problem> {
    let given: Option<String> = take(fields, "secret")?;
    let given = given.map(SecretString::from);
    match given {
        Some(secret) if !secret::is_secret(secret.expose_secret()) => {
            Err(Problem::invalid("secret", "secret: whsec_ and 24 to 64 bytes in base64 are expected; leave it out to have one drawn."))
        }
        given => Ok(given),
    }
}

fn no_more(fields: &Map<String, Value>) -> Result<(), Problem> {
    match fields.keys().next() {
        Some(unknown) => Err(Problem::invalid(unknown.clone(), format!("There is no field {unknown:?} here."))),
        None => Ok(()),
    }
}
