//! Code, page and test of a diagnosis together: every code of the catalogue has its page, its line in the list of pages and a test that meets it on
//! the wire or in a talk; every page has its code and says of it what the catalogue says.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{Faults, sources};

const CATALOGUE: &str = "crates/diagnosis/src/code.rs";
const PAGES: &str = "docs/diagnoses/";
const LIST: &str = "docs/diagnoses/README.md";

/// What every page has, in this order.
const SECTIONS: [&str; 5] = ["## What it means", "## How to tell", "## What to do", "## On the carrier's side", "## References"];

/// A row of the catalogue.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    variant: String,
    code: String,
    /// The row of a page's table: stage, initiator, HTTP status, retryable.
    table: String,
    meaning: String,
}

pub fn check() -> Result<Faults> {
    let files = sources::files()?;
    if !files.iter().any(|path| path == CATALOGUE) {
        return Ok(vec![format!("{CATALOGUE} is not there: where are the codes?")]);
    }
    let rows = rows(&sources::text(CATALOGUE)?.unwrap_or_default());
    let list = sources::text(LIST)?.unwrap_or_default();
    let mut tests = String::new();
    for path in files.iter().filter(|path| is_test(path)) {
        tests.push_str(&sources::text(path)?.unwrap_or_default());
    }
    let mut faults = Faults::new();
    if rows.is_empty() {
        faults.push(format!("{CATALOGUE} names no code"));
    }
    for row in &rows {
        let path = format!("{PAGES}{}.md", row.code);
        match files.contains(&path) {
            false => faults.push(format!("{} has no page {path}", row.code)),
            true => faults
                .extend(page_faults(row, &sources::text(&path)?.unwrap_or_default()).into_iter().map(|fault| format!("{path}: {fault}"))),
        }
        faults.extend(list_fault(row, &list));
        faults.extend(test_fault(row, &list, &tests));
    }
    let codes: BTreeSet<&str> = rows.iter().map(|row| row.code.as_str()).collect();
    let pages = files.iter().filter_map(|path| path.strip_prefix(PAGES)?.strip_suffix(".md")).filter(|name| *name != "README");
    faults.extend(pages.filter(|page| !codes.contains(page)).map(|page| format!("{PAGES}{page}.md explains no code of {CATALOGUE}")));
    Ok(faults)
}

/// Tests that meet a code from outside: on the wire, over the API, in a talk.
fn is_test(path: &str) -> bool {
    path.ends_with(".rs") && path.starts_with("crates/") && path.split('/').nth(2) == Some("tests")
}

/// Reads the catalogue: `Variant "code" Stage Initiator 422 false`, then the meaning on a line of its own.
fn rows(source: &str) -> Vec<Row> {
    let production = source.split("#[cfg(test)]").next().unwrap_or_default();
    let mut lines = production.lines().map(str::trim);
    let mut rows = Vec::new();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [variant, code, stage, initiator, status, retryable] = words[..] else { continue };
        let Some(code) = code.strip_prefix('"').and_then(|code| code.strip_suffix('"')).filter(|code| is_code(code)) else { continue };
        let status = if stage == "Warning" { format!("{status} (a warning refuses nothing)") } else { status.to_owned() };
        let retryable = if retryable == "true" { "yes" } else { "no" };
        rows.push(Row {
            variant: variant.to_owned(),
            code: code.to_owned(),
            table: format!("| {} | {} | {status} | {retryable} |", stage.to_lowercase(), initiator.to_lowercase()),
            meaning: lines.next().unwrap_or_default().trim_matches('"').replace("\\\"", "\""),
        });
    }
    rows
}

fn page_faults(row: &Row, page: &str) -> Faults {
    let mut faults = Faults::new();
    if page.lines().next() != Some(&format!("# {}", row.code)) {
        faults.push("its heading is not the code".to_owned());
    }
    if !page.lines().any(|line| line == row.table) {
        faults.push(format!("its table is not what {CATALOGUE} says: {}", row.table));
    }
    let headings: Vec<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    if headings != SECTIONS {
        faults.push(format!("its sections are not {}", SECTIONS.join(", ")));
    }
    faults
}

