//! What several pages show.

use maud::{Markup, html};
use serde_json::Value;

use crate::words as w;

/// A text of an answer; empty where it has none.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The entities of a listing.
pub fn entities(listing: &Value) -> &[Value] {
    listing["entities"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A number as people read it: in groups of three.
pub fn number(count: u64) -> String {
    let digits = count.to_string();
    let grouped = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    grouped.collect::<Vec<_>>().join(w::THOUSANDS)
}

/// A time as the API writes it. The script shows it in the viewer's zone and keeps UTC for whoever points at it.
pub fn time(at: &str) -> Markup {
    let plain = at.get(..19).map(|at| at.replace('T', " "));
    html! { @if let Some(plain) = plain { time datetime=(at) title={ (plain) " UTC" } { (plain) " UTC" } } @else { "–" } }
}

/// A time in UTC, to the millisecond, that stays so: what is printed is read elsewhere.
pub fn utc(at: &str) -> Markup {
    let plain = at.get(..23).or(at.get(..19)).map(|at| at.trim_end_matches('Z').replace('T', " "));
    html! { @if let Some(plain) = plain { span class="utc" { (plain) " UTC" } } @else { "–" } }
}

/// A time that comes: the script counts down to it.
pub fn countdown(at: &str) -> Markup {
    let plain = at.get(11..19);
    html! { @if let Some(plain) = plain { time datetime=(at) data-countdown title={ (at) } { (plain) " UTC" } } @else { "–" } }
}

/// How good a state is.
pub fn tone(state: &str) -> &'static str {
    match state {
        "REGISTERED" | "REFRESHING" | "ONLINE" | "UP" | "ACTIVE" | "PROVED" | "COMPLETED" => "good",
        "REGISTERING" | "PENDING" | "STAGED" | "VERIFYING" | "UNREGISTERING" | "STANDBY" | "RUNNING" | "LOADING" => "busy",
        "RETRY_WAIT" | "DEGRADED" | "EXPIRED" | "PAUSED" => "warn",
        "AUTH_HELD" | "REJECTED" | "UNREACHABLE" | "OFFLINE" | "DOWN" | "FAILED" | "STOPPED" => "bad",
        _ => "idle",
    }
}

/// A state in words, with a mark whose shape says as much as its colour.
pub fn badge(state: &str) -> Markup {
    let mark = match tone(state) {
        "good" => "●",
        "busy" => "◌",
        "warn" => "▲",
        "bad" => "■",
        _ => "○",
    };
    html! { span class={ "badge " (tone(state)) } { span aria-hidden="true" { (mark) } " " (w::state(state)) } }
}

/// A diagnosis as a card: what happened, who decided, the evidence, what to do.
pub fn diagnosis(diagnosis: &Value) -> Markup {
    let code = text(diagnosis, "code");
    let checks = diagnosis["checks"].as_array().map(Vec::as_slice).unwrap_or_default();
    let challenges = diagnosis["challenges"].as_array().map(Vec::as_slice).unwrap_or_default();
    let facts = [
        (w::REGISTRAR, text(diagnosis, "registrar").to_owned()),
        (w::EDGE, text(&diagnosis["edge"], "id").to_owned()),
        (w::SOURCE, text(diagnosis, "sourceAddress").to_owned()),
        (w::SEEN_AS, text(diagnosis, "publicAddress").to_owned()),
        (
            w::LAST_ANSWER,
            diagnosis["sip"]["code"].as_u64().map(|code| format!("{code} {}", text(&diagnosis["sip"], "reason"))).unwrap_or_default(),
        ),
        (
            w::DIGEST_SENT,
            diagnosis["credentialSent"].as_bool().map(|sent| if sent { w::YES } else { w::NO }.to_owned()).unwrap_or_default(),
        ),
        (
            w::OPTIONS_ANSWERED,
            diagnosis["optionsReachable"].as_bool().map(|sent| if sent { w::YES } else { w::NO }.to_owned()).unwrap_or_default(),
        ),
    ];
    html! {
        article class="diagnosis" aria-label=(w::DIAGNOSIS) {
            header {
                a class="code" href={ "/diagnoses/" (code) } { (code) }
                span class="quiet" { (w::STAGE) " " (text(diagnosis, "stage")) ", " (w::DECIDED_BY) " " (text(diagnosis, "initiator")) }
            }
            p class="summary" { (text(diagnosis, "summary")) }
            @if !text(diagnosis, "remedy").is_empty() { p class="remedy" { strong { (w::REMEDY) } " " (text(diagnosis, "remedy")) } }
            @if !checks.is_empty() {
                ul class="checks" {
                    @for check in checks {
                        @let ok = check["ok"].as_bool().unwrap_or_default();
                        li class=(if ok { "ok" } else { "failed" }) {
                            span aria-hidden="true" { (if ok { "✓" } else { "✗" }) } span class="sr" { (if ok { w::PASSED } else { w::NOT_PASSED }) }
                            " " code { (text(check, "name")) }
                            @if let (Some(expected), Some(actual)) = (check["expected"].as_str(), check["actual"].as_str()) {
                                " " (w::EXPECTED) " " code { (expected) } ", " (w::WAS) " " code { (actual) }
                            }
                        }
                    }
                }
            }
            @for challenge in challenges {
                p class="fact" { (w::CHALLENGE) " " code { "realm=\"" (text(challenge, "realm")) "\" algorithm=" (text(challenge, "algorithm")) } }
            }
            dl class="facts" { @for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) { div { dt { (name) } dd { (value) } } } }
        }
    }
}

/// A table that scrolls by itself, so that the page does not.
pub fn table(label: &str, head: &[&str], rows: Markup) -> Markup {
    html! {
        div class="scroll" tabindex="0" role="region" aria-label=(label) {
            table { thead { tr { @for name in head { th scope="col" { (name) } } } } tbody { (rows) } }
        }
    }
}

/// What wants attention though all is well.
pub fn warnings(warnings: &Value) -> Markup {
    let warnings = warnings.as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if !warnings.is_empty() {
            ul class="warnings" { @for warning in warnings { li { a class="code" href={ "/diagnoses/" (text(warning, "code")) } { (text(warning, "code")) } " " (text(warning, "text")) } } }
        }
    }
}

/// Nothing is there, and why.
pub fn empty(says: &str) -> Markup {
    html! { p class="empty" { (says) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 12, 123, 1_234, 999_999, 1_000_000].map(number);
        assert_eq!(shown, ["0", "12", "123", "1,234", "999,999", "1,000,000"]);
    }
}
