//! Each function begins with a switch over its mutants.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result};

use super::{Mutant, Place};

/// What the switches ask: which mutant is alive (`MUTANT`, counted from one). Where `MUTANT_TRACE` names a file, the functions that are
/// reached are written there, each once.
pub const SWITCH: &str = r#"
#[allow(missing_docs)]
pub(crate) mod mutant {
    use std::io::Write;
    use std::sync::{LazyLock, Mutex};

    static ALIVE: LazyLock<usize> = LazyLock::new(|| {
        let alive = std::env::var("MUTANT").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
        if alive > 0 {
            // The first test that notices is enough.
            std::panic::set_hook(Box::new(|_| std::process::exit(101)));
        }
        alive
    });
    static TRACE: LazyLock<Option<Mutex<(std::fs::File, std::collections::BTreeSet<usize>)>>> = LazyLock::new(|| {
        let path = std::env::var_os("MUTANT_TRACE")?;
        let file = std::fs::File::options().append(true).create(true).open(path).expect("the trace");
        Some(Mutex::new((file, std::collections::BTreeSet::new())))
    });

    pub(crate) fn alive(function: usize) -> usize {
        if let Some(trace) = &*TRACE {
            let mut trace = trace.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if trace.1.insert(function) {
                writeln!(trace.0, "{function}").expect("the trace");
            }
        }
        *ALIVE
    }
}
"#;

/// A file with switches, and which lines of it belong to which mutant.
pub struct Woven {
    pub text: String,
    lines: Vec<(Range<usize>, usize)>,
}

impl Woven {
    /// The mutant that a line (from one) belongs to.
    pub fn at(&self, line: usize) -> Option<usize> {
        self.lines.iter().find(|(lines, _)| lines.contains(&line)).map(|(_, index)| *index)
    }
}

/// Whether a function can begin with a switch: not where each way out would have a type of its own, nor where it may run in the compiler.
pub fn can(tree: &Path, mutant: &Mutant) -> bool {
    let Some(function) = &mutant.function else { return false };
    let text = std::fs::read_to_string(tree.join(&mutant.file)).unwrap_or_default();
    let lines = text.lines().skip(function.span.start.line - 1).take(function.span.end.line + 1 - function.span.start.line);
    let head = lines.map(str::trim_start).find(|line| line.contains("fn ") && !line.starts_with("//") && !line.starts_with('#'));
    !function.return_type.contains("impl ") && !head.is_some_and(|head| head.contains("const fn "))
}

/// The function of a mutant: the first mutant that has the same.
pub fn function(mutants: &[Mutant], index: usize) -> usize {
    let key = |mutant: &Mutant| {
        mutant.function.as_ref().map(|function| (mutant.file.clone(), function.span.start.line, function.span.start.column))
    };
    let own = key(&mutants[index]);
    mutants.iter().position(|other| key(other) == own).unwrap_or(index)
}

/// The files of the mutants that compile, with their switches.
pub fn all(tree: &Path, mutants: &[Mutant], viable: &BTreeSet<usize>) -> Result<BTreeMap<String, Woven>> {
    let mut files: BTreeMap<&str, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for &index in viable {
        files.entry(&mutants[index].file).or_default().entry(function(mutants, index)).or_default().push(index);
    }
    files.into_iter().map(|(name, functions)| Ok((name.to_owned(), one(tree, name, mutants, &functions)?))).collect()
}

