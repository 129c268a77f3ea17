//! A plan of the fleet: a form that begins with what there is, and what comes of it. The address holds the whole question.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::REGISTRATIONS;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::Fields;
use crate::inputs::{Field, refusal};
use crate::parts::{empty, entities, number, table, text};
use crate::plot::{plot, span};
use crate::session::Session;
use crate::{page, words as w};

/// So many carriers the form begins with, those with the most trunks.
const CARRIERS: usize = 20;
/// So many it takes at most.
const CARRIERS_MAX: usize = 50;

/// Numbers of a carrier: the field of the API, its name.
const NUMBERS: [(&str, &str); 7] = [
    ("trunks", w::TRUNKS),
    ("expires", w::EXPIRES),
    ("minRefresh", w::MIN_REFRESH_SHORT),
    ("registersPerSecond", w::PLAN_PACE),
    ("inFlight", w::PLAN_IN_FLIGHT),
    ("limit", w::PLAN_LIMIT),
    ("roundTripMs", w::PLAN_ROUND_TRIP),
];

/// Events: the word of the API, its name.
const EVENTS: [(&str, &str); 5] = [
    ("outage", w::PLAN_OUTAGE),
    ("restart", w::PLAN_RESTART),
    ("loss", w::PLAN_LOSS),
    ("expiry", w::PLAN_EXPIRY),
    ("nothing", w::PLAN_NOTHING),
];

/// GET /plan: with `edges` in the query the plan itself, below the form.
pub async fn page(State(console): State<Console>, who: Session, fields: Fields) -> Result<Response, Fault> {
    let asked = fields.get("edges").is_some();
    let answer = if asked { Some(console.api.post(&who, "/api/v2/plan", &question(&fields)).await?) } else { None };
    let fields = if asked { fields } else { present(&console, &who).await? };
    let refused = answer.as_ref().filter(|answer| !answer.status.is_success()).map(|answer| &answer.body);
    let planned = answer.as_ref().filter(|answer| answer.status.is_success()).map(|answer| &answer.body);
    let content = html! {
        h1 { (w::PLAN) }
        p class="quiet" { (w::PLAN_HINT) }
        @if let Some(plan) = planned { (outcome(plan)) }
        (refusal(refused))
        (form(&fields))
    };
    Ok(page::page(&who, "/plan", w::PLAN, content))
}

/// The form as it begins: the carriers with trunks in service, their pacing, and the edges that are there.
async fn present(console: &Console, who: &Session) -> Result<Fields, Fault> {
    let summary = console.api.get(who, &format!("{REGISTRATIONS}/summary")).await?;
    let edges = console.api.get_where_allowed(who, "telephony:edge:view", "/api/v2/edges?pageSize=100").await?;
    let online = entities(&edges).iter().filter(|edge| text(edge, "onlineStatus") == "ONLINE").count();
    let mut of_summary: Vec<&Value> = summary["carriers"].as_array().into_iter().flatten().collect();
    of_summary.sort_by_key(|of| std::cmp::Reverse(of["trunks"].as_u64()));
    let mut fields = vec![
        ("edges".to_owned(), online.clamp(1, 40).to_string()),
        ("kind".to_owned(), "outage".to_owned()),
        ("seconds".to_owned(), "300".to_owned()),
    ];
    let trunks = |carrier: &Value| carrier["load"]["trunks"].as_u64().unwrap_or_default();
    let mut with_trunks = Vec::new();
    for of in of_summary.into_iter().take(CARRIERS) {
        let path = format!("/api/v2/carriers/{}", escape(text(&of["carrier"], "id")));
        let carrier = console.api.get_where_allowed(who, "telephony:carrier:view", &path).await?;
        // In service: the others are not registered.
        if trunks(&carrier) > 0 {
            with_trunks.push(carrier);
        }
    }
    for (place, carrier) in with_trunks.iter().enumerate() {
        let whole = |value: &Value, otherwise: u64| value.as_u64().unwrap_or(otherwise).to_string();
        let mut put = |name: &str, value: String| fields.push((format!("{name}-{place}"), value));
        put("name", text(carrier, "id").to_owned());
        put("trunks", trunks(carrier).to_string());
        put("expires", whole(&carrier["expires"], 3600));
        put("minRefresh", whole(&carrier["minRefresh"], 0));
        put("nonceReuse", carrier["nonceReuse"].as_str().unwrap_or("auto").to_owned());
        put("registersPerSecond", whole(&carrier["pacing"]["registersPerSecond"], 500));
        put("inFlight", whole(&carrier["pacing"]["inFlight"], 200));
        put("roundTripMs", "40".to_owned());
    }
    Ok(fields.into_iter().collect())
}

