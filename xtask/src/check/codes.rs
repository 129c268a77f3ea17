//! Every diagnosis code has its page, and every page its code.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Faults, sources};

const CATALOGUE: &str = "crates/diagnosis/src/code.rs";
const PAGES: &str = "docs/diagnoses/";

pub fn check() -> Result<Faults> {
    let files = sources::files()?;
    if !files.iter().any(|path| path == CATALOGUE) {
        return Ok(vec![format!("{CATALOGUE} is not there: where are the codes?")]);
    }
    let codes = codes(&sources::text(CATALOGUE)?.unwrap_or_default());
    let pages: BTreeSet<String> = files
        .iter()
        .filter_map(|path| path.strip_prefix(PAGES)?.strip_suffix(".md"))
        .filter(|name| !matches!(*name, "README" | "index"))
        .map(str::to_owned)
        .collect();
    let mut faults = Faults::new();
    if codes.is_empty() {
        faults.push(format!("{CATALOGUE} names no code"));
    }
    faults.extend(codes.difference(&pages).map(|code| format!("{code} has no page {PAGES}{code}.md")));
    faults.extend(pages.difference(&codes).map(|page| format!("{PAGES}{page}.md explains no code of {CATALOGUE}")));
    for code in codes.intersection(&pages) {
        let page = sources::text(&format!("{PAGES}{code}.md"))?.unwrap_or_default();
        if !page.contains(code.as_str()) || page.trim().lines().count() < 3 {
            faults.push(format!("{} does not explain {code}", Path::new(PAGES).join(format!("{code}.md")).display()));
        }
    }
    Ok(faults)
}

/// The string literals of the catalogue that have the shape of a code: lower-case words joined by dots.
fn codes(source: &str) -> BTreeSet<String> {
    let production = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code_lines = production.lines().filter(|line| !line.trim_start().starts_with("//"));
    code_lines.flat_map(|line| line.split('"').skip(1).step_by(2)).filter(|text| is_code(text)).map(str::to_owned).collect()
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

    #[test]
    fn codes_are_the_dotted_literals_outside_comments_and_tests() {
        let source = r#"
            /// Never "sip.comment".
            RealmMismatch = "sip.realm.mismatch", "The carrier asks.", "docs/x.md"
            #[cfg(test)] "sip.only.tested"
        "#;
        assert_eq!(codes(source), BTreeSet::from(["sip.realm.mismatch".to_owned()]));
    }
}
