//! The dependencies between the crates are exactly those that `ARCHITECTURE.md` draws.
//!
//! It draws them in a fenced block tagged `arrows`, one line a crate: `ua -> sip, diagnosis`; `sip ->` points nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Faults;
use crate::command::{cargo, output, root};

type Arrows = BTreeMap<String, BTreeSet<String>>;

pub fn check() -> Result<Faults> {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md")?;
    let drawn = drawn(&text)?;
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    Ok(compared(&drawn, &actual(&serde_json::from_str(&metadata)?)))
}

fn drawn(text: &str) -> Result<Arrows> {
    let mut arrows = Arrows::new();
    let mut lines = text.lines().skip_while(|line| line.trim() != "```arrows");
    if lines.next().is_none() {
        bail!("ARCHITECTURE.md has no fenced block tagged `arrows`");
    }
    for line in lines.take_while(|line| line.trim() != "```").filter(|line| !line.trim().is_empty()) {
        let (from, to) = line.split_once("->").with_context(|| format!("not an arrow: {line:?}"))?;
        let to = to.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
        if arrows.insert(from.trim().to_owned(), to).is_some() {
            bail!("two lines begin with {}", from.trim());
        }
    }
    Ok(arrows)
}

/// The normal dependencies between members of the workspace; `xtask` is a chore, not a part of the house.
fn actual(metadata: &Value) -> Arrows {
    let packages = metadata["packages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let members: BTreeSet<String> = packages.iter().map(name).filter(|name| name != "xtask").collect();
    let arrows = packages.iter().filter(|package| members.contains(&name(package))).map(|package| {
        let dependencies = package["dependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        (name(package), normal.map(name).filter(|name| members.contains(name)).collect())
    });
    arrows.collect()
}

fn compared(drawn: &Arrows, actual: &Arrows) -> Faults {
    let none = BTreeSet::new();
    let crates: BTreeSet<&String> = drawn.keys().chain(actual.keys()).collect();
    let mut faults = Faults::new();
    for name in crates {
        if !drawn.contains_key(name) {
            faults.push(format!("crate {name} is not drawn in ARCHITECTURE.md"));
        }
        if !actual.contains_key(name) {
            faults.push(format!("ARCHITECTURE.md draws {name}, which is no crate of the workspace"));
        }
        let (drawn, actual) = (drawn.get(name).unwrap_or(&none), actual.get(name).unwrap_or(&none));
        faults.extend(actual.difference(drawn).map(|to| format!("{name} -> {to} is not drawn in ARCHITECTURE.md")));
        faults.extend(drawn.difference(actual).map(|to| format!("{name} -> {to} is drawn, but Cargo.toml has no such dependency")));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_is_not_drawn_is_a_fault_and_so_is_one_that_is_only_drawn() {
        let drawn = drawn("text\n```arrows\nsip ->\nua -> sip, diagnosis\n```\n").expect("drawn");
        let package = |name: &str, to: &[&str]| {
            let dependencies: Vec<Value> = to.iter().map(|to| serde_json::json!({"name": to, "kind": null})).collect();
            serde_json::json!({"name": name, "dependencies": dependencies})
        };
        let metadata = serde_json::json!({"packages": [package("sip", &["ua", "md-5"]), package("ua", &["sip"])]});
        assert_eq!(
            compared(&drawn, &actual(&metadata)),
            ["sip -> ua is not drawn in ARCHITECTURE.md", "ua -> diagnosis is drawn, but Cargo.toml has no such dependency"]
        );
    }
}
