use std::cmp::Ordering;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::REGISTRATIONS;
use crate::Console;
use crate::api::{Answer, escape};
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::page::csrf;
use crate::parts::{badge, diagnosis, text};
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

/// GET /trunks/{trunk}/credentials; `?version=` follows the verification of that version.
pub async fn page(State(console): State<Console>, who: Session, Path(id): Path<String>, fields: Fields) -> Result<Response, Fault> {
    let at = format!("{REGISTRATIONS}/{}", escape(&id));
    let trunk = console.api.get(&who, &at).await?;
    if let Some(version) = fields.get("version") {
        let version = console.api.get(&who, &format!("{at}/credentials/{}", escape(version))).await?;
        let written = Written { username: text(&version, "username").to_owned(), ..written(&fields) };
        return shown(&console, &who, &trunk, &written, Stand::Followed(&version)).await;
    }
    let active = &trunk["credentials"];
    let written =
        Written { username: text(active, "username").to_owned(), realm: text(active, "realm").to_owned(), algorithm: String::new() };
    shown(&console, &who, &trunk, &written, Stand::New).await
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
    let at = format!("{REGISTRATIONS}/{}", escape(&id));
    let before = console.api.get(&who, &at).await?["credentials"]["activeVersion"].as_u64();
    let answer = console.api.post_without_waiting(&who, REGISTRATIONS, &body).await?;
    let version = match answer.status {
        StatusCode::ACCEPTED => answer.body["version"].as_u64(),
        _ => answer.body["credentials"]["activeVersion"].as_u64().filter(|active| before != Some(*active)),
    };
    if let Some(version) = version.filter(|_| answer.status.is_success()) {
        // The carrier is being asked: the page follows it, and may be loaded again without asking twice.
        let Written { realm, algorithm, .. } = &written;
        let kept = format!("?version={version}&realm={}&algorithm={}", escape(realm), escape(algorithm));
        return Ok(Redirect::to(&format!("/trunks/{}/credentials{kept}", escape(&id))).into_response());
    }
    let trunk = console.api.get(&who, &at).await?;
    shown(&console, &who, &trunk, &written, Stand::Answered(&answer, w::UNCHANGED)).await
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
    shown(&console, &who, &trunk, &written, Stand::Answered(&answer, w::LEARNED)).await
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

async fn shown(console: &Console, who: &Session, trunk: &Value, written: &Written, stand: Stand<'_>) -> Result<Response, Fault> {
    let id = text(trunk, "id");
    let policy = policy(console, who, id, text(&trunk["carrier"], "id")).await?;
    let refused = stand.refusal();
    let steps = stand.steps(trunk);
    // While the carrier is asked the page follows it; afterwards the form is the reader's, and nothing is swapped in under his hands.
    let runs = steps.contains(&Step::Asking);
    let content = html! {
        p class="crumbs" { a href={ "/trunks/" (id) } { (text(trunk, "name")) } " / " (w::CREDENTIALS) }
        h1 { (w::SET_CREDENTIALS) }
        div class="grid" id="verification" data-live[runs] data-poll[runs] data-trunk=[runs.then_some(id)] {
            section class="panel" { (form(who, id, written, refused, &policy)) }
            section class="panel" aria-live="polite" {
                h2 { (w::VERIFICATION) }
                p class="quiet" { (w::VERIFICATION_HINT) }
                (shown_steps(&steps))
                @if runs { noscript { p { a class="button" href="" { (w::LOOK_AGAIN) } } } }
                (outcome(id, &stand, runs))
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
        let code = if text(body, "code").is_empty() { text(&body["diagnosis"], "code") } else { text(body, "code") };
        Some((code.to_owned(), says.to_owned()))
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

/// How things stand.
#[derive(Clone, Copy)]
enum Stand<'a> {
    /// Nothing was asked yet.
    New,
    /// The API has answered at once; a yes says so in these words.
    Answered(&'a Answer, &'a str),
    /// A credential version that is, or was, being verified.
    Followed(&'a Value),
}

impl Stand<'_> {
    /// What was refused: an error body, or a version with its diagnosis.
    fn refusal(&self) -> Option<&Value> {
        match self {
            Stand::New => None,
            Stand::Answered(answer, _) => (!answer.status.is_success()).then_some(&answer.body),
            Stand::Followed(version) => (text(version, "state") == "REJECTED").then_some(*version),
        }
    }

    /// How far it has come.
    fn steps(&self, trunk: &Value) -> [Step; STEPS.len()] {
        use Step::{Asking, Passed, Waits};
        match self {
            Stand::New => [Waits; STEPS.len()],
            Stand::Answered(answer, _) if answer.status.is_success() => {
                let learned = answer.body["verdict"] == "LEARNED";
                let bound = answer.body["bound"] == true;
                [Passed, Passed, Passed, if learned { Waits } else { Passed }, if bound && !learned { Passed } else { Waits }]
            }
            Stand::Answered(answer, _) => failed_at(&answer.body["diagnosis"]),
            Stand::Followed(version) => match text(version, "state") {
                "VERIFYING" | "STAGED" => {
                    let passed = version["stepsPassed"].as_array().map_or(0, Vec::len);
                    // The edge knows an address already where it tells of an answer first.
                    std::array::from_fn(|step| match step.cmp(&passed) {
                        Ordering::Less => Passed,
                        Ordering::Equal => Asking,
                        Ordering::Greater => Waits,
                    })
                }
                "REJECTED" => failed_at(&version["diagnosis"]),
                "ACTIVE" => [Passed, Passed, Passed, Passed, binding(version, trunk)],
                _ => [Passed, Passed, Passed, Passed, Waits],
            },
        }
    }
}

/// Whether the edge has renewed the binding with a version that was proved.
fn binding(version: &Value, trunk: &Value) -> Step {
    let mut edges = trunk["edges"].as_array().into_iter().flatten();
    if version["acceptedAt"].is_string() {
        return Step::Passed;
    }
    match text(trunk, "registrationState") {
        // Nothing registers it, or it waits for something: the trunk's page tells for what.
        "DISABLED" | "RETRY_WAIT" | "AUTH_HELD" | "REJECTED" | "UNREACHABLE" | "UNREGISTERING" => Step::Waits,
        _ if edges.any(|edge| edge["bound"] == true && edge["credentialVersion"] == version["version"]) => Step::Passed,
        _ => Step::Asking,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Waits,
    Asking,
    Passed,
    Failed,
}

/// How far it came: the stage of a refusal names the step that failed.
fn failed_at(diagnosis: &Value) -> [Step; STEPS.len()] {
    let place = match text(diagnosis, "stage") {
        "network" if text(diagnosis, "code") == "network.dns.failed" => 0,
        "network" => 1,
        "challenge" | "policy" if diagnosis["challenges"].is_array() || diagnosis["sip"].is_object() => 2,
        "digest" | "carrier" => 3,
        "binding" => 4,
        _ => return [Step::Waits; STEPS.len()],
    };
    std::array::from_fn(|step| match step.cmp(&place) {
        Ordering::Less => Step::Passed,
        Ordering::Equal => Step::Failed,
        Ordering::Greater => Step::Waits,
    })
}

fn shown_steps(states: &[Step; STEPS.len()]) -> Markup {
    let said = |step: Step| match step {
        Step::Waits => ("waits", w::STEP_WAITS),
        Step::Asking => ("asking", w::STEP_ASKING),
        Step::Passed => ("passed", w::PASSED),
        Step::Failed => ("failed", w::NOT_PASSED),
    };
    html! {
        ol class="steps" id="steps" {
            @for ((id, name, says), state) in STEPS.iter().zip(states) {
                @let (class, word) = said(*state);
                li data-step=(id) class=(class) { strong { (name) } " " span class="sr" { (word) } span class="quiet" { (says) } }
            }
        }
    }
}

fn outcome(id: &str, stand: &Stand<'_>, runs: bool) -> Markup {
    if let Some(refused) = stand.refusal() {
        let diagnosed = &refused["diagnosis"];
        return html! {
            div class="alert" role="alert" { strong { (w::NOTHING_CHANGED) } " " (text(refused, "message")) }
            @if diagnosed.is_object() { (diagnosis(diagnosed)) }
            @if let Some(attempt) = diagnosed["attemptId"].as_str() { p { a href={ "/trunks/" (id) "/attempts/" (attempt) } { (w::SEE_LADDER) } } }
        };
    }
    let (says, challenges) = match stand {
        Stand::New => return html! {},
        Stand::Answered(answer, says) => (*says, answer.body["challenges"].as_array().map(Vec::as_slice).unwrap_or_default()),
        Stand::Followed(_) if runs => return html! { p class="quiet" role="status" { (w::STILL_ASKING) } },
        Stand::Followed(version) => match text(version, "state") {
            "ACTIVE" => (w::REPLACED, Default::default()),
            _ => {
                return html! { p class="quiet" { (w::VERSION) " " (version["version"]) " " (badge(text(version, "state"))) } p { a href={ "/trunks/" (id) } { (w::SEE_TRUNK) } } };
            }
        },
    };
    html! {
        div class="done" role="status" {
            strong { (says) }
            @for challenge in challenges { p { (w::REALM) " " code { (text(challenge, "realm")) } ", " (w::ALGORITHM) " " code { (text(challenge, "algorithm")) } } }
        }
        p { a href={ "/trunks/" (id) } { (w::SEE_TRUNK) } }
    }
}

#[cfg(test)]
mod tests {
    use super::Step::{Asking, Failed, Passed, Waits};
    use super::*;

    #[test]
    fn the_steps_of_a_version_follow_what_the_edge_tells_of_it() {
        let trunk = json!({ "registrationState": "REGISTERED", "edges": [{ "bound": true, "credentialVersion": 3 }] });
        let steps = |version: &Value| Stand::Followed(version).steps(&trunk);
        for (version, expected) in [
            (json!({ "state": "VERIFYING" }), [Asking, Waits, Waits, Waits, Waits]),
            (json!({ "state": "VERIFYING", "stepsPassed": ["resolve", "reach"] }), [Passed, Passed, Asking, Waits, Waits]),
            (json!({ "state": "VERIFYING", "stepsPassed": ["resolve", "reach", "challenge"] }), [Passed, Passed, Passed, Asking, Waits]),
            (json!({ "state": "ACTIVE", "version": 4 }), [Passed, Passed, Passed, Passed, Asking]),
            (json!({ "state": "ACTIVE", "version": 3 }), [Passed; 5]),
            (json!({ "state": "ACTIVE", "version": 4, "acceptedAt": "2026-11-24T05:08:19Z" }), [Passed; 5]),
            (json!({ "state": "REJECTED", "diagnosis": { "stage": "digest" } }), [Passed, Passed, Passed, Failed, Waits]),
            (
                json!({ "state": "REJECTED", "diagnosis": { "stage": "network", "code": "network.dns.failed" } }),
                [Failed, Waits, Waits, Waits, Waits],
            ),
            (json!({ "state": "REJECTED", "diagnosis": { "stage": "policy" } }), [Waits; 5]),
        ] {
            assert_eq!(steps(&version), expected, "{version}");
        }
    }
}
