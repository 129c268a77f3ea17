//! docs/design/situations.md, from the table and what was answered.

use std::fmt::Write as _;
use std::path::Path;

use super::run::Told;
use super::situation::{Ask, At, Seen, Situation, Stream};

/// Set to write the page anew.
const UPDATE: &str = "TRUNKLINE_UPDATE";

/// Fails unless the page in the tree is the one that this run gives.
#[track_caller]
pub fn must_be_written(table: &[Situation], told: &[Told]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/design/situations.md");
    let page = page(table, told);
    if std::env::var_os(UPDATE).is_some() {
        return std::fs::write(&path, page).expect("the page is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    for (number, (kept, now)) in kept.lines().zip(page.lines()).enumerate() {
        assert_eq!(kept, now, "docs/design/situations.md, line {}; {UPDATE}=1 writes it anew", number + 1);
    }
    assert_eq!(kept.lines().count(), page.lines().count(), "docs/design/situations.md; {UPDATE}=1 writes it anew");
}

fn page(table: &[Situation], told: &[Told]) -> String {
    let mut page = format!(
        "# Situations\n\n\
         Written by the test `situations` (crates/trunkline/tests/e2e) from what the API answered in its last run with `{UPDATE}=1`; the test fails where an answer\n\
         differs. {} situations, each played through the real API and a real edge against the lab carrier or a scripted peer. Rows that share a code call\n\
         for the same act; no two codes do. `REGISTRAR` and `EDGE` stand for addresses of the run.\n\n\
         | situation | played by | code | stage, who | what the operator does | remedy as answered |\n|---|---|---|---|---|---|\n",
        table.len()
    );
    for (row, told) in table.iter().zip(told) {
        writeln!(
            page,
            "| {} | {} | [`{}`](../diagnoses/{}.md){} | {}, {} | {} | {} |",
            row.case,
            cell(&played_by(row)),
            row.code,
            row.code,
            match row.seen {
                Seen::Refused(status) => format!(" {status}"),
                Seen::Present => String::new(),
                Seen::Warned => " (warning)".to_owned(),
            },
            told.stage,
            told.initiator,
            row.act,
            cell(&told.remedy)
        )
        .expect("a string");
    }
    page
}

fn played_by(row: &Situation) -> String {
    if matches!(row.ask, Ask::Post(..)) || row.seen == Seen::Refused(400) || matches!(row.ask, Ask::Offline) {
        return "no carrier asked".to_owned();
    }
    match row.at {
        At::Lab([], "") => "lab carrier".to_owned(),
        At::Lab(rows, "") => format!("lab carrier, {}", rows.join(", ")),
        At::Lab(_, more) => format!("lab carrier, `{more}`"),
        At::Stream(Stream { speaks, asked, rows, more, trusted }) => {
            let mut words = format!("lab carrier that speaks {}", speaks.to_uppercase());
            words += &if asked == speaks { String::new() } else { format!(", asked for {}", asked.to_uppercase()) };
            words += &rows.iter().map(|row| format!(", {row}")).collect::<String>();
            words += &if more.is_empty() { String::new() } else { format!(", `{more}`") };
            words + if trusted { "" } else { ", its root not in the profile" }
        }
        At::Peer(_) => "scripted peer".to_owned(),
        At::Nobody(port) => format!("nobody at port {port}"),
        At::Silent => "a socket that nobody reads".to_owned(),
        At::Uri(uri) => format!("`{uri}`"),
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
