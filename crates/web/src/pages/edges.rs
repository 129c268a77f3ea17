use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde_json::Value;

use crate::Console;
use crate::fault::Fault;
use crate::parts::{badge, empty, entities, table, text, time};
use crate::session::Session;
use crate::{page, words as w};

/// GET /edges.
pub async fn page(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    let listing = console.api.get(&who, "/api/v2/edges?pageSize=200").await?;
    let addresses = |edge: &Value, name: &str| {
        let all: Vec<String> = edge[name].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
        html! { @for address in &all { code { (address) } " " } }
    };
    let rows = html! {
        @for edge in entities(&listing) {
            tr {
                td { (text(edge, "id")) }
                td { (badge(text(edge, "onlineStatus"))) }
                td { @match edge["site"]["id"].as_str() { Some(site) => { (site) } None => { span class="quiet" { (w::OTHER_SITES) } } } }
                td { (addresses(edge, "localAddresses")) }
                td { (addresses(edge, "advertisedAddresses")) }
                td { (addresses(edge, "publicAddresses")) }
                td { (text(edge, "softwareVersion")) }
                td { (time(text(edge, "onlineSince"))) }
            }
        }
    };
    let head = [w::EDGE, w::STATE, w::SITE, w::LOCAL, w::ADVERTISED, w::SEEN_AS, w::SOFTWARE, w::SINCE];
    let content = html! {
        h1 { (w::EDGES) }
        div id="edges" data-live { @if entities(&listing).is_empty() { (empty(w::NO_EDGES)) } @else { (table(w::EDGES, &head, rows)) } }
    };
    Ok(page::page(&who, "/edges", w::EDGES, content))
}
