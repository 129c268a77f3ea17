//! What comes from PyPI and npm: the official SDKs of the platform, schemathesis,
//! what the console's tests drive Chromium with, and an OpenID provider. Into `sdk` in the target directory, at pinned versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::command::{cargo, must, output};

const PYTHON: &[&str] = &["PureCloudPlatformClientV2==269.0.0", "schemathesis==4.32.5"];
/// Drives Chromium, and judges pages: the console's tests.
const BROWSER: &[&str] = &["playwright-core@1.56.1", "axe-core@4.11.0"];
/// A real OpenID provider: who signs in by one, and whose tokens are taken.
const PROVIDER: &[&str] = &["oidc-provider@9.13.3"];
const JAVASCRIPT: &[&str] = &["purecloud-platform-client-v2@262.0.0"];

/// Names what is installed; lies beside it when all went well.
const STAMP: &str = "installed";

/// Where they are: the end-to-end tests look there too.
pub fn place() -> Result<PathBuf> {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--no-deps"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is no JSON")?;
    Ok(Path::new(metadata["target_directory"].as_str().context("cargo metadata names no target directory")?).join("sdk"))
}

/// Installs what is missing, or of another version.
pub fn run() -> Result<()> {
    let place = place()?;
    kept(&place.join("python"), PYTHON, python)?;
    kept(&place.join("javascript"), JAVASCRIPT, javascript)?;
    kept(&place.join("browser"), BROWSER, javascript)?;
    kept(&place.join("provider"), PROVIDER, javascript)
}

fn kept(place: &Path, packages: &[&str], install: fn(&Path, &[&str]) -> Result<()>) -> Result<()> {
    let stamp = place.join(STAMP);
    let wanted = packages.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if place.exists() {
        fs::remove_dir_all(place).with_context(|| format!("cannot remove {}", place.display()))?;
    }
    fs::create_dir_all(place).with_context(|| format!("cannot make {}", place.display()))?;
    install(place, packages)?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

fn python(place: &Path, packages: &[&str]) -> Result<()> {
    must(Command::new("python3").args(["-m", "venv"]).arg(place))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    must(Command::new(place.join("bin/python")).args(pip).args(packages))
}

fn javascript(place: &Path, packages: &[&str]) -> Result<()> {
    // Without it npm looks for one in the folders above.
    fs::write(place.join("package.json"), "{\"private\": true}\n").context("cannot write package.json")?;
    let npm = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--loglevel=error"];
    must(Command::new("npm").current_dir(place).args(npm).args(packages))
}
