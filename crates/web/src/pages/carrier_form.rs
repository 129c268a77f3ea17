//! Making, changing and deleting a carrier's profile.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::inputs::{Field, marks, refusal};
use crate::page::csrf;
use crate::parts::text;
use crate::session::Session;
use crate::{page, words as w};

const CARRIERS: &str = "/api/v2/carriers";
const ALGORITHMS: [&str; 3] = ["SHA-512-256", "SHA-256", "MD5"];
const TRANSPORTS: [&str; 5] = ["udp", "tcp", "tls", "ws", "wss"];
/// Numbers of the profile: the field of the form, where it is in the profile, its name.
const NUMBERS: [(&str, &str, &str); 12] = [
    ("expires", "/expires", w::EXPIRES),
    ("minRefresh", "/minRefresh", w::MIN_REFRESH),
    ("registersPerSecond", "/pacing/registersPerSecond", w::PACE),
    ("inFlight", "/pacing/inFlight", w::IN_FLIGHT),
    ("interval", "/options/interval", w::OPTIONS_INTERVAL),
    ("failureThreshold", "/options/failureThreshold", w::OPTIONS_DOWN),
    ("successThreshold", "/options/successThreshold", w::OPTIONS_UP),
    ("failures", "/failureBudget/failures", w::BUDGET_FAILURES),
    ("window", "/failureBudget/window", w::BUDGET_WINDOW),
    ("perVersion", "/failureBudget/perVersion", w::BUDGET_PER_VERSION),
    ("forbiddenRetry", "/forbiddenRetry", w::FORBIDDEN_RETRY),
    ("bindingLimit", "/bindingLimit", w::BINDING_LIMIT),
];
/// Lines of the profile.
const LINES: [(&str, &str, &str); 4] = [
    ("description", w::DESCRIPTION, ""),
    ("outboundProxy", w::OUTBOUND_PROXY, w::OUTBOUND_PROXY_HINT),
    ("requestUri", w::REQUEST_URI, w::REQUEST_URI_HINT),
    ("userAgent", w::USER_AGENT, ""),
];
/// What the form has fields of its own for; the rest stands in one field, as the API writes it.
const COVERED: [&str; 16] = [
    "description",
    "registrars",
    "outboundProxy",
    "requestUri",
    "userAgent",
    "transports",
    "expires",
    "minRefresh",
    "pacing",
    "options",
    "failureBudget",
    "forbiddenRetry",
    "bindingLimit",
    "digestPolicy",
    "phraseNotes",
    "maintenance",
];
/// Of the entity, not of the profile.
const ENTITY: [&str; 9] = ["id", "name", "version", "dateCreated", "dateModified", "selfUri", "load", "warnings", "revision"];

/// GET /new/carrier.
pub async fn new(who: Session) -> Response {
    let profile = json!({ "expires": 3600, "pacing": { "registersPerSecond": 50, "inFlight": 20 } });
    shown(&who, None, &written(&profile), None)
}

/// GET /carriers/{carrier}/edit.
pub async fn edit(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let carrier = console.api.get(&who, &format!("{CARRIERS}/{}", escape(&id))).await?;
    Ok(shown(&who, Some(&id), &written(&carrier), None))
}

/// POST /new/carrier.
pub async fn create(State(console): State<Console>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let body = match body(&fields) {
        Ok(mut body) => {
            // What is empty has the default.
            body.retain(|_, value| !value.is_null());
            body
        }
        Err(says) => return Ok(shown(&who, None, &fields, Some(&json!({ "message": says })))),
    };
    let answer = console.api.post(&who, CARRIERS, &Value::Object(body)).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to(&format!("/carriers/{}", escape(text(&answer.body, "id")))).into_response());
    }
    Ok(shown(&who, None, &fields, Some(&answer.body)))
}

