//! The states of a trunk over time, drawn.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{text, tone};
use crate::words as w;

const WIDTH: i64 = 960;
const HEIGHT: i64 = 26;

/// Draws the states that these events tell of (newest first), over so many hours until `now` in microseconds.
///
/// Before the first event the state is not known, and nothing is drawn. `present` is the state now.
pub fn timeline(events: &[Value], present: &str, since: &str, now: i64, hours: i64) -> Markup {
    let span = hours * 3_600_000_000;
    let from = now - span;
    let mut changes: Vec<(i64, String)> = events
        .iter()
        .rev()
        .filter(|event| text(event, "kind") == "registration.state")
        .filter_map(|event| Some((micros(text(event, "at"))?, text(&event["data"], "to").to_owned())))
        .collect();
    if changes.is_empty() {
        changes.extend(micros(since).map(|since| (since, present.to_owned())));
    }
    let x = |at: i64| ((at - from).clamp(0, span) * WIDTH) / span.max(1);
    let ends = changes.iter().skip(1).map(|(at, _)| *at).chain([now]);
    let bars: Vec<(i64, i64, &str)> = changes
        .iter()
        .zip(ends)
        .filter(|(_, end)| *end > from)
        .map(|((begin, state), end)| (x(*begin), (x(end) - x(*begin)).max(2), state.as_str()))
        .collect();
    let title = if hours > 24 { w::TIMELINE_WEEK } else { w::TIMELINE_DAY };
    html! {
        figure class="timeline" {
            figcaption { (title) }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label={ (title) ": " (w::state(present)) } {
                rect x="0" y="0" width=(WIDTH) height=(HEIGHT) class="ground" {}
                @for (x, width, state) in &bars { rect x=(x) y="0" width=(width) height=(HEIGHT) class={ "fill " (tone(state)) } { title { (w::state(state)) } } }
                @for part in 1..(if hours > 24 { 7 } else { 6 }) {
                    @let at = WIDTH * part / (if hours > 24 { 7 } else { 6 });
                    line x1=(at) x2=(at) y1="0" y2=(HEIGHT) class="tick" {}
                }
            }
        }
    }
}

/// Draws how many of these events (newest first) fell into each minute of the last hour.
pub fn activity(events: &[Value], now: i64) -> Markup {
    let mut minutes = [0u32; 60];
    for at in events.iter().filter_map(|event| micros(text(event, "at"))) {
        let ago = (now - at) / 60_000_000;
        if let Some(count) = usize::try_from(ago).ok().and_then(|ago| 59usize.checked_sub(ago)).and_then(|place| minutes.get_mut(place)) {
            *count += 1;
        }
    }
    let most = minutes.iter().copied().max().unwrap_or(0).max(1);
    html! {
        svg class="spark" viewBox="0 0 600 60" preserveAspectRatio="none" role="img" aria-label={ (w::ACTIVITY) ": " (minutes.iter().sum::<u32>()) } {
            line x1="0" x2="600" y1="59" y2="59" class="tick" {}
            @for (place, count) in minutes.iter().enumerate().filter(|(_, count)| **count > 0) {
                @let height = (count * 54).div_ceil(most);
                rect x=(place * 10 + 1) y=(59 - height) width="8" height=(height) class="fill accent" { title { (count) } }
            }
        }
    }
}

fn micros(at: &str) -> Option<i64> {
    at.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond)
}
