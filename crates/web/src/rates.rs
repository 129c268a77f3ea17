//! How many REGISTERs are accepted and how many fail over time, and how long they take, drawn.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{empty, table, text, time};
use crate::words as w;

/// The drawings' width; they scale.
const WIDTH: i64 = 900;
/// The height of the bars.
const BARS: i64 = 90;
/// The height of the line of round trips.
const TRIPS: i64 = 50;
/// A minute in microseconds.
const MINUTE: i64 = 60_000_000;
/// The table has a line for so many minutes.
const LINE: i64 = 15;

#[derive(Clone, Copy, Default)]
struct Minute {
    accepted: u64,
    failed: u64,
    /// Mean, in milliseconds.
    trip: Option<u64>,
    longest: u64,
}

/// Draws what the API counts of REGISTERs: bars a minute, a line of round trips, and the same as a table.
pub fn rates(metrics: &Value) -> Markup {
    let (Some(from), Some(to)) = (minute(text(metrics, "from")), minute(text(metrics, "to"))) else { return empty(w::NO_RATES) };
    let mut minutes = vec![Minute::default(); usize::try_from((to - from + 1).clamp(1, 1440)).unwrap_or(1)];
    for shown in metrics["minutes"].as_array().into_iter().flatten() {
        let place = minute(text(shown, "at")).and_then(|at| usize::try_from(at - from).ok());
        if let Some(minute) = place.and_then(|place| minutes.get_mut(place)) {
            let count = |name: &str| shown[name].as_u64().unwrap_or_default();
            *minute = Minute {
                accepted: count("accepted"),
                failed: count("failed"),
                trip: shown["roundTripMs"].as_u64(),
                longest: count("longestRoundTripMs"),
            };
        }
    }
    let busiest = minutes.iter().map(|minute| minute.accepted + minute.failed).max().unwrap_or_default();
    let slowest = minutes.iter().filter_map(|minute| minute.trip).max().unwrap_or_default();
    let (accepted, failed) = (metrics["accepted"].as_u64().unwrap_or_default(), metrics["failed"].as_u64().unwrap_or_default());
    if busiest == 0 {
        return empty(w::NO_RATES);
    }
    let hours = (to - from + 30) / 60;
    html! {
        p class="quiet" {
            (w::LAST_HOURS) " " (hours) " h: " strong class="ink" { (accepted) } " " (w::ACCEPTED) ", " strong class="ink" { (failed) } " " (w::NOT_PASSED) "; "
            (w::BUSIEST) " " (per_second(busiest)) "/s"
        }
        figure class="rates" {
            figcaption { (w::RATE) ", " (w::AT_MOST) " " (per_second(busiest)) "/s" }
            (bars(&minutes, busiest, &format!("{}: {accepted} {}, {failed} {}, {} {}/s", w::RATE, w::ACCEPTED, w::NOT_PASSED, w::BUSIEST, per_second(busiest))))
        }
        @if slowest > 0 {
            figure class="rates" {
                figcaption { (w::MEAN_TRIP) ", " (w::AT_MOST) " " (slowest) " ms" }
                (trips(&minutes, slowest, &format!("{}, {} {slowest} ms", w::MEAN_TRIP, w::AT_MOST)))
            }
        }
        p class="axis" aria-hidden="true" { span { "−" (hours) " h" } span { (w::NOW) } }
        details { summary { (w::AS_TABLE) } (lines(&minutes, from)) }
    }
}

fn minute(at: &str) -> Option<i64> {
    at.parse::<jiff::Timestamp>().ok().map(|at| at.as_microsecond().div_euclid(MINUTE))
}

/// So many a minute, as a rate a second.
fn per_second(count: u64) -> String {
    let hundredths = (count * 100).div_ceil(60);
    if hundredths >= 10_000 { (hundredths / 100).to_string() } else { format!("{}.{:02}", hundredths / 100, hundredths % 100) }
}

/// Where a minute begins.
fn x(place: usize, minutes: usize) -> i64 {
    let (place, minutes) = (i64::try_from(place).unwrap_or(0), i64::try_from(minutes).unwrap_or(1).max(1));
    place * WIDTH / minutes
}