/// POST /carriers/{carrier}/edit.
pub async fn change(State(console): State<Console>, Path(id): Path<String>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let at = format!("{CARRIERS}/{}", escape(&id));
    let mut body = match body(&fields) {
        Ok(body) => body,
        Err(says) => return Ok(shown(&who, Some(&id), &fields, Some(&json!({ "message": says })))),
    };
    body.remove("id");
    body.insert("version".into(), fields.get("version").and_then(|version| version.parse::<u64>().ok()).unwrap_or_default().into());
    // What was taken out of the rest is removed.
    let before = console.api.get(&who, &at).await?;
    for (name, _) in before.as_object().into_iter().flatten() {
        if !COVERED.contains(&name.as_str()) && !ENTITY.contains(&name.as_str()) && !body.contains_key(name) {
            body.insert(name.clone(), Value::Null);
        }
    }
    let answer = console.api.call(&who, Method::PATCH, &at, Some(&Value::Object(body))).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to(&format!("/carriers/{}", escape(&id))).into_response());
    }
    Ok(shown(&who, Some(&id), &fields, Some(&answer.body)))
}

/// GET /carriers/{carrier}/delete: asks whether it is meant.
pub async fn ask(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let carrier = console.api.get(&who, &format!("{CARRIERS}/{}", escape(&id))).await?;
    let at = format!("/carriers/{}", escape(&id));
    Ok(confirm(&who, "/carriers", w::DELETE_CARRIER, &format!("{} ({id})", text(&carrier, "name")), &at, w::DELETE_CARRIER_NOTE, None))
}

/// POST /carriers/{carrier}/delete.
pub async fn delete(State(console): State<Console>, Path(id): Path<String>, Posted { who, .. }: Posted) -> Result<Response, Fault> {
    let answer = console.api.call(&who, Method::DELETE, &format!("{CARRIERS}/{}", escape(&id)), None).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to("/carriers").into_response());
    }
    let at = format!("/carriers/{}", escape(&id));
    Ok(confirm(&who, "/carriers", w::DELETE_CARRIER, &id, &at, "", Some(&answer.body)))
}

/// Asks whether something is really to be deleted.
pub fn confirm(who: &Session, place: &str, title: &str, what: &str, at: &str, note: &str, refused: Option<&Value>) -> Response {
    let content = html! {
        h1 { (title) }
        section class="panel narrow" {
            (refusal(refused))
            p { (w::DELETE_REALLY) " " strong { (what) } }
            @if !note.is_empty() { p class="quiet" { (note) } }
            form method="post" action={ (at) "/delete" } class="actions" {
                (csrf(who))
                button class="danger" { (title) }
                a class="button" href=(at) { (w::CANCEL) }
            }
        }
    };
    page::page(who, place, title, content)
}

/// A profile as the form shows it.
fn written(carrier: &Value) -> Fields {
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    put("id", text(carrier, "id").to_owned());
    put("name", text(carrier, "name").to_owned());
    put("version", carrier["version"].as_u64().unwrap_or_default().to_string());
    for (name, ..) in LINES {
        put(name, text(carrier, name).to_owned());
    }
    for (name, at, _) in NUMBERS {
        put(name, carrier.pointer(at).and_then(Value::as_u64).map(|number| number.to_string()).unwrap_or_default());
    }
    let list =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect() };
    put("registrars", list(&carrier["registrars"]).join("\n"));
    for transport in list(&carrier["transports"]) {
        put("transports", transport);
    }
    for algorithm in list(&carrier["digestPolicy"]["allowed"]) {
        put("allowed", algorithm);
    }
    put("onDowngrade", text(&carrier["digestPolicy"], "onDowngrade").to_owned());
    let notes = carrier["phraseNotes"].as_object().into_iter().flatten();
    put(
        "phraseNotes",
        notes.map(|(pattern, note)| format!("{pattern} => {}", note.as_str().unwrap_or_default())).collect::<Vec<_>>().join("\n"),
    );
    let windows = carrier["maintenance"].as_array().into_iter().flatten();
    let window =
        |window: &Value| format!("{}-{} {}", text(window, "from"), text(window, "to"), text(window, "timeZone")).trim_end().to_owned();
    put("maintenance", windows.map(window).collect::<Vec<_>>().join("\n"));
    let rest: Map<String, Value> = carrier
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !COVERED.contains(&name.as_str()) && !ENTITY.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    put("rest", if rest.is_empty() { String::new() } else { serde_json::to_string_pretty(&rest).unwrap_or_default() });
    fields.into_iter().collect()
}

