//! A fleet plan, drawn: REGISTER/s and trunks without a binding over time, and the same as a table.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::{number, table};
use crate::words as w;

/// The drawings' width; they scale.
const WIDTH: u64 = 900;
/// The height of each.
const HEIGHT: u64 = 120;
/// The table has at most so many lines.
const LINES: usize = 40;

/// What is drawn along time.
struct Plot<'a> {
    registers: Vec<u64>,
    unbound: Vec<u64>,
    /// So many seconds is one value.
    stretch: u64,
    /// When the event begins and is over, in seconds.
    event: (u64, u64),
    says: &'a str,
}

/// Draws what all carriers together see.
pub fn plot(plan: &Value) -> Markup {
    let series = |name: &str| plan["all"][name].as_array().into_iter().flatten().filter_map(Value::as_u64).collect::<Vec<_>>();
    let second = |name: &str| plan[name].as_u64().unwrap_or_default();
    let plot = Plot {
        registers: series("registersPerSecond"),
        unbound: series("unbound"),
        stretch: second("stretchSeconds").max(1),
        event: (second("eventFrom"), second("eventTo")),
        says: plan["event"].as_str().unwrap_or_default(),
    };
    let most = |series: &[u64]| series.iter().copied().max().unwrap_or_default();
    let (busiest, unbound) = (most(&plot.registers), most(&plot.unbound));
    let lasts = plot.stretch * plot.registers.len() as u64;
    html! {
        figure class="plan" {
            figcaption { (w::PLAN_RATE) ", " (w::AT_MOST) " " (number(busiest)) "/s" }
            (plot.drawn(&plot.registers, busiest, "accent", &format!("{}, {} {busiest}/s: {}", w::PLAN_RATE, w::AT_MOST, plot.says)))
        }
        figure class="plan" {
            figcaption { (w::PLAN_UNBOUND) ", " (w::AT_MOST) " " (number(unbound)) }
            (plot.drawn(&plot.unbound, unbound, "bad", &format!("{}, {} {unbound}: {}", w::PLAN_UNBOUND, w::AT_MOST, plot.says)))
        }
        p class="axis" { span { "0" } span { (w::PLAN_GREY) } span { (span(lasts)) } }
        details { summary { (w::AS_TABLE) } (plot.lines()) }
    }
}

impl Plot<'_> {
    fn x(&self, second: u64) -> u64 {
        let lasts = (self.stretch * self.registers.len() as u64).max(1);
        (second * WIDTH / lasts).min(WIDTH)
    }

    fn drawn(&self, series: &[u64], most: u64, tone: &str, says: &str) -> Markup {
        let y = |value: u64| HEIGHT - 1 - value * (HEIGHT - 4) / most.max(1);
        let mut path = format!("M0 {}", HEIGHT - 1);
        for (place, value) in series.iter().enumerate() {
            let (from, to) = (self.stretch * place as u64, self.stretch * (place as u64 + 1));
            path.push_str(&format!("L{} {}H{}", self.x(from), y(*value), self.x(to)));
        }
        path.push_str(&format!("V{}Z", HEIGHT - 1));
        let (from, to) = (self.x(self.event.0), self.x(self.event.1));
        html! {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(says) {
                rect x=(from) y="0" width=((to - from).max(2)) height=(HEIGHT) class="while" {}
                @if most > 0 { path d=(path) class={ "fill " (tone) } {} }
                line x1="0" x2=(WIDTH) y1=(HEIGHT - 1) y2=(HEIGHT - 1) class="tick" {}
            }
        }
    }

    fn lines(&self) -> Markup {
        let step = self.registers.len().div_ceil(LINES).max(1);
        let highest = |series: &[u64], place: usize| series.iter().skip(place * step).take(step).copied().max().unwrap_or_default();
        let rows = html! {
            @for place in 0..self.registers.len().div_ceil(step) {
                tr {
                    td { (span(self.stretch * (place * step) as u64)) }
                    td class="number" { (number(highest(&self.registers, place))) }
                    td class="number" { (number(highest(&self.unbound, place))) }
                }
            }
        };
        table(w::PLAN_RATE, &[w::PLAN_FROM, w::PLAN_MOST_RATE, w::PLAN_MOST_UNBOUND], rows)
    }
}

/// So many seconds, as people say it.
pub fn span(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, 0) => format!("{minutes} min"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, 0, _) => format!("{hours} h"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_drawn_and_told_in_words_and_as_a_table() {
        let plan = json!({
            "event": "all carriers silent for 60 s", "eventFrom": 300, "eventTo": 360, "stretchSeconds": 60,
            "all": { "registersPerSecond": [3, 3, 3, 3, 3, 0, 1_500, 9], "unbound": [0, 0, 0, 0, 0, 0, 12, 0] },
        });
        let drawn = plot(&plan).into_string();
        assert!(drawn.contains("at most 1,500/s") && drawn.contains("at most 12"), "{drawn}");
        assert_eq!(drawn.matches("<svg").count(), 2);
        assert_eq!(drawn.matches("<tr>").count(), 9, "a line a minute, and the head");
        assert!(!plot(&json!({})).into_string().contains("<path"), "nothing is drawn of nothing");
    }

    #[test]
    fn spans_are_said_as_people_do() {
        assert_eq!([0, 59, 60, 61, 3600, 3661].map(span), ["0 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 1 min"]);
    }
}
