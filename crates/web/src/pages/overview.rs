use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::REGISTRATIONS;
use crate::Console;
use crate::fault::Fault;
use crate::parts::{badge, countdown, empty, entities, number, table, text, time, tone};
use crate::session::Session;
use crate::{page, rates, timeline, words as w};

/// States in which a trunk needs somebody, the worst first.
const TROUBLED: [&str; 6] = ["AUTH_HELD", "REJECTED", "UNREACHABLE", "EXPIRED", "DEGRADED", "RETRY_WAIT"];
/// So many trunks of a state are looked at.
const LOOKED_AT: usize = 20;
/// A binding that lapses within so many seconds, and whose renewal fails, comes first after what is held.
const LAPSES_SOON: u32 = 900;
/// So many trunks are shown as needing attention.
const SHOWN: usize = 12;

/// GET /.
pub async fn page(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    let api = &console.api;
    let summary = api.get(&who, &format!("{REGISTRATIONS}/summary")).await?;
    let total = total_of(&summary);
    let counted = |state: &str| summary["states"][state].as_u64().unwrap_or_default();
    let counts: Vec<(&str, u64)> = w::STATES.iter().map(|(state, _)| (*state, counted(state))).collect();
    let mut troubled: Vec<Value> = Vec::new();
    for state in TROUBLED.into_iter().filter(|state| counted(state) > 0) {
        let listing = api.get(&who, &format!("{REGISTRATIONS}?state={state}&pageSize={LOOKED_AT}")).await?;
        troubled.extend(entities(&listing).iter().cloned());
    }
    let edges = api.get_where_allowed(&who, "telephony:edge:view", "/api/v2/edges?pageSize=100").await?;
    let carriers = api.get_where_allowed(&who, "telephony:carrier:view", "/api/v2/carriers?pageSize=500").await?;
    let lapsing = api.get(&who, &format!("{REGISTRATIONS}?lapsesWithin={LAPSES_SOON}&pageSize={LOOKED_AT}")).await?;
    let troubled = by_urgency(troubled, entities(&lapsing));
    let metrics = api.get(&who, &format!("{REGISTRATIONS}/metrics?hours=3")).await?;
    let events = api.get(&who, "/api/v2/events?pageSize=500").await?;
    let now = jiff::Timestamp::now().as_microsecond();
    let content = html! {
        h1 { (w::OVERVIEW) }
        div id="overview" data-live {
            (states(total, &counts))
            div class="grid" {
                section class="panel wide" { h2 { (w::ATTENTION) } (attention(&troubled, TROUBLED.into_iter().map(counted).sum(), total_of(&lapsing))) }
                @if !carriers.is_null() { section class="panel" { h2 { (w::CARRIERS_BY_SHARE) } (carriers_by_share(&summary, &carriers)) } }
                section class="panel wide" { h2 { (w::RATES) } (rates::rates(&metrics)) }
                @if !edges.is_null() { section class="panel" { h2 { (w::EDGES) } (edges_by_state(&edges)) } }
                section class="panel full" {
                    h2 { (w::ACTIVITY) } (timeline::activity(entities(&events), now))
                    ul class="feed" {
                        @for event in entities(&events).iter().take(8) { li { (super::events::line(event)) } }
                    }
                }
            }
        }
    };
    Ok(page::page(&who, "/", w::OVERVIEW, content))
}

fn total_of(listing: &Value) -> u64 {
    listing["total"].as_u64().unwrap_or_default()
}

/// Held first: nothing goes on there without somebody. Then what lapses soon, the soonest first; then the rest, the worst state first.
fn by_urgency(troubled: Vec<Value>, lapsing: &[Value]) -> Vec<Value> {
    let lapses = |trunk: &Value| {
        trunk["edges"].as_array().into_iter().flatten().filter_map(|edge| edge["expiresAt"].as_str()).min().map(str::to_owned)
    };
    let mut soon: Vec<&Value> = lapsing.iter().collect();
    soon.sort_by_key(|trunk| lapses(trunk));
    let is_soon = |trunk: &Value| soon.iter().any(|other| other["id"] == trunk["id"]);
    let (held, rest): (Vec<Value>, Vec<Value>) = troubled.into_iter().partition(|trunk| text(trunk, "registrationState") == "AUTH_HELD");
    let rest: Vec<Value> = rest.into_iter().filter(|trunk| !is_soon(trunk)).collect();
    let soon =
        soon.iter().filter(|trunk| !held.iter().any(|other| other["id"] == trunk["id"])).map(|trunk| (*trunk).clone()).collect::<Vec<_>>();
    held.into_iter().chain(soon).chain(rest).collect()
}

