//! The projection for existing clients: trunks, edges and sites in the shapes that the official platform SDKs read, under
//! `/api/v2/telephony/providers/edges`. Nothing is stored here but what a client keeps in a trunk's base settings and Trunkline does not act on.
//!
//! Only published enum values and no nulls: typed clients break on others.

mod edges;
mod properties;
mod sites;
mod trunk_bases;
mod trunks;

use axum::Router;
use serde_json::{Value, json};

use super::App;
use super::query::Query;
use crate::domain::Meta;
use crate::problem::Problem;
use crate::store::{Page, Paging};

/// Where the projection is.
const PATH: &str = "/api/v2/telephony/providers/edges";

/// Trunks of carriers are `EXTERNAL`; the platform's other kinds do not exist here.
const EXTERNAL: &str = "EXTERNAL";

/// So many entities are asked for by their ids at once.
pub const IDS_MAX: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().merge(edges::routes()).merge(sites::routes()).merge(trunks::routes()).merge(trunk_bases::routes())
}

/// Writes a reference to another entity of the projection; `kind` is its part of the path, empty for an edge.
fn reference(kind: &str, id: &str) -> Value {
    let path = if kind.is_empty() { PATH.to_owned() } else { format!("{PATH}/{kind}") };
    json!({ "id": id, "selfUri": format!("{path}/{id}") })
}

/// Writes what every entity begins with: id, name, version, times, and that it is not deleted.
fn begin(meta: &Meta) -> serde_json::Map<String, Value> {
    let mut body = meta.body();
    body.insert("state".into(), "active".into());
    body
}

/// Reads `trunkType`; false where none of the trunks here is of that type.
fn takes_external(query: &mut Query) -> Result<bool, Problem> {
    match query.take("trunkType").as_deref() {
        None | Some(EXTERNAL) => Ok(true),
        Some("PHONE" | "EDGE") => Ok(false),
        Some(other) => Err(Problem::invalid("trunkType", format!("trunkType: {other:?} is none of EXTERNAL, PHONE, EDGE."))),
    }
}

/// Reads filters of the platform that say nothing about what is here; false where they ask for what does not exist here.
fn takes_unmanaged(query: &mut Query) -> Result<bool, Problem> {
    // What is shown is the same with and without them.
    query.take("expand");
    Ok(query.take_bool("managed")? != Some(true))
}

/// Reads a list of ids, with commas between.
fn take_ids(query: &mut Query, name: &'static str) -> Result<Vec<String>, Problem> {
    let text = query.take(name).ok_or_else(|| Problem::invalid(name, format!("{name} is missing: ids, with commas between.")))?;
    let ids: Vec<String> = text.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if ids.is_empty() || ids.len() > IDS_MAX {
        return Err(Problem::invalid(name, format!("{name} is 1 to {IDS_MAX} ids, with commas between.")));
    }
    Ok(ids)
}

/// A page of nothing.
fn nothing<T>(_: &Paging) -> Page<T> {
    Page { items: Vec::new(), total: 0, next: None }
}
