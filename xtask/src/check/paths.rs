//! Every path that the documents name exists.

use std::path::{Component, Path, PathBuf};

use anyhow::Result;

use super::{Faults, sources};
use crate::command::root;

/// A code span that begins with one of these names a path of the repository.
const ROOTS: &[&str] = &["crates/", "docs/", "xtask/", ".ci/", ".cargo/"];

pub fn check() -> Result<Faults> {
    let mut faults = Faults::new();
    for document in sources::files()?.iter().filter(|path| is_document(path)) {
        for (number, line) in prose(&sources::text(document)?.unwrap_or_default()) {
            for path in spans(line).into_iter().filter(|span| is_path(span)) {
                let path = path.trim_end_matches('/');
                if !root().join(path).exists() {
                    faults.push(format!("{document}:{number} names `{path}`, which is not there"));
                }
            }
            for link in links(line) {
                if !leads_somewhere(document, link) {
                    faults.push(format!("{document}:{number} links to {link}, which is not there"));
                }
            }
        }
    }
    Ok(faults)
}

fn is_document(path: &str) -> bool {
    path.ends_with(".md") && (path.starts_with("docs/") || !path.contains('/'))
}

/// The lines outside fenced blocks, numbered from 1.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            lines.push((index + 1, line));
        }
    }
    lines
}

fn spans(line: &str) -> Vec<&str> {
    line.split('`').skip(1).step_by(2).collect()
}

/// Whether a code span is one path of this repository, without placeholders.
fn is_path(span: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    ROOTS.iter().any(|root| span.starts_with(root)) && span.bytes().all(plain)
}

/// The targets of `[text](target)`.
fn links(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target)).collect()
}

/// A relative link leads to a file; other sites, anchors and paths of the server are not ours to follow.
fn leads_somewhere(document: &str, link: &str) -> bool {
    let target = link.split(['#', '?']).next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with('/') || target.starts_with("mailto:") {
        return true;
    }
    let folder = Path::new(document).parent().unwrap_or(Path::new(""));
    root().join(plain(&folder.join(target))).exists()
}

fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_a_code_span_is_found_and_a_placeholder_is_not() {
        let line = "See `crates/ua/src/lib.rs`, `docs/diagnoses/<code>.md` and `cargo xtask`.";
        let found: Vec<&str> = spans(line).into_iter().filter(|span| is_path(span)).collect();
        assert_eq!(found, ["crates/ua/src/lib.rs"]);
    }

    #[test]
    fn fenced_blocks_are_no_prose() {
        let text = "one\n```sh\n`docs/none.md`\n```\ntwo";
        assert_eq!(prose(text), [(1, "one"), (5, "two")]);
    }

    #[test]
    fn a_link_upwards_is_followed_from_its_document() {
        assert_eq!(plain(Path::new("docs/guide/../../README.md")), Path::new("README.md"));
        assert_eq!(links("a [b](c.md) d [e](f.md#g)"), ["c.md", "f.md#g"]);
    }
}
