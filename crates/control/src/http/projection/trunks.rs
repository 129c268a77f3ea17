use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::Uri;
use axum::response::Response;
use axum::routing::get;
use diagnosis::Diagnosis;
use link::OptionsState;
use serde_json::{Value, json};

use super::{EXTERNAL, PATH, begin, nothing, reference, take_ids, takes_external};
use crate::access::Caller;
use crate::domain::Reach;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::registrations::fleet::Seen;
use crate::registrations::projected::Projected;
use crate::store::{Paging, now, page};
use crate::time::rfc3339;

pub(super) const VIEW: &str = "telephony:trunk:view";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/trunks"), get(list))
        .route(&format!("{PATH}/trunks/metrics"), get(all_metrics))
        .route(&format!("{PATH}/trunks/{{id}}"), get(read))
        .route(&format!("{PATH}/trunks/{{id}}/metrics"), get(metrics))
}

/// Writes a trunk as the platform's clients read it.
fn show(of: &Projected) -> Value {
    let trunk = &of.trunk;
    let id = &trunk.meta.id;
    let since = of.seen.iter().map(|seen| seen.status.since).max().unwrap_or(trunk.meta.modified);
    let registers = trunk.in_service && of.active.is_some();
    let enabled = |on: bool| if on { "ENABLED" } else { "DISABLED" };
    let servers: Vec<&str> = of.carrier.settings.registrars.iter().map(|uri| uri.as_str()).collect();
    let mut body = begin(&trunk.meta);
    if let Some(description) = &trunk.settings.description {
        body.insert("description".into(), description.clone().into());
    }
    body.insert("trunkType".into(), EXTERNAL.into());
    if let Some(edge) = of.edge() {
        body.insert("edge".into(), reference("", edge));
    }
    body.insert("trunkBase".into(), reference("trunkbasesettings", id));
    body.insert("inService".into(), trunk.in_service.into());
    body.insert("enabled".into(), trunk.in_service.into());
    body.insert("connectedStatus".into(), json!({ "connected": of.is_connected(), "connectedStateTime": rfc3339(since) }));
    body.insert("optionsStatus".into(), of.seen.iter().filter(|_| of.pings).map(options).collect());
    let registrations: Vec<Value> = match of.seen.as_slice() {
        // No edge has said anything: nothing is registered, at any of the servers.
        [] => servers
            .iter()
            .map(|server| json!({ "proxyAddress": server, "registerState": false, "registerStateTime": rfc3339(trunk.meta.modified) }))
            .collect(),
        seen => seen.iter().map(|seen| registration(of, seen)).collect(),
    };
    body.insert("registersStatus".into(), registrations.into());
    body.insert("optionsEnabledStatus".into(), enabled(of.pings).into());
    body.insert("registersEnabledStatus".into(), enabled(registers).into());
    body.insert("proxyAddressList".into(), servers.into());
    // Beyond the platform's fields: the way back to what is behind the projection.
    body.insert("site".into(), reference("sites", &trunk.site));
    body.insert("registrationUri".into(), format!("/api/v2/trunks/voice/registrations/{id}").into());
    body.insert("selfUri".into(), format!("{PATH}/trunks/{id}").into());
    body.into()
}

fn server<'a>(of: Option<&'a Projected>, seen: &'a Seen) -> &'a str {
    let first = || of.and_then(|of| of.carrier.settings.registrars.first()).map_or("", |uri| uri.as_str());
    seen.status.registrar.as_deref().unwrap_or_else(first)
}

fn options(seen: &Seen) -> Value {
    let status = &seen.status;
    let mut body = json!({
        "proxyAddress": server(None, seen),
        "optionState": status.options.state == OptionsState::Up,
        "optionStateTime": rfc3339(status.options.since.unwrap_or(status.since)),
    });
    if let Some(diagnosis) = status.diagnosis.as_deref().filter(|_| status.options.state == OptionsState::Down) {
        body["errorInfo"] = error(diagnosis, server(None, seen));
    }
    body
}

fn registration(of: &Projected, seen: &Seen) -> Value {
    let status = &seen.status;
    let server = server(Some(of), seen);
    let mut body = json!({ "proxyAddress": server, "registerState": status.bound, "registerStateTime": rfc3339(status.since) });
    if let Some(diagnosis) = &status.diagnosis {
        body["errorInfo"] = error(diagnosis, server);
    }
    body
}

/// Writes a diagnosis in the platform's three fields: what to do, the code, and the carrier's own answer.
fn error(diagnosis: &Diagnosis, server: &str) -> Value {
    let mut details = json!({ "hostname": diagnosis.evidence.registrar.as_deref().unwrap_or(server) });
    if let Some(sip) = &diagnosis.evidence.sip {
        details["code"] = sip.code.to_string().into();
        details["message"] = sip.reason.clone().into();
    }
    json!({ "text": diagnosis.remedy, "code": diagnosis.code.as_str(), "details": details })
}

/// Writes a trunk's metrics. Calls are not relayed yet, so there are none.
fn show_metrics(of: &Projected) -> Value {
    let mut body = json!({ "eventTime": rfc3339(now()), "trunk": reference("trunks", &of.trunk.meta.id) });
    body["calls"] = json!({ "inboundCallCount": 0, "outboundCallCount": 0 });
    body["qos"] = json!({ "mismatchCount": 0 });
    body
}

/// Answers a page of trunks.
pub(super) async fn page(
    app: &App,
    uri: &Uri,
    paging: &Paging,
    external: bool,
    base: Option<String>,
    edge: Option<String>,
    seen: Reach,
) -> Result<Response, Problem> {
    let page = if external { app.registrations.projected_page(paging, base, edge, seen).await? } else { nothing(paging) };
    Ok(answer(listing::listing(uri, paging, page, |trunk| show(&trunk))))
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let (edge, base) = (query.take("edge.id"), query.take("trunkBase.id"));
    let external = takes_external(&mut query)?;
    query.finish()?;
    page(&app, &uri, &paging, external, base, edge, seen).await
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &id).await?;
    Ok(answer(show(&app.registrations.projected(&id).await?)))
}

async fn metrics(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &id).await?;
    Ok(answer(show_metrics(&app.registrations.projected(&id).await?)))
}

async fn all_metrics(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Problem> {
    caller.require_somewhere(VIEW)?;
    let ids = take_ids(&mut query, "trunkIds")?;
    query.finish()?;
    for id in &ids {
        caller.require_trunk(&app, &[VIEW], id).await?;
    }
    let found = app.registrations.projected_some(&ids).await?;
    let shown = ids.iter().map(|id| found.get(id).map(show_metrics).ok_or_else(|| Problem::not_found("trunk", id)));
    Ok(answer(shown.collect::<Result<Vec<Value>, Problem>>()?.into()))
}
