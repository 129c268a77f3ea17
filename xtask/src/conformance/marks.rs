//! The lines above tests that say what they show.

use anyhow::Result;

use super::Results;
use crate::check::sources;

const MARK: &str = "// covers:";

/// One test and what it shows.
pub struct Mark {
    pub file: String,
    /// Where the mark stands, from 1.
    pub line: usize,
    pub covers: Vec<String>,
    /// Whom it talks to.
    pub peer: String,
    /// The cargo target it is built into: `e2e`, `ua`.
    pub target: String,
    /// Its package: `trunkline`.
    pub package: String,
    /// The modules it lies in: `rows::challenges::`, empty at the root.
    pub module: String,
    /// The name of the function.
    pub test: String,
}

impl Mark {
    /// Whether it sends through the real edge.
    pub fn on_the_wire(&self) -> bool {
        matches!(self.package.as_str(), "edge" | "trunkline") && !self.file.contains("/src/")
    }

    /// Whether a test of that path within the target is this one.
    ///
    /// Modules within a file (`mod tests`) may stand between.
    pub fn is(&self, target: &str, path: &str) -> bool {
        let last = path.rsplit("::").next().unwrap_or_default();
        target == self.target && last == self.test && path.starts_with(&self.module)
    }

    /// Its path within its target, as a run names it.
    pub fn path(&self) -> String {
        format!("{}{}", self.module, self.test)
    }

    pub fn result(&self, results: &Results) -> Option<bool> {
        results.iter().filter(|((target, path), _)| self.is(target, path)).map(|(_, passed)| *passed).reduce(|all, passed| all && passed)
    }
}

/// The marks of all tests, by file.
pub fn read() -> Result<Vec<Mark>> {
    let mut marks = Vec::new();
    for file in sources::files()?.iter().filter(|path| path.starts_with("crates/") && path.ends_with(".rs")) {
        marks.extend(of(file, &sources::text(file)?.unwrap_or_default()));
    }
    Ok(marks)
}

fn of(file: &str, text: &str) -> Vec<Mark> {
    let Some((package, target, module)) = place(file) else { return Vec::new() };
    let mut marks = Vec::new();
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(said) = line.strip_prefix(MARK) {
            open.push((index + 1, said));
        } else if let Some(test) = function(line) {
            for (line, said) in open.drain(..) {
                let (covers, peer) = said.split_once(';').unwrap_or((said, default_peer(&package)));
                marks.push(Mark {
                    file: file.to_owned(),
                    line,
                    covers: covers.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect(),
                    peer: peer.trim().to_owned(),
                    target: target.clone(),
                    package: package.clone(),
                    module: module.clone(),
                    test: test.to_owned(),
                });
            }
        }
    }
    marks
}

/// `fn a_test() {` with what may stand before it.
fn function(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ")?;
    rest.split(['(', '<']).next()
}

/// Package, target and module path of a file: `crates/ua/tests/talks/nonces.rs` is `ua`, `talks`, `nonces::`.
fn place(file: &str) -> Option<(String, String, String)> {
    let mut parts: Vec<&str> = file.strip_suffix(".rs")?.split('/').collect();
    let package = (*parts.get(1)?).to_owned();
    let kind = *parts.get(2)?;
    let mut rest = parts.split_off(3);
    let target = match kind {
        "src" => package.clone(),
        "tests" if !rest.is_empty() => rest.remove(0).to_owned(),
        _ => return None,
    };
    if matches!(rest.last(), Some(&("main" | "lib" | "mod"))) {
        rest.pop();
    }
    let module = rest.iter().map(|part| format!("{part}::")).collect();
    Some((package, target, module))
}

/// Who a test talks to where it does not say.
fn default_peer(package: &str) -> &'static str {
    match package {
        "ua" => "talk",
        "sip" => "paper",
        "carrier" => "lab alone",
        "sim" => "simulation",
        _ => "script",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_belongs_to_the_function_below_it() {
        let text = "// covers: C13, RFC 7616 3.4; lab\n#[test]\nfn final_it_is() {}\n#[test]\nfn plain() {}\n// covers: C14\n#[tokio::test]\nasync fn ever() {}";
        let marks = of("crates/trunkline/tests/e2e/rows/challenges.rs", text);
        assert!(marks.iter().all(|mark| mark.is(&mark.target, &mark.path())));
        let said: Vec<_> = marks.iter().map(|mark| (mark.test.as_str(), mark.covers.join("+"), mark.peer.as_str())).collect();
        assert_eq!(said, [("final_it_is", "C13+RFC 7616 3.4".into(), "lab"), ("ever", "C14".into(), "script")]);
        assert_eq!((marks[0].target.as_str(), marks[0].module.as_str()), ("e2e", "rows::challenges::"));
        assert!(marks[0].is("e2e", "rows::challenges::final_it_is") && !marks[0].is("e2e", "other::final_it_is"));
    }

    #[test]
    fn unit_tests_lie_in_their_module() {
        assert_eq!(place("crates/ua/src/verdict/tests.rs"), Some(("ua".into(), "ua".into(), "verdict::tests::".into())));
        assert_eq!(place("crates/edge/tests/registers.rs"), Some(("edge".into(), "registers".into(), String::new())));
        assert_eq!(place("crates/ua/src/lib.rs"), Some(("ua".into(), "ua".into(), String::new())));
    }
}
