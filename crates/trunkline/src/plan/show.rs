//! A forecast as a table, as JSON and as a plot.

use std::fmt::Write;

use serde_json::{Value, json};
use sim::planner::{CYCLE_SECONDS, Forecast, Outlook, REFRESH_SECONDS, REGISTRATION_BYTES};

/// Writes what people read.
pub fn table(forecast: &Forecast) -> String {
    let mut text = format!("{} trunks at {} edges; {}.\n\n", forecast.trunks, forecast.edges, forecast.event);
    let _ = writeln!(
        text,
        "{:<20} {:>10} {:>9} {:>9} {:>8} {:>9} {:>10} {:>10}",
        "carrier", "trunks", "steady/s", "worst/s", "at s", "lapses", "unbound", "recovered"
    );
    for outlook in forecast.carriers.iter().chain((forecast.carriers.len() > 1).then_some(&forecast.all)) {
        let recovered = outlook.recovered.map_or_else(|| "never".to_owned(), |after| format!("{} s", after.as_secs()));
        let _ = writeln!(
            text,
            "{:<20} {:>10} {:>9.1} {:>9} {:>8} {:>9} {:>10} {:>10}",
            outlook.name,
            outlook.trunks,
            outlook.steady,
            outlook.busiest.1,
            outlook.busiest.0,
            outlook.lapses,
            outlook.most_unbound,
            recovered
        );
    }
    let _ = writeln!(
        text,
        "\nAn edge: at most {} REGISTER/s, about {:.3} cores then and {:.4} on average, about {} MB.",
        forecast.busiest_edge,
        forecast.cores.0,
        forecast.cores.1,
        forecast.memory / 1_000_000
    );
    let _ = writeln!(
        text,
        "Measured: {:.0} refreshes or {:.0} challenged cycles per CPU-second, {REGISTRATION_BYTES} bytes a registration (docs/proofs/registrations-bench.md).",
        1.0 / REFRESH_SECONDS,
        1.0 / CYCLE_SECONDS
    );
    for outlook in &forecast.carriers {
        if let Some(limit) = outlook.exceeded {
            let _ = writeln!(
                text,
                "{}: more than its {limit} REGISTER/s in a second; each edge paces by itself, so lower registers-per-second.",
                outlook.name
            );
        }
        if outlook.recovered.is_none() {
            let _ = writeln!(
                text,
                "{}: trunks are without a binding at the end; raise registers-per-second, in-flight or expires.",
                outlook.name
            );
        }
    }
    text
}

/// Writes what programs read; the series with at most so many values, each the highest of its stretch.
pub fn json(forecast: &Forecast, values: usize) -> Value {
    let stretch = stretch(&forecast.all.registers, values);
    let series = |series: &[u32]| peaks(series, values).map(|(_, value)| value).collect::<Vec<_>>();
    let outlook = |outlook: &Outlook| {
        json!({
            "name": outlook.name, "trunks": outlook.trunks, "steadyPerSecond": outlook.steady,
            "worstSecond": { "at": outlook.busiest.0, "registers": outlook.busiest.1 }, "retransmissions": outlook.retransmissions,
            "refreshes": outlook.granted.0, "challengedCycles": outlook.granted.1, "lapses": outlook.lapses, "mostUnbound": outlook.most_unbound,
            "recovered": outlook.recovered.is_some(), "recoverySeconds": outlook.recovered.map_or(0, |after| after.as_secs()),
            "limitExceeded": outlook.exceeded.is_some(), "registersPerSecond": series(&outlook.registers), "unbound": series(&outlook.unbound),
        })
    };
    json!({
        "event": forecast.event, "eventFrom": forecast.between.0, "eventTo": forecast.between.1, "stretchSeconds": stretch, "edges": forecast.edges, "trunks": forecast.trunks,
        "edge": { "worstRegistersPerSecond": forecast.busiest_edge, "worstCores": forecast.cores.0, "meanCores": forecast.cores.1, "memoryBytes": forecast.memory },
        "all": outlook(&forecast.all), "carriers": forecast.carriers.iter().map(outlook).collect::<Vec<_>>(),
    })
}

const WIDTH: usize = 900;
const HEIGHT: usize = 300;
const LEFT: usize = 70;
const TOP: usize = 40;

/// Draws REGISTER/s, and the trunks without a binding, over time.
pub fn svg(forecast: &Forecast) -> String {
    let all = &forecast.all;
    let seconds = all.registers.len().max(1);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n",
        LEFT + WIDTH + 70,
        TOP + HEIGHT + 40
    );
    let x = |second: u64| LEFT as f64 + WIDTH as f64 * second as f64 / seconds as f64;
    let (from, to) = (x(forecast.between.0), x(forecast.between.1));
    let _ = writeln!(text, "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{HEIGHT}\" fill=\"#eee\"/>", (to - from).max(1.0));
    let _ = writeln!(
        text,
        "<text x=\"{LEFT}\" y=\"20\">{} trunks, {} edges: {}</text>",
        forecast.trunks,
        forecast.edges,
        escaped(&forecast.event)
    );
    for (series, colour, anchor, at, what) in
        [(&all.registers, "#0b6", "start", 4, "REGISTER/s"), (&all.unbound, "#c33", "end", LEFT + WIDTH + 66, "unbound")]
    {
        let top = series.iter().copied().max().unwrap_or(0).max(1);
        let points = peaks(series, 1_000).map(|(second, value)| {
            let y = TOP as f64 + HEIGHT as f64 * (1.0 - f64::from(value) / f64::from(top));
            format!("{:.1},{y:.1}", x(second))
        });
        let points: Vec<String> = points.collect();
        let _ = writeln!(text, "<polyline fill=\"none\" stroke=\"{colour}\" points=\"{}\"/>", points.join(" "));
        let _ = writeln!(text, "<text x=\"{at}\" y=\"{}\" fill=\"{colour}\" text-anchor=\"{anchor}\">{top} {what}</text>", TOP - 6);
    }
    let _ = writeln!(text, "<text x=\"{LEFT}\" y=\"{}\">0 s</text>", TOP + HEIGHT + 18);
    let _ = writeln!(text, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{seconds} s</text>", LEFT + WIDTH, TOP + HEIGHT + 18);
    text + "</svg>\n"
}

/// The highest value of each of at most so many stretches: a peak must not fall out of the picture.
fn peaks(series: &[u32], values: usize) -> impl Iterator<Item = (u64, u32)> {
    let stretch = stretch(series, values);
    series.chunks(stretch).enumerate().map(move |(at, values)| ((at * stretch) as u64, values.iter().copied().max().unwrap_or(0)))
}

/// So many seconds are one value.
fn stretch(series: &[u32], values: usize) -> usize {
    series.len().div_ceil(values.max(1)).max(1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
