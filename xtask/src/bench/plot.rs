//! REGISTER/s over time as SVG.

use std::fmt::Write;

use super::measured::Measured;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const MARGIN: f64 = 60.0;
const COLOURS: [&str; 4] = ["#1f5fa8", "#c2571a", "#2d7d46", "#7a3e9d"];

/// Draws all runs over each other.
pub fn svg(runs: &[Measured]) -> String {
    let lines: Vec<(String, Vec<u64>)> = runs.iter().map(|run| (run.name.clone(), seconds(run))).collect();
    let most = lines.iter().flat_map(|(_, line)| line).max().copied().unwrap_or(1).max(1) as f64;
    let longest = lines.iter().map(|(_, line)| line.len()).max().unwrap_or(1).max(2) as f64;
    let x = |second: usize| MARGIN + second as f64 / (longest - 1.0) * (WIDTH - 2.0 * MARGIN);
    let y = |value: u64| HEIGHT - MARGIN - value as f64 / most * (HEIGHT - 2.0 * MARGIN);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"13\">\n<title>REGISTER/s over time</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<path d=\"M{MARGIN} {MARGIN}V{0}H{1}\" fill=\"none\" stroke=\"#888\"/>\n<text x=\"{2}\" y=\"{MARGIN}\" text-anchor=\"end\">{most:.0}</text>\n<text x=\"{2}\" y=\"{0}\" text-anchor=\"end\">0</text>\n<text x=\"{1}\" y=\"{3}\" text-anchor=\"end\">{longest:.0} s</text>\n<text x=\"{MARGIN}\" y=\"30\">REGISTER/s</text>\n",
        HEIGHT - MARGIN,
        WIDTH - MARGIN,
        MARGIN - 8.0,
        HEIGHT - MARGIN + 20.0
    );
    for (at, ((name, line), colour)) in lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let points: String = line.iter().enumerate().fold(String::new(), |mut points, (second, &value)| {
            let _ = write!(points, "{:.1},{:.1} ", x(second), y(value));
            points
        });
        let left = MARGIN + 120.0 + 220.0 * at as f64;
        let _ = write!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>\n<text x=\"{left}\" y=\"30\" fill=\"{colour}\">{name}</text>\n",
            points.trim_end()
        );
    }
    out.push_str("</svg>\n");
    out
}

fn seconds(run: &Measured) -> Vec<u64> {
    let slots: Vec<u64> = run.series(0).into_iter().chain(run.series(1)).collect();
    slots.chunks(10).map(|second| second.iter().sum()).collect()
}
