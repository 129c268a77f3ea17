use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Fields;
use crate::parts::{empty, entities, text, time};
use crate::session::Session;
use crate::{page, words as w};

/// GET /events.
pub async fn page(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let mut path = "/api/v2/events?pageSize=50".to_owned();
    for (field, name) in [("trunk", "trunkId"), ("carrier", "carrier.id"), ("site", "site.id"), ("kind", "kind")] {
        if let Some(value) = fields.get(field) {
            path.push_str(&format!("&{name}={}", escape(value)));
        }
    }
    let listing = console.api.get(&who, &path).await?;
    let content = html! {
        h1 { (w::EVENTS) }
        form class="filters" method="get" action="/events" {
            label { (w::TRUNK) input name="trunk" value=[fields.get("trunk")]; }
            label { (w::CARRIER) input name="carrier" value=[fields.get("carrier")]; }
            label { (w::KIND) input name="kind" value=[fields.get("kind")]; }
            button { (w::FILTER) }
        }
        section class="panel" id="events" data-live {
            @if entities(&listing).is_empty() { (empty(w::NO_EVENTS)) }
            ul class="feed" { @for event in entities(&listing) { li { (line(event)) } } }
        }
    };
    Ok(page::page(&who, "/events", w::EVENTS, content))
}

/// One event in a line.
pub fn line(event: &Value) -> Markup {
    let data = &event["data"];
    html! {
        (time(text(event, "at"))) " " code class="kind" { (text(event, "kind")) } " "
        @if let Some(trunk) = event["trunk"]["id"].as_str() { a href={ "/trunks/" (trunk) } { (trunk) } }
        @else if let Some(carrier) = event["carrier"]["id"].as_str() { a href={ "/carriers/" (carrier) } { (carrier) } }
        @else if let Some(edge) = event["edge"]["id"].as_str() { (edge) }
        " "
        @if let Some(to) = data["to"].as_str() { span class="quiet" { (w::state(text(data, "from"))) " → " } (w::state(to)) }
        @if let Some(version) = data["version"].as_u64() { (w::VERSION) " " (version) }
        @if let Some(code) = data["code"].as_str() { " " a class="code" href={ "/diagnoses/" (code) } { (code) } }
    }
}