/// Tiles: those that are registered, those that need somebody, and what else there is.
fn states(total: u64, counts: &[(&str, u64)]) -> Markup {
    let mut shown: Vec<&(&str, u64)> =
        counts.iter().filter(|(state, count)| *count > 0 || matches!(*state, "REGISTERED" | "AUTH_HELD" | "REJECTED")).collect();
    shown.sort_by_key(|(state, _)| *state != "REGISTERED");
    html! {
        ul class="tiles" {
            li { a class="tile" href="/trunks" { strong { (number(total)) } span { (w::TRUNKS) } } }
            @for (state, count) in shown {
                li { a class={ "tile " (if *count > 0 { tone(state) } else { "idle" }) } href={ "/trunks?state=" (state) } { strong { (number(*count)) } span { (w::state(state)) } } }
            }
        }
    }
}

fn attention(troubled: &[Value], in_all: u64, lapsing: u64) -> Markup {
    if troubled.is_empty() {
        return empty(w::ALL_WELL);
    }
    let rows = html! {
        @for trunk in troubled.iter().take(SHOWN) {
            @let edge = &trunk["edges"][0];
            tr {
                td { a href={ "/trunks/" (text(trunk, "id")) } { (text(trunk, "name")) } }
                td { (badge(text(trunk, "registrationState"))) }
                td class="code" { (text(&edge["diagnosis"], "code")) }
                td { @if trunk["bound"] == true { (countdown(text(edge, "expiresAt"))) } @else { (w::NOT_BOUND) } }
                td { (time(text(trunk, "since"))) }
            }
        }
    };
    html! {
        @if lapsing > 0 { p class="alert" { strong { (lapsing) } " " (w::LAPSE_SOON) } }
        (attention_table(rows))
        @if troubled.len() > SHOWN || in_all > troubled.len() as u64 { p class="quiet" { (w::AND_MORE) } }
    }
}

fn attention_table(rows: Markup) -> Markup {
    table(w::ATTENTION, &[w::TRUNK, w::STATE, w::DIAGNOSIS, w::LAPSES, w::SINCE], rows)
}

fn carriers_by_share(summary: &Value, carriers: &Value) -> Markup {
    let shares = summary["carriers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if shares.is_empty() {
        return empty(if entities(carriers).is_empty() { w::NO_CARRIERS } else { w::NO_SHARES });
    }
    html! {
        ul class="shares" {
            @for share in shares.iter().take(12) {
                @let id = text(&share["carrier"], "id");
                @let name = entities(carriers).iter().find(|carrier| text(carrier, "id") == id).map_or(id, |carrier| text(carrier, "name"));
                @let (failing, trunks) = (share["failing"].as_u64().unwrap_or_default(), share["trunks"].as_u64().unwrap_or_default());
                li {
                    a href={ "/carriers/" (id) } { (name) }
                    span class="quiet" { (number(failing)) " / " (number(trunks)) }
                    meter min="0" max=(trunks.max(1)) value=(failing) aria-label={ (w::FAILING) " " (name) } {}
                }
            }
        }
    }
}

fn edges_by_state(edges: &Value) -> Markup {
    if entities(edges).is_empty() {
        return empty(w::NO_EDGES);
    }
    html! {
        ul class="shares" {
            @for edge in entities(edges) {
                li { a href="/edges" { (text(edge, "id")) } span class="quiet" { (text(&edge["site"], "id")) } (badge(text(edge, "onlineStatus"))) }
            }
        }
    }
}
