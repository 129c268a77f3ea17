use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Value, json};

use super::REGISTRATIONS;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Posted;
use crate::page::csrf;
use crate::parts::{badge, countdown, diagnosis, empty, entities, table, text, time, warnings};
use crate::session::Session;
use crate::{page, timeline, words as w};

/// What is done for a trunk now: the action of the API, its name, what one must be allowed to.
const ACTIONS: [(&str, &str, &str); 3] = [
    ("refresh", w::REFRESH, "telephony:trunkRegistration:edit"),
    ("release-hold", w::RELEASE_HOLD, "telephony:trunkRegistration:edit"),
    ("trace", w::TRACE, "telephony:trace:view"),
];

/// GET /trunks/{trunk}.
pub async fn page(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let api = &console.api;
    let at = format!("{REGISTRATIONS}/{}", escape(&id));
    let trunk = api.get(&who, &at).await?;
    let versions = api.get(&who, &format!("{at}/credentials?pageSize=20&sortOrder=descending")).await?;
    let attempts = api.get_where_allowed(&who, "telephony:trunk:view", &format!("{at}/attempts?pageSize=20")).await?;
    let events = api.get(&who, &format!("/api/v2/events?pageSize=200&kind=registration.state&trunkId={}", escape(&id))).await?;
    let now = jiff::Timestamp::now().as_microsecond();
    let (state, since) = (text(&trunk, "registrationState"), text(&trunk, "since"));
    let content = html! {
        div class="title" {
            h1 { (text(&trunk, "name")) " " span class="quiet" { (id) } }
            (actions(&who, &id))
        }
        div id="trunk" data-live data-trunk=(id) {
            div class="grid" {
                section class="panel" {
                    h2 { (w::STATE) }
                    p class="state" { (badge(state)) " " (w::SINCE) " " (time(since)) }
                    (facts(&trunk))
                }
                @for edge in trunk["edges"].as_array().map(Vec::as_slice).unwrap_or_default() { (seen_by(edge)) }
            }
            @for edge in trunk["edges"].as_array().map(Vec::as_slice).unwrap_or_default() {
                @if edge["diagnosis"].is_object() { section class="panel" { h2 { (w::PRESENT_DIAGNOSIS) } (diagnosis(&edge["diagnosis"])) } }
            }
            (warnings(&trunk["warnings"]))
            section class="panel" {
                h2 { (w::TIMELINE) }
                (timeline::timeline(entities(&events), state, since, now, 24))
                (timeline::timeline(entities(&events), state, since, now, 168))
            }
            section class="panel" { h2 { (w::CREDENTIALS) } (credentials(&who, &id, &trunk, &versions)) }
            @if !attempts.is_null() { section class="panel" { h2 { (w::ATTEMPTS) } (exchanges(&id, &attempts)) } }
        }
    };
    Ok(page::page(&who, "/trunks", text(&trunk, "name"), content))
}

fn actions(who: &Session, id: &str) -> Markup {
    html! {
        div class="actions" {
            @if who.may("telephony:trunkCredential:edit") { a class="button primary" href={ "/trunks/" (id) "/credentials" } { (w::SET_CREDENTIALS) } }
            @for (action, name, needed) in ACTIONS {
                @if who.may(needed) {
                    form method="post" action={ "/trunks/" (id) "/actions/" (action) } { (csrf(who)) button { (name) } }
                }
            }
            @if who.may("telephony:trunk:view") { a class="button" href={ "/trunks/" (id) "/report" } { (w::REPORT) } }
        }
    }
}

