//! Lists the migrations and the diagnosis pages, so that adding a file is all it takes to add one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let crate_dir = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let migrations = embed("FILES", &crate_dir.join("migrations"), "sql")?;
    fs::write(out.join("migrations.rs"), migrations)?;
    let pages = embed("PAGES", &crate_dir.join("../../docs/diagnoses"), "md")?;
    fs::write(out.join("pages.rs"), pages)
}

/// Writes `const NAME: &[(stem, text)]` of the folder's files with that extension, in order of their names.
fn embed(name: &str, folder: &Path, extension: &str) -> io::Result<String> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut source = format!("const {name}: &[(&str, &str)] = &[\n");
    for path in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        writeln!(source, "    ({stem:?}, include_str!({:?})),", path.display().to_string()).map_err(io::Error::other)?;
    }
    source.push_str("];\n");
    Ok(source)
}
