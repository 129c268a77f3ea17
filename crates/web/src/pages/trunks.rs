use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::Value;

use super::REGISTRATIONS;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::jobs::{self, Steer};
use crate::page::csrf;
use crate::parts::{badge, countdown, empty, entities, number, table, text, time};
use crate::session::Session;
use crate::{page, words as w};

/// Filters: the field of the page, the parameter of the API.
const FILTERS: [(&str, &str); 5] =
    [("site", "site.id"), ("carrier", "carrier.id"), ("state", "state"), ("diagnosis", "diagnosis.code"), ("edge", "edge.id")];
/// What may be done with many trunks: the action of the API, its name, what one must be allowed to.
const ACTIONS: [(&str, &str, &str); 3] = [
    ("refresh", w::REFRESH, "telephony:trunkRegistration:edit"),
    ("release-hold", w::RELEASE_HOLD, "telephony:trunkRegistration:edit"),
    ("unregister", w::UNREGISTER, "telephony:trunkCredential:edit"),
];
/// So many trunks a page shows.
const PAGE: usize = 50;

/// GET /trunks.
pub async fn page(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let api = &console.api;
    let mut query = String::new();
    for (field, name) in FILTERS {
        if let Some(value) = fields.get(field) {
            query.push_str(&format!("&{name}={}", escape(value)));
        }
    }
    let sort = fields.get("sort").unwrap_or("id");
    let descending = fields.get("order") == Some("descending");
    let order = if descending { "descending" } else { "ascending" };
    let listing = match fields.get("q") {
        Some(sought) => find(&console, &who, sought, &query).await?,
        None => {
            let cursor = fields.get("cursor").unwrap_or_default();
            let path =
                format!("{REGISTRATIONS}?pageSize={PAGE}&sortBy={}&sortOrder={order}&cursor={}{query}", escape(sort), escape(cursor));
            api.get(&who, &path).await?
        }
    };
    let sites = api.get_where_allowed(&who, "telephony:site:view", "/api/v2/sites?pageSize=200").await?;
    let carriers = api.get_where_allowed(&who, "telephony:carrier:view", "/api/v2/carriers?pageSize=200").await?;
    let kept: String = ["q", "site", "carrier", "state", "diagnosis", "edge", "sort", "order"]
        .iter()
        .filter_map(|name| Some(format!("&{name}={}", escape(fields.get(name)?))))
        .collect();
    let next =
        listing["nextUri"].as_str().and_then(|uri| uri.split_once("cursor=")).map(|(_, rest)| rest.split('&').next().unwrap_or_default());
    let actions: Vec<_> = ACTIONS.into_iter().filter(|(_, _, needed)| who.may(needed)).collect();
    let operates = !actions.is_empty();
    let content = html! {
        div class="title" { h1 { (w::TRUNKS) } @if who.may("telephony:trunk:edit") { a class="button" href="/bulk" { (w::IMPORT) } } }
        form class="filters" method="get" action="/trunks" role="search" {
            label { (w::SEARCH) input name="q" type="search" value=[fields.get("q")] placeholder=(w::SEARCH_HINT); }
            (choice(w::SITE, "site", &fields, entities(&sites).iter().map(|site| (text(site, "id"), text(site, "name")))))
            (choice(w::CARRIER, "carrier", &fields, entities(&carriers).iter().map(|carrier| (text(carrier, "id"), text(carrier, "name")))))
            (choice(w::STATE, "state", &fields, w::STATES.iter().copied()))
            label { (w::DIAGNOSIS) input name="diagnosis" value=[fields.get("diagnosis")] placeholder="sip.credentials.rejected"; }
            (choice(w::SORT, "sort", &fields, [("id", "id"), ("name", w::NAME), ("dateModified", w::CHANGED)].into_iter()))
            (choice(w::ORDER, "order", &fields, [("ascending", w::ASCENDING), ("descending", w::DESCENDING)].into_iter()))
            button { (w::FILTER) }
        }
        form method="post" action="/actions" {
            (csrf(&who))
            div id="trunks" data-live {
                p class="count" { strong { (number(listing["total"].as_u64().unwrap_or_default())) } " " (w::TRUNKS_FIT) }
                @if entities(&listing).is_empty() { (empty(w::NO_TRUNKS)) } @else { (rows(&listing, operates)) }
            }
            div class="pager" {
                @if fields.get("cursor").is_some() { a class="button" href={ "/trunks?" (kept.trim_start_matches('&')) } { (w::FIRST_PAGE) } }
                @if let Some(next) = next { a class="button" rel="next" href={ "/trunks?cursor=" (next) (kept) } { (w::NEXT_PAGE) } }
            }
            @if operates && !entities(&listing).is_empty() {
                fieldset class="inline" {
                    legend { (w::WITH_CHOSEN) }
                    @for (action, name, _) in &actions { button name="action" value=(action) { (name) } }
                }
            }
        }
    };
    Ok(page::page(&who, "/trunks", w::TRUNKS, content))
}

