use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::REGISTRATIONS;
use crate::Console;
use crate::api::{Answer, escape};
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::page::csrf;
use crate::parts::{diagnosis, text};
use crate::session::Session;
use crate::{page, words as w};

/// What verification goes through, in order, with its name and what it is.
const STEPS: [(&str, &str, &str); 5] = [
    ("resolve", w::STEP_RESOLVE, w::STEP_RESOLVE_TEXT),
    ("reach", w::STEP_REACH, w::STEP_REACH_TEXT),
    ("challenge", w::STEP_CHALLENGE, w::STEP_CHALLENGE_TEXT),
    ("digest", w::STEP_DIGEST, w::STEP_DIGEST_TEXT),
    ("binding", w::STEP_BINDING, w::STEP_BINDING_TEXT),
];

/// What is written in the form: never the password.
#[derive(Default)]
struct Written {
    username: String,
    realm: String,
    algorithm: String,
}

/// GET /trunks/{trunk}/credentials.
pub async fn page(State(console): State<Console>, who: Session, Path(id): Path<String>) -> Result<Response, Fault> {
    let trunk = console.api.get(&who, &format!("{REGISTRATIONS}/{}", escape(&id))).await?;
    let active = &trunk["credentials"];
    let written =
        Written { username: text(active, "username").to_owned(), realm: text(active, "realm").to_owned(), algorithm: String::new() };
    shown(&console, &who, &trunk, &written, None).await
}

/// POST /trunks/{trunk}/credentials: the flagship call; what comes of it stands beside the form.
pub async fn set(State(console): State<Console>, Path(id): Path<String>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let written = written(&fields);
    let mut credentials = Map::new();
    // As it was typed: what copying left is for the rules of form to find, not for us to repair.
    for name in ["username", "password", "realm", "algorithm"] {
        let value = fields.all(name).next().unwrap_or_default();
        if !value.is_empty() || name == "password" || name == "username" {
            credentials.insert(name.into(), value.into());
        }
    }
    let mut body = json!({ "trunkId": id, "credentials": credentials, "verify": fields.get("verify").unwrap_or("live") });
    if fields.get("accept").is_some() {
        body["accept"] = json!(["registration.whitespace"]);
    }
    let answer = console.api.post(&who, REGISTRATIONS, &body).await?;
    let trunk = console.api.get(&who, &format!("{REGISTRATIONS}/{}", escape(&id))).await?;
    shown(&console, &who, &trunk, &written, Some((&answer, w::REPLACED))).await
}

/// POST /trunks/{trunk}/learn: realm and algorithms, without a digest.
pub async fn learn(State(console): State<Console>, Path(id): Path<String>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let path = format!("{REGISTRATIONS}/{}", escape(&id));
    let answer = console.api.post(&who, &format!("{path}/verify"), &json!({ "challengeOnly": true })).await?;
    let trunk = console.api.get(&who, &path).await?;
    let mut written = written(&fields);
    if let Some(realm) = answer.body["challenges"][0]["realm"].as_str() {
        realm.clone_into(&mut written.realm);
    }
    shown(&console, &who, &trunk, &written, Some((&answer, w::LEARNED))).await
}

/// POST /trunks/{trunk}/rollback.
pub async fn rollback(State(console): State<Console>, Path(id): Path<String>, Posted { who, .. }: Posted) -> Result<Response, Fault> {
    let answer = console.api.post(&who, &format!("{REGISTRATIONS}/{}/credentials/rollback", escape(&id)), &json!({})).await?;
    answer.yes()?;
    Ok(Redirect::to(&format!("/trunks/{}", escape(&id))).into_response())
}

fn written(fields: &Fields) -> Written {
    let of = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    Written { username: of("username"), realm: of("realm"), algorithm: of("algorithm") }
}

async fn shown(
    console: &Console,
    who: &Session,
    trunk: &Value,
    written: &Written,
    answer: Option<(&Answer, &str)>,
) -> Result<Response, Fault> {
    let id = text(trunk, "id");
    let policy = policy(console, who, id, text(&trunk["carrier"], "id")).await?;
    let refused = answer.filter(|(answer, _)| !answer.status.is_success()).map(|(answer, _)| &answer.body);
    let content = html! {
        p class="crumbs" { a href={ "/trunks/" (id) } { (text(trunk, "name")) } " / " (w::CREDENTIALS) }
        h1 { (w::SET_CREDENTIALS) }
        div class="grid" {
            section class="panel" { (form(who, id, written, refused, &policy)) }
            section class="panel" aria-live="polite" {
                h2 { (w::VERIFICATION) }
                p class="quiet" { (w::VERIFICATION_HINT) }
                (steps(answer.map(|(answer, _)| answer)))
                @if let Some((answer, says)) = answer { (outcome(id, answer, says)) }
            }
        }
    };
    Ok(page::page(who, "/trunks", w::SET_CREDENTIALS, content))
}

