//! What must be shown: rows of `docs/design/carriers.md`, clauses of `docs/design/clauses.md`.

use anyhow::{Context, Result};

use crate::command::root;

const ROWS: &str = "docs/design/carriers.md";
const CLAUSES: &str = "docs/design/clauses.md";
const TEMPERAMENTS: &str = "crates/carrier/src/rows.rs";

/// Rules that stand in `carriers.md` beside the tables.
const RULES: &[(&str, &str)] = &[("back-off", "**Back-off**"), ("failed digests", "**Failed digests**")];

/// Rows that no registrar plays, and who plays them in the tests.
const PLAYED_ELSEWHERE: &[(&str, &str)] =
    &[("N2", "a DNS server with faults"), ("N12", "a DNS server"), ("back-off", "any refusal"), ("failed digests", "any wrong password")];

pub struct Demands {
    pub rows: Vec<Row>,
    pub clauses: Vec<Clause>,
}

/// A row of `carriers.md`.
pub struct Row {
    /// `C13`
    pub name: String,
    /// What the carrier does, what the operator sees.
    pub does: String,
    pub seen: String,
    /// The names under which the lab carrier plays it.
    pub temperaments: Vec<String>,
    /// Who plays it, where the lab carrier does not.
    pub played_by: Option<&'static str>,
}

/// A clause of an RFC.
pub struct Clause {
    /// `RFC 7616 3.4`
    pub name: String,
    /// What it asks of a registering user agent.
    pub asks: String,
}

impl Demands {
    pub fn read() -> Result<Self> {
        let text = |path: &str| std::fs::read_to_string(root().join(path)).context(path.to_owned());
        Ok(Self { rows: rows(&text(ROWS)?, &temperaments(&text(TEMPERAMENTS)?)), clauses: clauses(&text(CLAUSES)?) })
    }

    /// The name of the row or clause that a mark means: a clause is meant by each of its parts, the longest first.
    pub fn find(&self, mark: &str) -> Option<String> {
        if let Some(row) = self.rows.iter().find(|row| row.name == mark) {
            return Some(row.name.clone());
        }
        let clauses = self.clauses.iter().map(|clause| &clause.name);
        clauses
            .filter(|name| *name == mark || mark.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.')))
            .max_by_key(|name| name.len())
            .cloned()
    }
}

fn rows(text: &str, temperaments: &[String]) -> Vec<Row> {
    let row = |name: &str, does: &str, seen: &str| Row {
        name: name.to_owned(),
        does: does.to_owned(),
        seen: seen.to_owned(),
        temperaments: temperaments.iter().filter(|temperament| temperament.split('-').next() == Some(name)).cloned().collect(),
        played_by: PLAYED_ELSEWHERE.iter().find(|(played, _)| *played == name).map(|(_, by)| *by),
    };
    let cells = text.lines().map(cells).filter(|cells| cells.len() == 4 && is_row(cells[0]));
    let tables = cells.map(|cells| row(cells[0], cells[1], cells[3]));
    let rules = RULES.iter().filter(|(_, head)| text.contains(head)).map(|(name, _)| row(name, "", ""));
    tables.chain(rules).collect()
}

/// `C13`, `B3a`.
fn is_row(cell: &str) -> bool {
    let number = cell.trim_start_matches(['C', 'F', 'B', 'N']);
    number.len() + 1 == cell.len() && number.trim_end_matches('a').parse::<u8>().is_ok()
}

fn clauses(text: &str) -> Vec<Clause> {
    let cells = text.lines().map(cells).filter(|cells| cells.len() == 2 && cells[0].starts_with("RFC "));
    cells.map(|cells| Clause { name: cells[0].to_owned(), asks: cells[1].to_owned() }).collect()
}

/// The cells of a line of a table.
pub fn cells(line: &str) -> Vec<&str> {
    let Some(inner) = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else { return Vec::new() };
    inner.split('|').map(str::trim).collect()
}

/// The names in `row("C1", ...)`.
fn temperaments(source: &str) -> Vec<String> {
    let production = source.split("#[cfg(test)]").next().unwrap_or_default();
    production.split("row(\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_with_their_temperaments_and_clauses_are_meant_by_their_parts() {
        let demands = Demands {
            rows: rows(
                "| C1 | MD5 | answers | one round trip |\n| # | a | b | c |\n**Back-off** x",
                &["C1".into(), "C11".into(), "C1-x".into()],
            ),
            clauses: clauses("| RFC 3261 17.1.2 | timers |\n| RFC 3261 17.1 | all |\n| clause | asks |"),
        };
        assert_eq!(demands.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["C1", "back-off"]);
        assert_eq!(demands.rows[0].temperaments, ["C1", "C1-x"]);
        assert_eq!(demands.find("RFC 3261 17.1.2.2").as_deref(), Some("RFC 3261 17.1.2"));
        assert_eq!(demands.find("RFC 3261 17.10"), None);
        assert_eq!(demands.find("C2"), None);
    }
}