fn list_fault(row: &Row, list: &str) -> Option<String> {
    let line = listed(&row.code, list)?;
    let wanted = format!("| {} |", row.meaning);
    (!line.ends_with(&wanted)).then(|| format!("{LIST} says of {} something else than {CATALOGUE}: {}", row.code, row.meaning))
}

fn listed<'l>(code: &str, list: &'l str) -> Option<&'l str> {
    list.lines().find(|line| line.starts_with(&format!("| [`{code}`]")))
}

/// A code without a test must be marked in the list as one that no part of the build gives, and one with a test must not.
fn test_fault(row: &Row, list: &str, tests: &str) -> Option<String> {
    let Row { variant, code, .. } = row;
    let Some(line) = listed(code, list) else { return Some(format!("{code} is not in {LIST}")) };
    let given = !line.starts_with(&format!("| [`{code}`]({code}.md) *"));
    match (given, tests.contains(&format!("\"{code}\"")) || names(tests, &format!("Code::{variant}"))) {
        (true, false) => Some(format!("{code} is met by no test under crates/*/tests: name it there, by \"{code}\" or Code::{variant}")),
        (false, true) => Some(format!("{code} is met by a test, and {LIST} marks it with * as one that no part gives")),
        (true, true) | (false, false) => None,
    }
}

/// Tells whether a path stands in the text as a whole.
fn names(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| !text[at + path.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
}

fn is_code(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_lowercase())
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    text.contains('.') && text.split('.').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
        catalogue! {
            // Never "sip.comment".
            RealmMismatch "sip.realm.mismatch" Challenge Carrier 422 false
                "The carrier asks for \"another\" realm."
                "Set it.";
        }
        #[cfg(test)]
            Other "sip.only.tested" Challenge Carrier 422 false
    "#;
    const PAGE: &str = "# sip.realm.mismatch\n| challenge | carrier | 422 | no |\n## What it means\n## How to tell\n## What to do\n## On the carrier's side\n## References\n";
    const LISTED: &str = "| [`sip.realm.mismatch`](sip.realm.mismatch.md) | The carrier asks for \"another\" realm. |\n";

    fn row() -> Row {
        rows(SOURCE).remove(0)
    }

    #[test]
    fn the_rows_are_those_of_the_catalogue_outside_comments_and_tests() {
        assert_eq!(rows(SOURCE).len(), 1);
        assert_eq!((row().variant.as_str(), row().table.as_str()), ("RealmMismatch", "| challenge | carrier | 422 | no |"));
    }

    #[test]
    fn a_page_says_what_the_catalogue_says_in_its_five_sections() {
        assert_eq!(page_faults(&row(), PAGE), Faults::new());
        for broken in [PAGE.replace("422", "400"), PAGE.replace("# sip.", "# tls."), PAGE.replace("## References\n", "")] {
            assert_eq!(page_faults(&row(), &broken).len(), 1, "{broken}");
        }
        assert_eq!(list_fault(&row(), LISTED), None);
        assert!(list_fault(&row(), &LISTED.replace("another", "any")).is_some());
    }

    #[test]
    fn a_code_is_met_by_a_test_or_marked_as_given_by_nothing() {
        let marked = LISTED.replace("md) |", "md) * |");
        for (list, tests, good) in [
            (LISTED, "refused(422, \"sip.realm.mismatch\")", true),
            (LISTED, "Code::RealmMismatch)", true),
            (LISTED, "Code::RealmMismatched, sip.realm.mismatch", false),
            (&marked, "", true),
            (&marked, "Code::RealmMismatch", false),
            ("", "Code::RealmMismatch", false),
        ] {
            assert_eq!(test_fault(&row(), list, tests).is_none(), good, "{list} {tests}");
        }
    }

    #[test]
    fn tests_are_those_beside_the_sources() {
        assert!(is_test("crates/ua/tests/talks/failures.rs") && is_test("crates/trunkline/tests/e2e/refusals.rs"));
        assert!(!is_test("crates/ua/src/verdict/tests.rs") && !is_test("docs/tests/x.rs"));
    }
}