fn one(tree: &Path, name: &str, mutants: &[Mutant], functions: &BTreeMap<usize, Vec<usize>>) -> Result<Woven> {
    let text = std::fs::read_to_string(tree.join(name)).with_context(|| name.to_owned())?;
    let starts: Vec<usize> = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let offset = |place: Place| {
        let line = starts[place.line - 1];
        line + text[line..].char_indices().nth(place.column - 1).map_or(text.len() - line, |(at, _)| at)
    };
    // The body of each function, from behind its brace to before the other.
    let mut bodies: Vec<(Range<usize>, usize)> = Vec::new();
    for &function in functions.keys() {
        let span = mutants[function].function.as_ref().context("a function")?.span;
        let (from, to) = (offset(span.start), offset(span.end));
        let begin = from + body(&text[from..to]).with_context(|| format!("no body: {}", mutants[function].name))?;
        bodies.push((begin..to - 1, function));
    }
    bodies.sort_by_key(|(range, _)| range.start);
    let mut woven = Woven { text: String::new(), lines: Vec::new() };
    let mut done = 0;
    for (range, function) in bodies {
        woven.text.push_str(&text[done..range.start]);
        done = range.start;
        write!(woven.text, " match crate::mutant::alive({function}) {{")?;
        for &index in &functions[&function] {
            let mutant = &mutants[index];
            let (from, to) = (offset(mutant.span.start), offset(mutant.span.end));
            let first = woven.text.matches('\n').count() + 2;
            write!(
                woven.text,
                "\n{} => return {{\n{}{}{}\n}},",
                index + 1,
                &text[range.start..from],
                mutant.replacement,
                &text[to..range.end]
            )?;
            woven.lines.push((first..woven.text.matches('\n').count() + 2, index));
        }
        woven.text.push_str("\n_ => {} }\n");
    }
    woven.text.push_str(&text[done..]);
    Ok(woven)
}

/// Where the body of a function begins, behind its brace: the first outside of brackets, comments and texts.
fn body(function: &str) -> Option<usize> {
    let bytes = function.as_bytes();
    let (mut at, mut depth, mut named) = (0, 0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'/' if function[at..].starts_with("//") => at += function[at..].find('\n')?,
            b'"' => at += 1 + function[at + 1..].find('"')?,
            b'f' if function[at..].starts_with("fn ") && depth == 0 => named = true,
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if named && depth == 0 => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Function, Span};
    use super::*;

    const TEXT: &str = "/// A {brace}.\n#[doc = \"{\"]\nfn more(a: [u8; 2]) -> u8 {\n    a[0] + 1\n}\n";

    #[test]
    fn a_function_begins_with_its_mutants() {
        let place = |line, column| Place { line, column };
        let mutant = |from, to, replacement: &str| Mutant {
            name: replacement.to_owned(),
            file: "more.rs".to_owned(),
            function: Some(Function { return_type: "-> u8".to_owned(), span: Span { start: place(1, 1), end: place(5, 2) } }),
            span: Span { start: from, end: to },
            replacement: replacement.to_owned(),
        };
        let mutants = [mutant(place(4, 5), place(4, 13), "0"), mutant(place(4, 10), place(4, 11), "-")];
        let tree = std::env::temp_dir().join(format!("xtask-weave-{}", std::process::id()));
        std::fs::create_dir_all(&tree).unwrap();
        std::fs::write(tree.join("more.rs"), TEXT).unwrap();
        let woven = all(&tree, &mutants, &BTreeSet::from([0, 1])).unwrap();
        assert!(can(&tree, &mutants[0]));
        std::fs::write(tree.join("more.rs"), TEXT.replace("\nfn", "\npub const fn")).unwrap();
        assert!(!can(&tree, &mutants[0]), "what runs in the compiler cannot ask who is alive");
        std::fs::remove_dir_all(&tree).unwrap();
        let woven = &woven["more.rs"];
        let expected = "/// A {brace}.\n#[doc = \"{\"]\nfn more(a: [u8; 2]) -> u8 { match crate::mutant::alive(0) {\n1 => return {\n\n    0\n\n},\n\
                        2 => return {\n\n    a[0] - 1\n\n},\n_ => {} }\n\n    a[0] + 1\n}\n";
        assert_eq!(woven.text, expected);
        assert_eq!([3, 4, 8, 9, 13, 14].map(|line| woven.at(line)), [None, Some(0), Some(0), Some(1), Some(1), None]);
    }
}
