//! `cargo xtask conformance`: which test shows which behaviour and which clause, and how that test ended.
//!
//! A test says what it shows in a line above it: `// covers: C13, RFC 7616 3.4; lab`. Before the semicolon stand rows of
//! `docs/design/carriers.md` and clauses of `docs/design/clauses.md` (a clause stands for those that it is a part of),
//! after it the peer that the test talks to. This chore runs the tests that say so and writes `docs/design/conformance.md`.

mod demands;
mod marks;
mod open;
mod page;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::command::root;
use crate::setup;
use demands::Demands;
use marks::Mark;
use open::Open;

pub use run::ended;

const PAGE: &str = "docs/design/conformance.md";

/// How tests ended: by test target (`e2e`, `ua`) and the test's path within it.
pub type Results = BTreeMap<(String, String), bool>;

/// What must be shown, and what claims to show it.
struct Claims {
    demands: Demands,
    marks: Vec<Mark>,
    /// Known to be missing.
    open: Vec<Open>,
}

impl Claims {
    fn read() -> Result<Self> {
        Ok(Self { demands: Demands::read()?, marks: marks::read()?, open: open::read()? })
    }

    /// Marks that name nothing known, and demands that no mark names though nobody says that they are open; and the reverse.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut covered = BTreeSet::new();
        let mut on_the_wire = BTreeSet::new();
        for mark in &self.marks {
            for name in &mark.covers {
                match self.demands.find(name) {
                    Some(demand) => {
                        covered.insert(demand.clone());
                        if mark.on_the_wire() {
                            on_the_wire.insert(demand);
                        }
                    }
                    None => faults.push(format!(
                        "{}:{} covers {name:?}, which is no row of docs/design/carriers.md and no clause of docs/design/clauses.md",
                        mark.file, mark.line
                    )),
                }
            }
        }
        let mut missing = BTreeSet::new();
        for row in &self.demands.rows {
            if !on_the_wire.contains(&row.name) || (row.temperaments.is_empty() && row.played_by.is_none()) {
                missing.insert(row.name.as_str());
            }
            if self.is_open(&row.name) {
                continue;
            }
            if !on_the_wire.contains(&row.name) {
                faults.push(format!("row {} has no test on the wire (crates/edge, crates/trunkline) with `// covers: {0}`", row.name));
            }
            if row.temperaments.is_empty() && row.played_by.is_none() {
                faults.push(format!("row {} is no temperament of crates/carrier/src/rows.rs", row.name));
            }
        }
        let uncovered: Vec<_> = self.demands.clauses.iter().filter(|clause| !covered.contains(&clause.name)).collect();
        missing.extend(uncovered.iter().map(|clause| clause.name.as_str()));
        let closed = self.open.iter().filter(|open| !missing.contains(open.name.as_str()));
        faults.extend(closed.map(|open| format!("{} names {}, of which nothing is missing", open::PAGE, open.name)));
        let unsaid = uncovered.iter().filter(|clause| !self.is_open(&clause.name));
        faults.extend(unsaid.map(|clause| format!("{} has no test with `// covers: {0}`", clause.name)));
        faults
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|open| open.name == name)
    }

    /// How the tests of the marks ended: what did not pass or did not run is a fault.
    fn held(&self, results: &Results) -> Vec<String> {
        let mut faults = Vec::new();
        for mark in &self.marks {
            match mark.result(results) {
                Some(true) => {}
                Some(false) => faults.push(format!("{}:{} {} failed", mark.file, mark.line, mark.test)),
                None => faults.push(format!("{}:{} {} did not run", mark.file, mark.line, mark.test)),
            }
        }
        faults
    }
}

/// Runs the tests that claim to show something, and writes the page.
pub fn run() -> Result<()> {
    setup::run()?;
    let claims = Claims::read()?;
    let results = run::run(&claims.marks)?;
    std::fs::write(root().join(PAGE), page::page(&claims.demands, &claims.marks, &claims.open, &results)).context(PAGE)?;
    println!("conformance: written to {PAGE}");
    failing([claims.faults(), claims.held(&results)].concat())
}

/// After a run of every suite: every test that claims to show something has run and passed.
pub fn after(results: &Results) -> Result<Vec<String>> {
    Ok(Claims::read()?.held(results))
}

/// Every row and clause has its test, no mark names another, and the page is the one that these marks make when all pass.
pub fn check() -> Result<Vec<String>> {
    let claims = Claims::read()?;
    let mut faults = claims.faults();
    let passed = claims.marks.iter().map(|mark| ((mark.target.clone(), mark.path()), true)).collect();
    let wanted = page::page(&claims.demands, &claims.marks, &claims.open, &passed);
    if std::fs::read_to_string(root().join(PAGE)).unwrap_or_default() != wanted {
        faults.push(format!("{PAGE} is not what the tests make: run `cargo xtask conformance`"));
    }
    Ok(faults)
}

fn failing(faults: Vec<String>) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{} faults:\n  {}", faults.len(), faults.join("\n  "))
}