/// Finds by id, then by the whole name.
async fn find(console: &Console, who: &Session, sought: &str, query: &str) -> Result<Value, Fault> {
    let by = async |name: &str| console.api.get(who, &format!("{REGISTRATIONS}?pageSize={PAGE}&{name}={}{query}", escape(sought))).await;
    let by_id = by("trunkId").await?;
    if entities(&by_id).is_empty() { by("name").await } else { Ok(by_id) }
}

fn choice<'a>(label: &str, name: &str, fields: &Fields, options: impl Iterator<Item = (&'a str, &'a str)>) -> Markup {
    html! {
        label { (label)
            select name=(name) {
                @if name != "sort" && name != "order" { option value="" { (w::ANY) } }
                @for (value, shown) in options { option value=(value) selected[fields.get(name) == Some(value)] { (shown) } }
            }
        }
    }
}

fn rows(listing: &Value, choose: bool) -> Markup {
    let rows = html! {
        @for trunk in entities(listing) {
            @let id = text(trunk, "id");
            @let edge = &trunk["edges"][0];
            tr {
                @if choose { td class="pick" { input type="checkbox" name="trunk" value=(id) aria-label={ (w::CHOOSE) " " (id) }; } }
                td { a href={ "/trunks/" (id) } { (text(trunk, "name")) } div class="quiet" { (id) } }
                td { (badge(text(trunk, "registrationState"))) }
                td { (text(&trunk["site"], "id")) }
                td { (text(&trunk["carrier"], "id")) }
                td class="code" { (text(&edge["diagnosis"], "code")) }
                td { (text(&trunk["credentials"], "algorithm")) }
                td class="number" { @if let Some(trip) = edge["roundTripMs"].as_u64() { (trip) " ms" } }
                td { @if trunk["bound"] == true { (countdown(text(edge, "expiresAt"))) } @else { span class="quiet" { (w::NOT_BOUND) } } }
                td { (time(text(trunk, "since"))) }
            }
        }
    };
    let head = [w::CHOOSE, w::TRUNK, w::STATE, w::SITE, w::CARRIER, w::DIAGNOSIS, w::ALGORITHM, w::ROUND_TRIP, w::LAPSES, w::SINCE];
    table(w::TRUNKS, if choose { &head } else { &head[1..] }, rows)
}

/// POST /actions: asks whether it is meant, then begins.
pub async fn act(State(console): State<Console>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let chosen: Vec<String> = fields.all("trunk").take(jobs::TRUNKS_MAX).map(str::to_owned).collect();
    let wanted = fields.get("action").unwrap_or_default();
    let (action, name, _) = ACTIONS.into_iter().find(|(action, ..)| *action == wanted).ok_or(Fault::Missing)?;
    if fields.get("confirmed").is_some() && !chosen.is_empty() {
        let pace = fields.get("pace").and_then(|pace| pace.parse().ok()).unwrap_or(jobs::PACE.0);
        let id = console.jobs.begin(console.api.clone(), who, REGISTRATIONS, action, chosen, pace)?;
        return Ok(Redirect::to(&format!("/actions/{id}")).into_response());
    }
    let content = html! {
        p class="crumbs" { a href="/trunks" { (w::TRUNKS) } }
        h1 { (name) ": " (w::so_many_trunks(chosen.len() as u64)) }
        section class="panel narrow" {
            @if chosen.is_empty() { (empty(w::NONE_CHOSEN)) } @else {
                p { (w::CONFIRM) }
                ul class="columns" { @for trunk in &chosen { li { code { (trunk) } } } }
                form method="post" action="/actions" class="stack" {
                    (csrf(&who)) input type="hidden" name="action" value=(action); input type="hidden" name="confirmed" value="yes";
                    @for trunk in &chosen { input type="hidden" name="trunk" value=(trunk); }
                    div class="field short" { label for="pace" { (w::JOB_PACE) } input id="pace" name="pace" type="number" min="1" max=(jobs::PACE.1) value=(jobs::PACE.0); }
                    div class="actions" { button class="primary" { (name) } a class="button" href="/trunks" { (w::CANCEL) } }
                }
            }
            @if chosen.is_empty() { p { a href="/trunks" { (w::BACK_TO_TRUNKS) } } }
        }
    };
    Ok(page::page(&who, "/trunks", name, content))
}

