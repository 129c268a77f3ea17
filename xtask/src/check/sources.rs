//! The files of the repository, and how long a Rust file may be.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::Faults;
use crate::command::{output, root};

/// A file longer than this holds more than one noun.
const LINES_MAX: usize = 800;

/// Paths, from the root, of what git tracks or would track; files deleted in the work tree are left out.
pub fn files() -> Result<Vec<String>> {
    let text = output(Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root()))?;
    let mut files: Vec<String> =
        text.split('\0').filter(|path| !path.is_empty() && root().join(path).is_file()).map(str::to_owned).collect();
    files.sort();
    files.dedup();
    Ok(files)
}

/// The text of a file of the repository; nothing for a binary one.
pub fn text(path: &str) -> Result<Option<String>> {
    Ok(String::from_utf8(fs::read(root().join(path))?).ok())
}

/// No Rust file is longer than [`LINES_MAX`].
pub fn length() -> Result<Faults> {
    let mut faults = Faults::new();
    for path in files()?.iter().filter(|path| path.ends_with(".rs")) {
        let lines = text(path)?.unwrap_or_default().lines().count();
        if lines > LINES_MAX {
            faults.push(format!("{path} has {lines} lines, at most {LINES_MAX}: split it by its nouns"));
        }
    }
    Ok(faults)
}
