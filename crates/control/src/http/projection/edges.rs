use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::{PATH, begin, nothing, reference, take_ids, takes_external, takes_unmanaged, trunks};
use crate::access::Caller;
use crate::domain::{Edge, Place, Reach};
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::{edges, now, page, reach};
use crate::time::rfc3339;

const VIEW: &str = "telephony:edge:view";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(PATH, get(list))
        .route(&format!("{PATH}/metrics"), get(all_metrics))
        .route(&format!("{PATH}/{{id}}"), get(read))
        .route(&format!("{PATH}/{{id}}/metrics"), get(metrics))
        .route(&format!("{PATH}/{{id}}/trunks"), get(of_edge))
}

fn show(app: &App, edge: &Edge) -> Value {
    let online = app.registrations.fleet().is_attached(&edge.meta.id);
    let mut body = begin(&edge.meta);
    body.insert("softwareVersion".into(), edge.software.clone().into());
    body.insert("onlineStatus".into(), if online { "ONLINE" } else { "OFFLINE" }.into());
    body.insert("statusCode".into(), "ACTIVE".into());
    body.insert("callDrainingState".into(), if edge.drain { "WAIT" } else { "NONE" }.into());
    body.insert("managed".into(), false.into());
    body.insert("physicalEdge".into(), false.into());
    if let Some(site) = &edge.site {
        body.insert("site".into(), reference("sites", site));
    }
    body.insert("selfUri".into(), format!("{PATH}/{}", edge.meta.id).into());
    body.into()
}

fn show_metrics(app: &App, edge: &Edge) -> Value {
    let since = app.registrations.fleet().presence(&edge.meta.id).map(|presence| presence.since);
    let up = since.map_or(0, |since| (now() - since).max(0) / 1_000);
    json!({ "edge": reference("", &edge.meta.id), "eventTime": rfc3339(now()), "upTimeMsec": up })
}

/// Finds an edge that the caller sees.
async fn find(app: &App, seen: &Reach, id: &str) -> Result<Edge, Problem> {
    let mut reader = app.store.read().await?;
    let edge = edges::find(&mut reader, id).await?.ok_or_else(|| Problem::not_found("edge", id))?;
    if !reach::sees(&mut reader, seen, &Place::Edge(id, edge.site.as_deref())).await? {
        return Err(Problem::not_found("edge", id));
    }
    Ok(edge)
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let filter = edges::Filter { site: query.take("site.id"), name: query.take("name") };
    // There are no groups of edges and no media edges of a cloud here.
    query.take_bool("showCloudMedia")?;
    let here = takes_unmanaged(&mut query)? & query.take("edgeGroup.id").is_none();
    query.finish()?;
    let page = if here { edges::page(&mut *app.store.read().await?, &paging, filter, &seen).await? } else { nothing(&paging) };
    Ok(answer(listing::listing(&uri, &paging, page, |edge| show(&app, &edge))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    query.take("expand");
    query.finish()?;
    Ok(answer(show(&app, &find(&app, &seen, &id).await?)))
}

async fn metrics(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    Ok(answer(show_metrics(&app, &find(&app, &seen, &id).await?)))
}

async fn all_metrics(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let ids = take_ids(&mut query, "edgeIds")?;
    query.finish()?;
    let mut metrics = Vec::with_capacity(ids.len());
    for id in ids {
        metrics.push(show_metrics(&app, &find(&app, &seen, &id).await?));
    }
    Ok(answer(metrics.into()))
}

/// The trunks that an edge keeps registered.
async fn of_edge(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    mut query: Query,
) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(trunks::VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let base = query.take("trunkBase.id");
    let external = takes_external(&mut query)?;
    query.finish()?;
    find(&app, &seen, &id).await?;
    trunks::page(&app, &uri, &paging, external, base, Some(id), seen).await
}