fn bars(minutes: &[Minute], most: u64, says: &str) -> Markup {
    let high = |count: u64| i64::try_from((count * (BARS as u64 - 4)).div_ceil(most.max(1))).unwrap_or(BARS);
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (BARS) } preserveAspectRatio="none" role="img" aria-label=(says) {
            line x1="0" x2=(WIDTH) y1=(BARS - 1) y2=(BARS - 1) class="tick" {}
            @for (place, minute) in minutes.iter().enumerate().filter(|(_, minute)| minute.accepted + minute.failed > 0) {
                @let (left, right) = (x(place, minutes.len()), x(place + 1, minutes.len()));
                @let (good, bad) = (high(minute.accepted), high(minute.failed));
                @if minute.accepted > 0 { rect x=(left) y=(BARS - 1 - good) width=((right - left - 1).max(2)) height=(good) class="fill good" {} }
                @if minute.failed > 0 { rect x=(left) y=((BARS - 1 - good - bad).max(0)) width=((right - left - 1).max(2)) height=(bad) class="fill bad" {} }
            }
        }
    }
}

fn trips(minutes: &[Minute], most: u64, says: &str) -> Markup {
    let y = |trip: u64| TRIPS - 3 - i64::try_from(trip * (TRIPS as u64 - 6) / most.max(1)).unwrap_or(0);
    // A minute without an answer breaks the line.
    let mut path = String::new();
    for (place, minute) in minutes.iter().enumerate() {
        let Some(trip) = minute.trip else { continue };
        let joins = place > 0 && minutes[place - 1].trip.is_some();
        let (left, right, at) = (x(place, minutes.len()), x(place + 1, minutes.len()), y(trip));
        path.push_str(&if joins { format!("L{left} {at}H{right}") } else { format!("M{left} {at}H{right}") });
    }
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (TRIPS) } preserveAspectRatio="none" role="img" aria-label=(says) {
            line x1="0" x2=(WIDTH) y1=(TRIPS - 1) y2=(TRIPS - 1) class="tick" {}
            path d=(path) class="trip" {}
        }
    }
}

fn lines(minutes: &[Minute], from: i64) -> Markup {
    let step = usize::try_from(LINE).unwrap_or(1);
    let rows = html! {
        @for (place, some) in minutes.chunks(step).enumerate().collect::<Vec<_>>().into_iter().rev().filter(|(_, some)| some.iter().any(|minute| minute.accepted + minute.failed > 0)) {
            @let begins = from + LINE * i64::try_from(place).unwrap_or(0);
            @let trips: Vec<u64> = some.iter().filter_map(|minute| minute.trip).collect();
            tr {
                td { (time(&jiff::Timestamp::from_microsecond(begins * MINUTE).map(|at| at.to_string()).unwrap_or_default())) }
                td class="number" { (some.iter().map(|minute| minute.accepted).sum::<u64>()) }
                td class="number" { (some.iter().map(|minute| minute.failed).sum::<u64>()) }
                td class="number" { @if !trips.is_empty() { (trips.iter().sum::<u64>() / trips.len() as u64) " ms" } }
                td class="number" { @if !trips.is_empty() { (some.iter().map(|minute| minute.longest).max().unwrap_or_default()) " ms" } }
            }
        }
    };
    table(w::RATE, &[w::QUARTER_FROM, w::ACCEPTED, w::NOT_PASSED, w::MEAN_TRIP, w::LONGEST_TRIP], rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_drawn_is_told_in_words_and_as_a_table() {
        let minute = |at: &str, accepted, failed| json!({ "at": at, "accepted": accepted, "failed": failed, "roundTripMs": 40, "longestRoundTripMs": 90 });
        let metrics = json!({
            "from": "2026-11-24T02:08:19Z", "to": "2026-11-24T05:08:19Z", "accepted": 120, "failed": 3,
            "minutes": [minute("2026-11-24T05:07:00Z", 117, 3), minute("2026-11-24T05:08:00Z", 3, 0)],
        });
        let drawn = rates(&metrics).into_string();
        assert!(drawn.contains("120 accepted, 3 failed, busiest minute 2.00/s"), "{drawn}");
        assert_eq!(drawn.matches("<rect").count(), 3);
        assert!(drawn.contains("40 ms") && drawn.contains("90 ms"), "{drawn}");
        assert!(
            rates(&json!({ "from": "2026-11-24T02:08:19Z", "to": "2026-11-24T05:08:19Z", "minutes": [] }))
                .into_string()
                .contains(w::NO_RATES)
        );
        assert!(rates(&json!({})).into_string().contains(w::NO_RATES));
    }
}
