use axum::extract::State;
use axum::response::Response;
use maud::html;

use super::carriers::value_of;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Fields;
use crate::parts::{empty, entities, table, text, time};
use crate::session::Session;
use crate::{page, words as w};

/// Filters: the field of the page, the parameter of the API, its name.
const FILTERS: [(&str, &str, &str); 4] = [
    ("client", "clientId", w::CLIENT),
    ("action", "action", w::ACTION),
    ("type", "entityType", w::KIND),
    ("entity", "entityId", w::ENTITY),
];

/// GET /audit: who changed what; `?verify` checks the chain.
pub async fn page(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let mut query = String::new();
    let mut kept = String::new();
    for (field, name, _) in FILTERS {
        if let Some(value) = fields.get(field) {
            query.push_str(&format!("&{name}={}", escape(value)));
            kept.push_str(&format!("&{field}={}", escape(value)));
        }
    }
    let cursor = escape(fields.get("cursor").unwrap_or_default());
    let listing = console.api.get(&who, &format!("/api/v2/audits?pageSize=50&sortOrder=descending&cursor={cursor}{query}")).await?;
    let verified = match fields.get("verify") {
        Some(_) => Some(console.api.get(&who, "/api/v2/audits/verify").await?),
        None => None,
    };
    let rows = html! {
        @for record in entities(&listing) {
            tr {
                td class="number" { (record["number"]) }
                td { (time(text(record, "date"))) }
                td { (text(&record["client"], "id")) @if let Some(address) = record["remoteAddress"].as_str() { div class="quiet" { (address) } } }
                td { (text(record, "action")) }
                td { (text(record, "entityType")) " " code { (text(record, "entityId")) } }
                td {
                    @if record["before"].is_object() || record["after"].is_object() {
                        details { summary { (w::WHAT_CHANGED) } p { strong { (w::BEFORE) } " " (value_of(&record["before"])) } p { strong { (w::AFTER) } " " (value_of(&record["after"])) } }
                    }
                }
            }
        }
    };
    let content = html! {
        div class="title" { h1 { (w::AUDIT) } a class="button" href="/audit?verify=yes" { (w::VERIFY_CHAIN) } }
        @if let Some(verified) = &verified {
            @if verified["intact"] == true { p class="done" role="status" { "✓ " (w::CHAIN_INTACT) " " (verified["records"]) " " (w::RECORDS) } }
            @else { div class="alert" role="alert" { (w::CHAIN_BROKEN) " " (value_of(verified)) } }
        }
        form class="filters" method="get" action="/audit" {
            @for (field, _, name) in FILTERS { label { (name) input name=(field) value=[fields.get(field)]; } }
            button { (w::FILTER) }
        }
        p class="count" { strong { (listing["total"]) } " " (w::RECORDS) }
        @if entities(&listing).is_empty() { (empty(w::NO_RECORDS)) }
        @else { (table(w::AUDIT, &[w::NUMBER, w::WHEN, w::CLIENT, w::ACTION, w::ENTITY, w::CHANGES], rows)) }
        @if let Some(cursor) = listing["nextUri"].as_str().and(listing["cursor"].as_str()) { p { a class="button" href={ "/audit?cursor=" (escape(cursor)) (kept) } { (w::NEXT_PAGE) } } }
    };
    Ok(page::page(&who, "/audit", w::AUDIT, content))
}