fn facts(trunk: &Value) -> Markup {
    let registrars: Vec<&str> = trunk["registrars"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    html! {
        dl class="facts" {
            div { dt { (w::ADDRESS_OF_RECORD) } dd { code { (text(trunk, "addressOfRecord")) } } }
            div { dt { (w::CARRIER) } dd { a href={ "/carriers/" (text(&trunk["carrier"], "id")) } { (text(&trunk["carrier"], "id")) } } }
            div { dt { (w::SITE) } dd { (text(&trunk["site"], "id")) } }
            div { dt { (w::REGISTRAR) } dd { @for registrar in registrars { code { (registrar) } " " } } }
            @if let Some(until) = trunk["traceUntil"].as_str() { div { dt { (w::TRACED_UNTIL) } dd { (time(until)) } } }
            @if let Some(until) = trunk["maintenanceUntil"].as_str() { div { dt { (w::MAINTENANCE_UNTIL) } dd { (time(until)) } } }
        }
    }
}

fn seen_by(edge: &Value) -> Markup {
    let negotiated = &edge["negotiated"];
    html! {
        section class="panel" {
            h2 { (text(&edge["edge"], "id")) }
            p class="state" { (badge(text(edge, "registrationState"))) " " (w::SINCE) " " (time(text(edge, "since"))) }
            dl class="facts" {
                @if edge["bound"] == true {
                    div { dt { (w::NEXT_REFRESH) } dd { (countdown(text(edge, "nextActionAt"))) } }
                    div { dt { (w::LAPSES) } dd { (countdown(text(edge, "expiresAt"))) } }
                } @else { div { dt { (w::BINDING) } dd { (w::NOT_BOUND) } } }
                @if let Some(code) = edge["lastResponse"]["code"].as_u64() { div { dt { (w::LAST_ANSWER) } dd { (code) " " (text(&edge["lastResponse"], "reason")) } } }
                @if let Some(trip) = edge["roundTripMs"].as_u64() { div { dt { (w::ROUND_TRIP) } dd { (trip) " ms" } } }
                @if negotiated.is_object() { div { dt { (w::NEGOTIATED) } dd { code { (text(negotiated, "realm")) } " " (text(negotiated, "algorithm")) " " (text(negotiated, "qop")) } } }
                div { dt { (w::SEEN_AS) } dd { (text(edge, "publicAddress")) } }
                div { dt { "OPTIONS" } dd { (badge(text(&edge["options"], "state"))) } }
                div { dt { (w::REFRESHES) } dd { (edge["refreshes"].as_u64().unwrap_or_default()) } }
            }
        }
    }
}

fn credentials(who: &Session, id: &str, trunk: &Value, versions: &Value) -> Markup {
    if entities(versions).is_empty() {
        return empty(w::NO_CREDENTIALS);
    }
    let rows = html! {
        @for version in entities(versions) {
            tr {
                td class="number" { (version["version"].as_u64().unwrap_or_default()) }
                td { (badge(text(version, "state"))) }
                td { code { (text(version, "username")) } }
                td { code { (text(version, "realm")) } }
                td { (text(version, "algorithm")) }
                td { @if let Some(code) = version["diagnosis"]["code"].as_str() { a class="code" href={ "/diagnoses/" (code) } { (code) } } }
                td { (time(text(version, "dateModified"))) }
            }
        }
    };
    html! {
        (table(w::CREDENTIALS, &[w::VERSION, w::STATE, w::USERNAME, w::REALM, w::ALGORITHM, w::DIAGNOSIS, w::CHANGED], rows))
        @if trunk["credentials"]["previousVersion"].is_number() && who.may("telephony:trunkCredential:edit") {
            form method="post" action={ "/trunks/" (id) "/rollback" } {
                (csrf(who)) input type="hidden" name="version" value=(trunk["credentials"]["previousVersion"]);
                button { (w::ROLL_BACK) " " (trunk["credentials"]["previousVersion"]) }
            }
        }
    }
}

fn exchanges(id: &str, attempts: &Value) -> Markup {
    if entities(attempts).is_empty() {
        return empty(w::NO_ATTEMPTS);
    }
    let rows = html! {
        @for attempt in entities(attempts) {
            tr {
                td { a href={ "/trunks/" (id) "/attempts/" (text(attempt, "id")) } { (time(text(attempt, "startedAt"))) } }
                td { (w::kind(text(attempt, "kind"))) }
                td { @if attempt["accepted"] == true { span class="badge good" { "✓ " (w::ACCEPTED) } } @else { span class="badge bad" { "✗ " (w::NOT_ACCEPTED) } } }
                td class="code" { (text(&attempt["diagnosis"], "code")) }
                td { (text(&attempt["edge"], "id")) }
                td class="number" { (attempt["durationMs"].as_u64().unwrap_or_default()) " ms" }
                td class="number" { (attempt["messageCount"].as_u64().unwrap_or_default()) }
            }
        }
    };
    table(w::ATTEMPTS, &[w::WHEN, w::KIND, w::OUTCOME, w::DIAGNOSIS, w::EDGE, w::TOOK, w::MESSAGES], rows)
}

/// POST /trunks/{trunk}/actions/{action}.
pub async fn act(
    State(console): State<Console>,
    Path((id, action)): Path<(String, String)>,
    Posted { who, .. }: Posted,
) -> Result<Response, Fault> {
    let body = match action.as_str() {
        "refresh" | "release-hold" => json!({}),
        "trace" => json!({ "minutes": 30 }),
        _ => return Err(Fault::Missing),
    };
    let answer = console.api.post(&who, &format!("{REGISTRATIONS}/{}/actions/{action}", escape(&id)), &body).await?;
    if answer.status.is_success() || answer.status == StatusCode::CONFLICT && action == "release-hold" {
        return Ok(Redirect::to(&format!("/trunks/{}", escape(&id))).into_response());
    }
    Err(Fault::Refused { status: answer.status, body: answer.body })
}
