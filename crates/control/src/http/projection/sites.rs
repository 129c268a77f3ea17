use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;

use super::{PATH, begin, nothing, takes_unmanaged};
use crate::access::Caller;
use crate::domain::{Place, Site};
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::{page, reach, sites};

const VIEW: &str = "telephony:site:view";

pub(super) fn routes() -> Router<App> {
    Router::new().route(&format!("{PATH}/sites"), get(list)).route(&format!("{PATH}/sites/{{id}}"), get(read))
}

fn show(site: &Site) -> Value {
    let mut body = begin(&site.meta);
    if let Some(description) = &site.settings.description {
        body.insert("description".into(), description.clone().into());
    }
    body.insert("managed".into(), false.into());
    body.insert("mediaModel".into(), "Premises".into());
    if let Some(region) = &site.settings.region {
        body.insert("mediaRegions".into(), vec![region.clone()].into());
    }
    body.insert("selfUri".into(), format!("{PATH}/sites/{}", site.meta.id).into());
    body.into()
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    // Sites are not at locations of an address book here.
    let here = takes_unmanaged(&mut query)? & query.take("location.id").is_none();
    query.finish()?;
    let page = if here { sites::page(&mut *app.store.read().await?, &paging, name, &seen).await? } else { nothing(&paging) };
    Ok(answer(listing::listing(&uri, &paging, page, |site| show(&site))))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let mut reader = app.store.read().await?;
    let site = sites::find(&mut reader, &id).await?.ok_or_else(|| Problem::not_found("site", &id))?;
    if !reach::sees(&mut reader, &seen, &Place::Site(&id)).await? {
        return Err(Problem::not_found("site", &id));
    }
    Ok(answer(show(&site)))
}