/// What the API is asked. What is no number is sent as it was typed, so that the API says what is wrong with it.
fn question(fields: &Fields) -> Value {
    let value = |name: &str| fields.get(name).map(|typed| typed.trim().parse::<u64>().map_or_else(|_| typed.into(), Value::from));
    let mut carriers = Vec::new();
    for place in 0..CARRIERS_MAX {
        let Some(name) = fields.get(&format!("name-{place}")) else { continue };
        let mut carrier = Map::from_iter([("name".to_owned(), name.into())]);
        for (field, _) in NUMBERS {
            carrier.extend(value(&format!("{field}-{place}")).map(|value| (field.to_owned(), value)));
        }
        carrier.extend(fields.get(&format!("nonceReuse-{place}")).map(|reuse| ("nonceReuse".to_owned(), reuse.into())));
        carriers.push(Value::Object(carrier));
    }
    // What the event has no use for is left out.
    let kind = fields.get("kind").unwrap_or("nothing");
    let mut event = Map::from_iter([("kind".to_owned(), kind.into())]);
    let uses: &[&str] = match kind {
        "outage" => &["carrier", "seconds"],
        "restart" => &["seconds", "memory"],
        "loss" => &["carrier", "seconds", "loss"],
        "expiry" => &["carrier", "expires"],
        _ => &[],
    };
    for field in uses {
        let given = match *field {
            "loss" => value("loss").map(|percent| percent.as_u64().map_or(percent, |percent| json!(percent as f64 / 100.0))),
            "expires" => value("granted"),
            "carrier" | "memory" => fields.get(field).map(Value::from),
            other => value(other),
        };
        event.extend(given.map(|given| ((*field).to_owned(), given)));
    }
    json!({ "edges": value("edges"), "carriers": carriers, "event": event })
}

fn form(fields: &Fields) -> Markup {
    let typed = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let line = |name: &str, label: &str, hint: &str| Field::new(name, label, hint).number(&typed(name));
    let named: Vec<(usize, &str)> = (0..CARRIERS_MAX).filter_map(|place| Some((place, fields.get(&format!("name-{place}"))?))).collect();
    let more = named.iter().map(|(place, _)| place + 1).max().unwrap_or(0);
    let mut concerned = vec![("", w::PLAN_ALL_CARRIERS)];
    concerned.extend(named.iter().map(|(_, name)| (*name, *name)));
    html! {
        form class="panel" method="get" action="/plan" {
            fieldset class="grants" {
                legend { (w::PLAN_EVENT) }
                div class="pair" {
                    (line("edges", w::EDGES, ""))
                    (Field::new("kind", w::PLAN_WHAT, "").choice(&typed("kind"), &EVENTS))
                    (Field::new("carrier", w::CARRIER, "").choice(&typed("carrier"), &concerned))
                    (line("seconds", w::PLAN_SECONDS, w::PLAN_SECONDS_HINT))
                    (line("loss", w::PLAN_LOST, w::PLAN_LOST_HINT))
                    (line("granted", w::PLAN_GRANTED, w::PLAN_GRANTED_HINT))
                    (Field::new("memory", w::PLAN_MEMORY, w::PLAN_MEMORY_HINT).choice(&typed("memory"), &[("clean", w::PLAN_CLEAN), ("unclean", w::PLAN_UNCLEAN), ("none", w::PLAN_NONE)]))
                }
            }
            @for (place, name) in &named {
                fieldset class="grants" {
                    legend { (name) }
                    input type="hidden" name={ "name-" (place) } value=(name);
                    (numbers(fields, *place))
                }
            }
            @if more < CARRIERS_MAX {
                fieldset class="grants" {
                    legend { (w::PLAN_ANOTHER) }
                    div class="pair" { (Field::new(&format!("name-{more}"), w::NAME_LABEL, w::PLAN_ANOTHER_HINT).line("")) }
                    (numbers(fields, more))
                }
            }
            button class="primary" { (w::PLAN_DO) }
            " " a class="button" href="/plan" { (w::PLAN_AFRESH) }
        }
    }
}

fn numbers(fields: &Fields, place: usize) -> Markup {
    let typed = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let reuse = format!("nonceReuse-{place}");
    html! {
        div class="pair" {
            @for (field, label) in NUMBERS {
                @let name = format!("{field}-{place}");
                (Field::new(&name, label, "").number(&typed(&name)))
            }
            (Field::new(&reuse, w::PLAN_REUSE, "").choice(&typed(&reuse), &[("auto", w::PLAN_REUSE_AUTO), ("never", w::PLAN_REUSE_NEVER), ("always", w::PLAN_REUSE_ALWAYS)]))
        }
    }
}