/// The form as the API takes it: what is empty is null, which removes it.
fn body(fields: &Fields) -> Result<Map<String, Value>, String> {
    let mut body = Map::new();
    if let Some(rest) = fields.get("rest") {
        body = serde_json::from_str(rest).map_err(|error| format!("{} {error}.", w::REST_MALFORMED))?;
    }
    let line = |name: &str| fields.get(name).map(str::trim).filter(|text| !text.is_empty());
    for name in ["id", "name"] {
        if let Some(text) = line(name) {
            body.insert(name.into(), text.into());
        }
    }
    for (name, ..) in LINES {
        body.insert(name.into(), line(name).map_or(Value::Null, Value::from));
    }
    for (name, at, label) in NUMBERS {
        let number = match line(name) {
            Some(digits) => Some(digits.parse::<u64>().map_err(|_| format!("{label}: {digits:?} {}", w::NOT_A_NUMBER))?),
            None => None,
        };
        let mut path = at.trim_start_matches('/').split('/');
        let (first, second) = (path.next().unwrap_or_default(), path.next());
        match (second, number) {
            (None, number) => drop(body.insert(first.into(), number.map_or(Value::Null, Value::from))),
            (Some(within), number) => {
                let whole = body.entry(first).or_insert(Value::Null);
                if let Some(number) = number {
                    if whole.is_null() {
                        *whole = json!({});
                    }
                    whole[within] = number.into();
                }
            }
        }
    }
    let lines = |name: &str| fields.get(name).into_iter().flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty());
    body.insert("registrars".into(), lines("registrars").collect());
    let transports: Vec<&str> = fields.all("transports").collect();
    body.insert("transports".into(), if transports.is_empty() { Value::Null } else { transports.into() });
    let allowed: Vec<&str> = fields.all("allowed").collect();
    let mut policy = json!({ "allowed": allowed });
    if let Some(downgrade) = line("onDowngrade") {
        policy["onDowngrade"] = downgrade.into();
    }
    body.insert("digestPolicy".into(), if allowed.is_empty() { Value::Null } else { policy });
    let mut notes = Map::new();
    for line in lines("phraseNotes") {
        let (pattern, note) = line.split_once("=>").ok_or_else(|| format!("{} {line:?}", w::NOTE_MALFORMED))?;
        notes.insert(pattern.trim().to_owned(), note.trim().into());
    }
    body.insert("phraseNotes".into(), if notes.is_empty() { Value::Null } else { notes.into() });
    let mut windows = Vec::new();
    for line in lines("maintenance") {
        let (span, zone) = line.split_once(' ').unwrap_or((line, ""));
        let (from, to) = span.split_once(['-', '–']).ok_or_else(|| format!("{} {line:?}", w::WINDOW_MALFORMED))?;
        let mut window = json!({ "from": from.trim(), "to": to.trim() });
        if !zone.trim().is_empty() {
            window["timeZone"] = zone.trim().into();
        }
        windows.push(window);
    }
    body.insert("maintenance".into(), if windows.is_empty() { Value::Null } else { windows.into() });
    Ok(body)
}