fn form(who: &Session, id: &str, written: &Written, refused: Option<&Value>, policy: &Markup) -> Markup {
    let beside = |name: &str| {
        let details = refused.and_then(|body| body["details"].as_array()).map(Vec::as_slice).unwrap_or_default();
        let concerned = details.iter().any(|detail| text(detail, "fieldName").rsplit('.').next() == Some(name));
        let body = refused.filter(|_| concerned)?;
        let says = if body["diagnosis"].is_object() { text(&body["diagnosis"], "summary") } else { text(body, "message") };
        Some((text(body, "code").to_owned(), says.to_owned()))
    };
    let field = |name: &'static str, label: &str, hint: &str, control: Markup| {
        let wrong = beside(name);
        html! {
            div class={ "field" @if wrong.is_some() { " wrong" } } {
                label for=(name) { (label) }
                (control)
                p class="marks" id={ (name) "-marks" } role="status" {}
                @if let Some((code, says)) = &wrong { p class="refusal" id={ (name) "-refusal" } role="alert" { a class="code" href={ "/diagnoses/" (code) } { (code) } " " (says) } }
                @if !hint.is_empty() { p class="hint" { (hint) } }
            }
        }
    };
    html! {
        form method="post" action={ "/trunks/" (id) "/credentials" } class="stack" data-verify {
            (csrf(who))
            (field("username", w::USERNAME, "", html! { input id="username" name="username" value=(written.username) autocomplete="off" spellcheck="false" data-marks required; }))
            (field("password", w::PASSWORD, w::PASSWORD_HINT, html! { input id="password" name="password" type="password" autocomplete="new-password" data-marks; }))
            (field("realm", w::REALM, w::REALM_HINT, html! { input id="realm" name="realm" value=(written.realm) autocomplete="off" spellcheck="false" data-marks; }))
            (field("algorithm", w::ALGORITHM, "", html! {
                select id="algorithm" name="algorithm" {
                    option value="" { (w::STRONGEST) }
                    @for algorithm in ["SHA-512-256", "SHA-256", "MD5"] { option selected[written.algorithm == algorithm] { (algorithm) } }
                }
            }))
            (policy)
            label class="check" { input type="checkbox" name="accept" value="whitespace"; " " (w::ACCEPT_WHITESPACE) }
            div class="actions" {
                button class="primary" { (w::VERIFY_AND_REPLACE) }
                button formaction={ "/trunks/" (id) "/learn" } formnovalidate { (w::LEARN) }
                a class="button" href={ "/trunks/" (id) } { (w::CANCEL) }
            }
        }
    }
}

/// The digest policy that applies, and where it stands: the nearest wins.
async fn policy(console: &Console, who: &Session, trunk: &str, carrier: &str) -> Result<Markup, Fault> {
    let places = [
        (w::OF_TRUNK, format!("/api/v2/trunks/voice/{}", escape(trunk))),
        (w::OF_CARRIER, format!("/api/v2/carriers/{}", escape(carrier))),
        (w::OF_ORGANIZATION, "/api/v2/organization".to_owned()),
    ];
    for (place, path) in places {
        let answer = console.api.call(who, axum::http::Method::GET, &path, None).await?;
        let allowed: Vec<&str> =
            answer.body["digestPolicy"]["allowed"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !allowed.is_empty() {
            return Ok(
                html! { p class="policy" { strong { (w::POLICY) } " " (place) ": " (w::ALLOWS) " " @for name in &allowed { code { (name) } " " } } },
            );
        }
    }
    Ok(html! { p class="policy" { strong { (w::POLICY) } " " (w::POLICY_DEFAULT) } })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Waits,
    Passed,
    Failed,
}

/// How far it came: the stage of a refusal names the step that failed.
fn came_to(answer: &Answer) -> [Step; STEPS.len()] {
    use Step::{Failed, Passed, Waits};
    if answer.status.is_success() {
        let learned = answer.body["verdict"] == "LEARNED";
        let bound = answer.body["bound"] == true;
        return [Passed, Passed, Passed, if learned { Waits } else { Passed }, if bound && !learned { Passed } else { Waits }];
    }
    let at = &answer.body["diagnosis"];
    let place = match text(at, "stage") {
        "network" if text(at, "code") == "network.dns.failed" => 0,
        "network" => 1,
        "challenge" | "policy" if at["challenges"].is_array() || at["sip"].is_object() => 2,
        "digest" | "carrier" => 3,
        "binding" => 4,
        _ => return [Waits; STEPS.len()],
    };
    std::array::from_fn(|step| match step.cmp(&place) {
        std::cmp::Ordering::Less => Passed,
        std::cmp::Ordering::Equal => Failed,
        std::cmp::Ordering::Greater => Waits,
    })
}

fn steps(answer: Option<&Answer>) -> Markup {
    let states = answer.map_or([Step::Waits; STEPS.len()], came_to);
    html! {
        ol class="steps" id="steps" {
            @for ((id, name, says), state) in STEPS.iter().zip(states) {
                li data-step=(id) class=(match state { Step::Waits => "waits", Step::Passed => "passed", Step::Failed => "failed" }) {
                    strong { (name) } " "
                    span class="sr" { (match state { Step::Waits => w::STEP_WAITS, Step::Passed => w::PASSED, Step::Failed => w::NOT_PASSED }) }
                    span class="quiet" { (says) }
                }
            }
        }
    }
}

fn outcome(id: &str, answer: &Answer, says: &str) -> Markup {
    let body = &answer.body;
    if !answer.status.is_success() {
        return html! {
            div class="alert" role="alert" { strong { (w::NOTHING_CHANGED) } " " (text(body, "message")) }
            @if body["diagnosis"].is_object() { (diagnosis(&body["diagnosis"])) }
            @if let Some(attempt) = body["diagnosis"]["attemptId"].as_str() { p { a href={ "/trunks/" (id) "/attempts/" (attempt) } { (w::SEE_LADDER) } } }
        };
    }
    let challenges = body["challenges"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        div class="done" role="status" {
            strong { @if answer.status.as_u16() == 202 { (w::STILL_ASKING) } @else { (says) } }
            @for challenge in challenges { p { (w::REALM) " " code { (text(challenge, "realm")) } ", " (w::ALGORITHM) " " code { (text(challenge, "algorithm")) } } }
        }
        p { a href={ "/trunks/" (id) } { (w::SEE_TRUNK) } }
    }
}
