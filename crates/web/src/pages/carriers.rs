use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::REGISTRATIONS;
use super::carrier_form::ways;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Fields;
use crate::parts::{empty, entities, number, table, text, time, warnings};
use crate::session::Session;
use crate::{page, rates, words as w};

/// GET /carriers.
pub async fn list(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let cursor = escape(fields.get("cursor").unwrap_or_default());
    let listing = console.api.get(&who, &format!("/api/v2/carriers?pageSize=100&sortBy=name&cursor={cursor}")).await?;
    let rows = html! {
        @for carrier in entities(&listing) {
            tr {
                td { a href={ "/carriers/" (text(carrier, "id")) } { (text(carrier, "name")) } div class="quiet" { (text(carrier, "id")) } }
                td { @for registrar in carrier["registrars"].as_array().into_iter().flatten() { code { (registrar.as_str().unwrap_or_default()) } " " } }
                td { (policy(carrier)) }
                td class="number" { @if let Some(pace) = carrier["pacing"]["registersPerSecond"].as_u64() { (number(pace)) } @else { (w::BY_DEFAULT) } }
                td class="number" { @if let Some(expires) = carrier["expires"].as_u64() { (number(expires)) } @else { (w::BY_DEFAULT) } }
                td { (time(text(carrier, "dateModified"))) }
            }
        }
    };
    let content = html! {
        div class="title" { h1 { (w::CARRIERS) } @if who.may("telephony:carrier:add") { a class="button primary" href="/new/carrier" { (w::NEW_CARRIER) } } }
        @if entities(&listing).is_empty() { (empty(w::NO_CARRIERS)) }
        @else { (table(w::CARRIERS, &[w::CARRIER, w::REGISTRARS, w::POLICY, w::PACE, w::EXPIRES, w::CHANGED], rows)) }
        @if let Some(cursor) = listing["nextUri"].as_str().and(listing["cursor"].as_str()) { p { a class="button" href={ "/carriers?cursor=" (escape(cursor)) } { (w::NEXT_PAGE) } } }
    };
    Ok(page::page(&who, "/carriers", w::CARRIERS, content))
}

fn policy(carrier: &Value) -> Markup {
    let allowed = carrier["digestPolicy"]["allowed"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! { @if allowed.is_empty() { (w::BY_DEFAULT) } @for name in allowed { code { (name.as_str().unwrap_or_default()) } " " } }
}

/// GET /carriers/{carrier}: the whole profile.
pub async fn one(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let carrier = console.api.get(&who, &format!("/api/v2/carriers/{}", escape(&id))).await?;
    let metrics = match who.may("telephony:trunkRegistration:view") {
        true => Some(console.api.get(&who, &format!("{REGISTRATIONS}/metrics?hours=6&carrier.id={}", escape(&id))).await?),
        false => None,
    };
    let told = ["id", "name", "version", "dateCreated", "dateModified", "selfUri", "phraseNotes", "warnings"];
    let notes: Vec<(&String, &Value)> = carrier["phraseNotes"].as_object().into_iter().flatten().collect();
    let content = html! {
        p class="crumbs" { a href="/carriers" { (w::CARRIERS) } }
        div class="title" { h1 { (text(&carrier, "name")) " " span class="quiet" { (id) } } div class="actions" { a class="button" href={ "/trunks?carrier=" (id) } { (w::ITS_TRUNKS) } (ways(&who, &id)) } }
        (warnings(&carrier["warnings"]))
        @if let Some(metrics) = &metrics { section class="panel" { h2 { (w::RATES) } (rates::rates(metrics)) } }
        section class="panel" {
            h2 { (w::PROFILE) }
            dl class="facts" {
                @for (name, value) in carrier.as_object().into_iter().flatten().filter(|(name, _)| !told.contains(&name.as_str())) {
                    div { dt { (w::field(name)) } dd { (value_of(value)) } }
                }
                div { dt { (w::CHANGED) } dd { (time(text(&carrier, "dateModified"))) } }
            }
        }
        section class="panel" {
            h2 { (w::PHRASES) }
            @if notes.is_empty() { (empty(w::NO_PHRASES)) } @else {
                (table(w::PHRASES, &[w::PATTERN, w::NOTE], html! { @for (pattern, note) in &notes { tr { td { code { (pattern) } } td { (note.as_str().unwrap_or_default()) } } } }))
            }
        }
    };
    Ok(page::page(&who, "/carriers", text(&carrier, "name"), content))
}

/// A value of a profile as people read it.
pub fn value_of(value: &Value) -> Markup {
    html! {
        @match value {
            Value::String(text) => { code { (text) } }
            Value::Array(items) => { @for item in items { (value_of(item)) " " } }
            Value::Object(fields) => { @for (name, value) in fields { span class="quiet" { (w::field(name)) } " " (value_of(value)) " " } }
            Value::Bool(yes) => { (if *yes { w::YES } else { w::NO }) }
            Value::Null => { "–" }
            Value::Number(number) => { (number) }
        }
    }
}
