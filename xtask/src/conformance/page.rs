//! The page: rows and clauses, the tests that show them, and how those ended.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::Results;
use super::demands::{Demands, Row};
use super::marks::Mark;
use super::open::Open;

pub fn page(demands: &Demands, marks: &[Mark], open: &[Open], results: &Results) -> String {
    let mut text = String::from(HEAD);
    let of = |name: &str| -> Vec<&Mark> {
        marks.iter().filter(|mark| mark.covers.iter().any(|covered| demands.find(covered).as_deref() == Some(name))).collect()
    };
    let ended = |name: &str, marks: &[&Mark]| match open.iter().find(|open| open.name == name) {
        Some(open) => format!("**open**: {}", open.why),
        None => result(marks, results),
    };
    let _ = write!(
        text,
        "\n## Rows\n\n| row | the carrier | seen as | lab carrier | against | tests | result |\n|---|---|---|---|---|---|---|\n"
    );
    for row in &demands.rows {
        let marks = of(&row.name);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} |",
            row.name,
            row.does,
            row.seen,
            played(row),
            peers(&marks),
            tests(&marks),
            ended(&row.name, &marks)
        );
    }
    let _ = write!(text, "\n## Clauses\n\n| clause | asks | against | tests | result |\n|---|---|---|---|---|\n");
    for clause in &demands.clauses {
        let marks = of(&clause.name);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            clause.name,
            clause.asks,
            peers(&marks),
            tests(&marks),
            ended(&clause.name, &marks)
        );
    }
    text
}

const HEAD: &str = "# Conformance

Made by `cargo xtask conformance`, which runs the tests named here; not to be edited. A test claims a row of [carriers.md](carriers.md) or a clause of
[clauses.md](clauses.md) by a line above it, `// covers: C13, RFC 7616 3.4; lab`. `cargo xtask check conformance` fails where a row has no test through the real edge, a
row is no temperament of the lab carrier, a clause has no test, a line names something unknown, or this page is not what the tests make. What is open
stands in [conformance-open.md](conformance-open.md), with why; that table may only shrink.

*Against* says who is at the other end: a real Kamailio, SIPp, the lab carrier over sockets (`lab`), a registrar or server scripted by the test (`script`); and beside the wire a talk with the user agent
(`talk`), messages on paper (`paper`), the simulated world (`simulation`), the lab carrier by itself (`lab alone`).
";

fn played(row: &Row) -> String {
    if row.temperaments.is_empty() {
        return row.played_by.unwrap_or("**none**").to_owned();
    }
    row.temperaments.join(", ")
}

fn peers(marks: &[&Mark]) -> String {
    let peers: BTreeSet<&str> = marks.iter().map(|mark| mark.peer.as_str()).collect();
    peers.into_iter().collect::<Vec<_>>().join(", ")
}

fn tests(marks: &[&Mark]) -> String {
    let mut names: Vec<String> = marks.iter().map(|mark| format!("[{}](../../{})", mark.test, mark.file)).collect();
    names.dedup();
    names.join("<br>")
}

fn result(marks: &[&Mark], results: &Results) -> String {
    let ended = |wanted| marks.iter().filter(|mark| mark.result(results) == wanted).count();
    match (ended(Some(true)), ended(Some(false)), ended(None)) {
        (0, 0, 0) => "**no test**".to_owned(),
        (_, 0, 0) => "passed".to_owned(),
        (_, failed, missing) => format!("**{failed} failed, {missing} did not run**"),
    }
}
