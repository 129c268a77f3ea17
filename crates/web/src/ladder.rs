//! A SIP ladder: the messages of an attempt between edge and registrar, drawn.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::text;
use crate::words as w;

/// The drawing's width; it scales.
const WIDTH: usize = 720;
/// Room above the first message.
const TOP: usize = 54;
/// Room for each message.
const STEP: usize = 44;
/// Where the two lifelines stand.
const LINES: (usize, usize) = (110, 610);
/// So much of a start line is shown in the drawing; all of it stands below.
const LABEL_CHARS: usize = 62;

/// Draws the messages.
pub fn drawing(attempt: &Value) -> Markup {
    let messages = attempt["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let began = micros(text(attempt, "startedAt"));
    let height = TOP + STEP * messages.len() + 16;
    html! {
        figure class="ladder" tabindex="0" {
            svg viewBox={ "0 0 " (WIDTH) " " (height) } role="img" aria-label=(w::LADDER) {
                @for (x, name, address) in [(LINES.0, text(&attempt["edge"], "id"), text(attempt, "sourceAddress")), (LINES.1, w::REGISTRAR, text(attempt, "registrar"))] {
                    text x=(x) y="16" class="head" text-anchor="middle" { (name) }
                    text x=(x) y="32" class="address" text-anchor="middle" { (short(address, 40)) }
                    line x1=(x) x2=(x) y1="40" y2=(height - 6) class="life" {}
                }
                @for (place, message) in messages.iter().enumerate() {
                    @let y = TOP + STEP * place + 18;
                    @let sent = text(message, "direction") == "sent";
                    @let tone = tone(text(message, "startLine"));
                    text x="8" y=(y + 4) class="at" { (offset(began, text(message, "at"))) }
                    text x="360" y=(y - 7) class={ "label " (tone) } text-anchor="middle" { (short(text(message, "startLine"), LABEL_CHARS)) }
                    line x1=(LINES.0 + 2) x2=(LINES.1 - 2) y1=(y) y2=(y) class={ "arrow " (tone) } {}
                    @if sent { path d={ "M" (LINES.1 - 11) " " (y - 5) "l9 5l-9 5z" } class={ "tip " (tone) } {} }
                    @else { path d={ "M" (LINES.0 + 11) " " (y - 5) "l-9 5l9 5z" } class={ "tip " (tone) } {} }
                }
            }
            @if messages.is_empty() { figcaption class="quiet" { (w::NO_MESSAGES) } }
        }
    }
}

/// How long after the attempt began a message went or came.
pub fn offset_of(attempt: &Value, message: &Value) -> String {
    offset(micros(text(attempt, "startedAt")), text(message, "at"))
}

/// Draws the messages, and lists them below, each to be opened.
pub fn ladder(attempt: &Value) -> Markup {
    let messages = attempt["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let began = micros(text(attempt, "startedAt"));
    html! {
        (drawing(attempt))
        ol class="messages" {
            @for message in messages {
                li {
                    details {
                        summary {
                            span class="at" { (offset(began, text(message, "at"))) } " "
                            span class={ "way " (text(message, "direction")) } { (if text(message, "direction") == "sent" { w::SENT } else { w::RECEIVED }) } " "
                            code { (text(message, "startLine")) }
                            @if let Some(count) = message["retransmissions"].as_u64().filter(|count| *count > 0) { " " span class="quiet" { (w::RETRANSMITTED) " " (count) "×" } }
                        }
                        p class="quiet" { (text(message, "local")) " – " (text(message, "remote")) }
                        pre tabindex="0" { (text(message, "text")) }
                    }
                }
            }
        }
    }
}

fn tone(start_line: &str) -> &'static str {
    match start_line.strip_prefix("SIP/2.0 ").and_then(|rest| rest.chars().next()) {
        Some('2') => "good",
        Some('1' | '3') => "busy",
        Some('4') if start_line.starts_with("SIP/2.0 401") || start_line.starts_with("SIP/2.0 407") => "warn",
        Some(_) => "bad",
        None => "request",
    }
}

fn short(label: &str, chars: usize) -> String {
    match label.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label.to_owned(),
    }
}

fn micros(at: &str) -> Option<i64> {
    at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}

fn offset(began: Option<i64>, at: &str) -> String {
    match (began, micros(at)) {
        (Some(began), Some(at)) => format!("+{} ms", (at - began).max(0) / 1_000),
        _ => String::new(),
    }
}