fn shown(who: &Session, id: Option<&str>, fields: &Fields, refused: Option<&Value>) -> Response {
    let title = if id.is_some() { w::EDIT_CARRIER } else { w::NEW_CARRIER };
    let at = id.map_or_else(|| "/carriers".to_owned(), |id| format!("/carriers/{}", escape(id)));
    let value = |name: &str| fields.get(name).unwrap_or_default();
    let field = |name: &'static str, label: &'static str, hint: &'static str| Field::new(name, label, hint).judged(refused, name);
    let number = |name: &'static str| {
        let (_, path, label) = NUMBERS.into_iter().find(|(of, ..)| *of == name).unwrap_or_default();
        let whole = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        Field::new(name, label, "").judged(refused, whole).number(value(name))
    };
    let marked = |name: &'static str| move |option: &str| fields.all(name).any(|marked| marked == option);
    let content = html! {
        p class="crumbs" { a href="/carriers" { (w::CARRIERS) } @if let Some(id) = id { " / " a href=(at) { (id) } } }
        h1 { (title) }
        form method="post" action={ @if id.is_some() { (at) "/edit" } @else { "/new/carrier" } } class="stack" {
            (csrf(who))
            @if id.is_some() { input type="hidden" name="version" value=(value("version")); }
            (refusal(refused))
            div class="grid" {
                section class="panel" {
                    h2 { (w::WHERE_TO_SEND) }
                    @if id.is_none() { (field("id", w::ID, w::ID_HINT).line(value("id"))) }
                    (field("name", w::NAME_LABEL, "").line(value("name")))
                    (field("description", w::DESCRIPTION, "").line(value("description")))
                    (field("registrars", w::REGISTRARS, w::REGISTRARS_HINT).around(&html! { textarea id="registrars" name="registrars" rows="3" spellcheck="false" required { "\n" (value("registrars")) } }))
                    (field("outboundProxy", w::OUTBOUND_PROXY, w::OUTBOUND_PROXY_HINT).line(value("outboundProxy")))
                    (field("requestUri", w::REQUEST_URI, w::REQUEST_URI_HINT).line(value("requestUri")))
                    (marks("transports", w::TRANSPORTS, &TRANSPORTS, marked("transports")))
                    p class="hint" { (w::WHERE_HINT) }
                }
                section class="panel" {
                    h2 { (w::POLICY) }
                    (marks("allowed", w::ALLOWED, &ALGORITHMS, marked("allowed")))
                    p class="hint" { (w::ALLOWED_HINT) }
                    (field("onDowngrade", w::ON_DOWNGRADE, "").choice(value("onDowngrade"), &[("", w::DOWNGRADE_DEFAULT), ("refuse", w::DOWNGRADE_REFUSE), ("warn", w::DOWNGRADE_WARN)]))
                    h2 { (w::BUDGET) }
                    div class="pair" { (number("failures")) (number("window")) (number("perVersion")) (number("forbiddenRetry")) }
                }
                section class="panel" {
                    h2 { (w::PACING) }
                    div class="pair" { (number("registersPerSecond")) (number("inFlight")) (number("expires")) (number("minRefresh")) (number("bindingLimit")) }
                    p class="hint" { (w::PACING_HINT) }
                    h2 { "OPTIONS" }
                    div class="pair" { (number("interval")) (number("failureThreshold")) (number("successThreshold")) }
                    (field("userAgent", w::USER_AGENT, "").line(value("userAgent")))
                }
                section class="panel" {
                    h2 { (w::WORDS_AND_TIMES) }
                    (field("phraseNotes", w::PHRASES, w::PHRASES_HINT).area(value("phraseNotes"), 4))
                    (field("maintenance", w::MAINTENANCE, w::MAINTENANCE_HINT).area(value("maintenance"), 2))
                    (Field::new("rest", w::REST, w::REST_HINT).area(value("rest"), 4))
                }
            }
            div class="actions" { button class="primary" { (w::SAVE) } a class="button" href=(at) { (w::CANCEL) } }
        }
    };
    page::page(who, "/carriers", title, content)
}

/// Where one goes to make, change or delete a carrier, for whoever may.
pub fn ways(who: &Session, id: &str) -> Markup {
    html! {
        @if who.may("telephony:carrier:edit") { a class="button" href={ "/carriers/" (id) "/edit" } { (w::EDIT) } }
        @if who.may("telephony:carrier:delete") { a class="button" href={ "/carriers/" (id) "/delete" } { (w::DELETE) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_out_of_the_form_as_it_went_in() {
        let profile = json!({
            "name": "Nusantara", "registrars": ["sip:a.test", "sip:b.test;transport=tcp"], "transports": ["udp", "tls"], "expires": 600,
            "pacing": { "registersPerSecond": 50, "inFlight": 20 }, "digestPolicy": { "allowed": ["SHA-256"], "onDowngrade": "warn" },
            "phraseNotes": { "limit*exceeded": "Five devices => each." }, "maintenance": [{ "from": "02:00", "to": "04:00", "timeZone": "Asia/Jakarta" }, { "from": "23:00", "to": "23:30" }],
            "tls": { "wildcard": true }, "description": "Trunks of Jakarta",
        });
        let mut back = body(&written(&profile)).unwrap();
        back.retain(|_, value| !value.is_null());
        assert_eq!(Value::Object(back), profile);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_the_line() {
        let of = |name: &str, value: &str| body(&Fields::from_iter([(name.to_owned(), value.to_owned())])).unwrap_err();
        assert!(of("phraseNotes", "no arrow").contains("no arrow"));
        assert!(of("maintenance", "02:00").contains("02:00"));
        assert!(of("expires", "soon").contains("soon"));
        assert!(of("rest", "{").contains(w::REST_MALFORMED));
    }
}