/// GET /actions/{job}: how far it is.
pub async fn job(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let job = console.jobs.find(&who, &id).ok_or(Fault::Missing)?;
    let (progress, wanted) = (job.progress(), job.wanted());
    let name = ACTIONS.into_iter().find(|(action, ..)| *action == job.action).map_or(job.action, |(_, name, _)| name);
    let state = match (progress.ended, wanted) {
        (true, Steer::Cancel) => "CANCELLED",
        (true, _) => "COMPLETED",
        (false, Steer::Pause) => "PAUSED",
        (false, _) => "RUNNING",
    };
    let refused: Vec<(&String, &String)> =
        job.trunks.iter().zip(&progress.outcomes).filter_map(|(trunk, outcome)| Some((trunk, outcome.as_ref()?))).collect();
    let done = progress.outcomes.len() - refused.len();
    let rows = html! {
        @for (trunk, why) in &refused { tr { td { a href={ "/trunks/" (trunk) } { (trunk) } } td { (why) } } }
    };
    let content = html! {
        p class="crumbs" { a href="/trunks" { (w::TRUNKS) } }
        h1 { (name) ": " (w::so_many_trunks(job.trunks.len() as u64)) }
        section class="panel" id="job" data-live data-poll[!progress.ended] {
            p class="state" { (badge(state)) }
            p { strong { (progress.outcomes.len()) } " / " (job.trunks.len()) ": " strong { (done) } " " (w::DONE) ", " strong { (refused.len()) } " " (w::REFUSED_LINES) }
            progress aria-label=(w::PROGRESS) max=(job.trunks.len()) value=(progress.outcomes.len()) {}
            div class="actions" {
                @if !progress.ended { (steering(&who, &format!("/actions/{id}"), wanted == Steer::Pause)) }
                a class="button" href={ "/actions/" (id) "/report" } { (w::JOB_REPORT) }
                a class="button" href="/trunks" { (w::BACK_TO_TRUNKS) }
            }
            @if !refused.is_empty() { (table(w::REFUSED_LINES, &[w::TRUNK, w::MEANING], rows)) }
        }
    };
    Ok(page::page(&who, "/trunks", name, content))
}

/// The buttons of something that runs.
pub fn steering(who: &Session, at: &str, paused: bool) -> Markup {
    let (step, name) = if paused { ("resume", w::RESUME) } else { ("pause", w::PAUSE) };
    html! {
        form method="post" action={ (at) "/" (step) } { (csrf(who)) button { (name) } }
        form method="post" action={ (at) "/cancel" } { (csrf(who)) button { (w::STOP) } }
    }
}

/// POST /actions/{job}/{step}.
pub async fn steer(
    State(console): State<Console>,
    Path((id, step)): Path<(String, String)>,
    Posted { who, .. }: Posted,
) -> Result<Response, Fault> {
    let job = console.jobs.find(&who, &id).ok_or(Fault::Missing)?;
    job.steer(match step.as_str() {
        "pause" => Steer::Pause,
        "resume" => Steer::Run,
        "cancel" => Steer::Cancel,
        _ => return Err(Fault::Missing),
    });
    Ok(Redirect::to(&format!("/actions/{id}")).into_response())
}

/// GET /actions/{job}/report.
pub async fn report(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let job = console.jobs.find(&who, &id).ok_or(Fault::Missing)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], job.report()).into_response())
}
