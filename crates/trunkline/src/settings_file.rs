use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::Failure;

/// The settings of `--config FILE`: named as the flags are, and `[[edge]]` for several edges. Unknown keys are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SettingsFile {
    pub data: Option<PathBuf>,
    pub http: Option<SocketAddr>,
    pub sip: Vec<String>,
    pub advertise: Option<String>,
    pub site: Option<String>,
    pub allow_target: Vec<String>,
    pub master_key: Option<PathBuf>,
    pub behind_proxy: Option<bool>,
    pub edge: Vec<EdgeTable>,
}

/// One embedded edge.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EdgeTable {
    pub id: String,
    /// The site that it serves; every site without an edge of its own where absent.
    pub site: Option<String>,
    pub sip: Vec<String>,
    pub advertise: Option<String>,
}

impl SettingsFile {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<SettingsFile, Failure> {
        let wrong = |what: String| Failure::Settings(format!("the configuration file {} {what}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| wrong(format!("cannot be read: {error}. Give --config a file that is there.")))?;
        toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(String::new(), |span| format!(" in line {}", 1 + text[..span.start].matches('\n').count()));
            wrong(format!("is malformed{line}: {}. docs/guide/operations.md lists the settings.", error.message()))
        })
    }
}