fn outcome(plan: &Value) -> Markup {
    let whole = |value: &Value| value.as_u64().unwrap_or_default();
    let recovered =
        |outlook: &Value| if outlook["recovered"] == true { span(whole(&outlook["recoverySeconds"])) } else { w::PLAN_NEVER.to_owned() };
    let carriers = plan["carriers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let all = &plan["all"];
    let (worst, unbound) = (&all["worstSecond"], whole(&all["mostUnbound"]));
    let edge = &plan["edge"];
    let rows = html! {
        @for outlook in carriers {
            tr {
                td { (text(outlook, "name")) }
                td class="number" { (number(whole(&outlook["trunks"]))) }
                td class="number" { (format!("{:.1}", outlook["steadyPerSecond"].as_f64().unwrap_or_default())) }
                td class="number" { (number(whole(&outlook["worstSecond"]["registers"]))) }
                td class="number" { (number(whole(&outlook["lapses"]))) }
                td class="number" { (number(whole(&outlook["mostUnbound"]))) }
                td class="number" { (recovered(outlook)) }
            }
        }
    };
    let tone = |bad: bool| if bad { "bad" } else { "good" };
    html! {
        section class="panel" id="outcome" {
            h2 { (w::so_many_trunks(whole(&plan["trunks"]))) ", " (w::so_many_edges(whole(&plan["edges"]))) ": " (text(plan, "event")) }
            ul class="tiles" {
                li { span class="tile" { strong { (number(whole(&worst["registers"]))) "/s" } span { (w::PLAN_WORST) } } }
                li { span class={ "tile " (tone(whole(&all["lapses"]) > 0)) } { strong { (number(whole(&all["lapses"]))) } span { (w::PLAN_LAPSES) } } }
                li { span class={ "tile " (tone(unbound > 0)) } { strong { (number(unbound)) } span { (w::PLAN_MOST_UNBOUND) } } }
                li { span class={ "tile " (tone(all["recovered"] != true)) } { strong { (recovered(all)) } span { (w::PLAN_RECOVERY) } } }
            }
            @let exceeded = carriers.iter().filter(|outlook| outlook["limitExceeded"] == true);
            @let never = carriers.iter().filter(|outlook| outlook["recovered"] != true);
            @if exceeded.clone().next().is_some() || never.clone().next().is_some() {
                ul class="warnings" {
                    @for outlook in exceeded { li { strong { (text(outlook, "name")) } ": " (w::PLAN_EXCEEDED) } }
                    @for outlook in never { li { strong { (text(outlook, "name")) } ": " (w::PLAN_UNRECOVERED) } }
                }
            }
            (plot(plan))
            @if carriers.is_empty() { (empty(w::NO_CARRIERS)) }
            @else { (table(w::CARRIERS, &[w::CARRIER, w::TRUNKS, w::PLAN_STEADY, w::PLAN_WORST, w::PLAN_LAPSES, w::PLAN_MOST_UNBOUND, w::PLAN_RECOVERY], rows)) }
            p class="quiet" {
                (w::PLAN_EDGE) " " (number(whole(&edge["worstRegistersPerSecond"]))) " REGISTER/s, "
                (format!("{:.3}", edge["worstCores"].as_f64().unwrap_or_default())) " " (w::PLAN_CORES) ", "
                (number(whole(&edge["memoryBytes"]) / 1_000_000)) " MB."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_what_is_asked() {
        let pairs = [
            ("edges", "2"),
            ("kind", "loss"),
            ("seconds", "30"),
            ("loss", "25"),
            ("granted", "60"),
            ("memory", "none"),
            ("carrier", "a"),
            ("name-0", "a"),
            ("trunks-0", "100"),
            ("inFlight-0", "many"),
            ("nonceReuse-0", "never"),
            ("name-1", ""),
            ("trunks-1", "7"),
            ("name-9", "b"),
            ("trunks-9", "1"),
        ];
        let fields: Fields = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        assert_eq!(
            question(&fields),
            json!({
                "edges": 2, "event": { "kind": "loss", "carrier": "a", "seconds": 30, "loss": 0.25 },
                "carriers": [{ "name": "a", "trunks": 100, "inFlight": "many", "nonceReuse": "never" }, { "name": "b", "trunks": 1 }],
            })
        );
    }
}
