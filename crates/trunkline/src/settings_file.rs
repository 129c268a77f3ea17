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
    pub allow_webhook_target: Vec<String>,
    pub dns: Vec<String>,
    pub tls_identity: Vec<String>,
    pub master_key: Option<PathBuf>,
    pub master_key_command: Vec<String>,
    pub audit_heads: Option<PathBuf>,
    pub audit_keep_days: Option<u32>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub behind_proxy: Option<bool>,
    pub rate_limit: Option<String>,
    pub retention: RetentionTable,
    pub oidc: Option<control::OidcSettings>,
    pub edge: Vec<EdgeTable>,
}

/// How much is kept, and for how long; the default of each where absent.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RetentionTable {
    pub events: Option<u32>,
    pub event_days: Option<u32>,
    pub attempts: Option<u32>,
    pub attempts_per_trunk: Option<u32>,
    pub attempt_days: Option<u32>,
    pub dead_letters: Option<u32>,
    pub dead_letter_days: Option<u32>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_lists_every_key_and_its_example_is_read() {
        let guide = include_str!("../../../docs/guide/operations.md");
        let example = guide.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).expect("an example");
        let file: SettingsFile = toml::from_str(example).expect("the example is read");
        assert_eq!(file.edge.len(), 2);
        let unknown = toml::from_str::<SettingsFile>("nonsense = 1").expect_err("an unknown key").to_string();
        let of_an_edge = toml::from_str::<SettingsFile>("[[edge]]\nnonsense = 1").expect_err("an unknown key").to_string();
        let keys = unknown.split('`').skip(3).step_by(2).map(|key| format!("| `{key}` |"));
        let of_retention = toml::from_str::<SettingsFile>("[retention]\nnonsense = 1").expect_err("an unknown key").to_string();
        let kept = of_retention.split('`').skip(3).step_by(2).map(|key| format!("| `{key}` in `[retention]` |"));
        let tables = of_an_edge.split('`').skip(3).step_by(2).map(|key| format!("| `{key}` in `[[edge]]` |"));
        let rows: Vec<String> = keys.filter(|key| key != "| `edge` |" && key != "| `retention` |").chain(tables).chain(kept).collect();
        assert_eq!(rows.len(), 18 + 4 + 7, "{unknown} {of_an_edge}");
        for row in rows {
            assert!(guide.contains(&row), "{row} is not in docs/guide/operations.md");
        }
    }
}
