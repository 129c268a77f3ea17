use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde::Deserialize;

use crate::domain::Scope;
use crate::outward::{Gate, Target};

/// An OpenID Connect provider, and what its words are worth here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcSettings {
    /// What tokens have as `iss`, byte for byte; a URL.
    pub issuer: String,
    /// What tokens must have as `aud`, or among it.
    pub audience: String,
    /// Where its keys are; learnt from the issuer's discovery document where absent.
    pub jwks_uri: Option<String>,
    /// The claim with the words: a text, a list of texts, or texts with spaces between; `.` leads into objects.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// Which word gives which role where.
    #[serde(default)]
    pub grant: Vec<OidcGrant>,
    /// The console as a client of the provider; people sign in by client credentials only where absent.
    pub console: Option<OidcConsole>,
}

/// The console as a client of the provider.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcConsole {
    /// Its id there.
    pub client_id: String,
    /// Where its secret is; a public client has none, and PKCE protects both.
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Where browsers reach the console, such as `https://trunkline.example`; as they name it where absent.
    pub url: Option<String>,
}

/// What one word gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcGrant {
    /// The word, as the claim has it.
    pub value: String,
    /// The role's id.
    pub role: String,
    /// Within this site.
    pub site: Option<String>,
    /// Within this carrier.
    pub carrier: Option<String>,
    /// For these trunks.
    #[serde(default)]
    pub trunks: Vec<String>,
}

impl OidcSettings {
    /// Looks for what contradicts itself; what the provider says is not asked for.
    pub(super) fn check(&self, gate: &Gate) -> Result<(), String> {
        for url in std::iter::once(&self.issuer).chain(&self.jwks_uri) {
            let judged = Target::parse(url).and_then(|target| target.judge_literal(gate));
            judged.map_err(|fault| format!("{url:?}: {fault}"))?;
        }
        if self.audience.is_empty() {
            return Err("the audience is empty: every token of the provider would be taken, whoever it is for".into());
        }
        self.console.as_ref().map_or(Ok(()), OidcConsole::check)?;
        match self.grant.iter().find(|grant| grant.scope().is_none()) {
            Some(grant) => Err(format!("the grant for {:?} names more than one of site, carrier and trunks", grant.value)),
            None => Ok(()),
        }
    }
}

impl OidcConsole {
    fn check(&self) -> Result<(), String> {
        if self.client_id.is_empty() {
            return Err("the console's client-id is empty".into());
        }
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err("the console's scopes lack openid, without which there is no ID token".into());
        }
        let Some(url) = &self.url else { return Ok(()) };
        let target = Target::parse(url).map_err(|fault| format!("{url:?}: {fault}"))?;
        if target.path == "/" && !url.ends_with('/') {
            Ok(())
        } else {
            Err(format!("{url:?} has a path; give scheme and host alone, such as https://trunkline.example"))
        }
    }
}

/// Reads a secret from its file; the line's end is none of it.
pub(super) fn secret(path: &Path) -> Result<SecretString, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("client-secret-file {}: {error}", path.display()))?;
    let text = zeroize::Zeroizing::new(text);
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(format!("client-secret-file {} is empty", path.display())) } else { Ok(secret.into()) }
}

impl OidcGrant {
    /// Returns where it holds: everywhere where no scope is given; none where several are.
    pub fn scope(&self) -> Option<Scope> {
        match (&self.site, &self.carrier, self.trunks.is_empty()) {
            (None, None, true) => Some(Scope::Organization),
            (Some(site), None, true) => Some(Scope::Site(site.clone())),
            (None, Some(carrier), true) => Some(Scope::Carrier(carrier.clone())),
            (None, None, false) => Some(Scope::Trunks(self.trunks.iter().cloned().collect())),
            _ => None,
        }
    }
}

fn roles_claim() -> String {
    "roles".into()
}

fn scopes() -> Vec<String> {
    vec!["openid".into()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_console_cannot_work_with_is_said_at_the_start() {
        let console = |client_id: &str, scopes: &[&str], url: Option<&str>| OidcConsole {
            client_id: client_id.into(),
            client_secret_file: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            url: url.map(str::to_owned),
        };
        assert_eq!(console("c", &["openid", "roles"], Some("https://t.example:8443")).check(), Ok(()));
        for (bad, says) in [
            (console("", &["openid"], None), "client-id"),
            (console("c", &["profile"], None), "openid"),
            (console("c", &["openid"], Some("https://t.example/")), "path"),
            (console("c", &["openid"], Some("https://t.example/x")), "path"),
            (console("c", &["openid"], Some("t.example")), "URL"),
        ] {
            let what = bad.check().expect_err(says);
            assert!(what.contains(says), "{what}");
        }
    }

    #[test]
    fn a_secret_is_the_files_line() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), "s3cret\n").expect("written");
        let read = secret(file.path()).expect("a secret");
        assert_eq!(secrecy::ExposeSecret::expose_secret(&read), "s3cret");
        fs::write(file.path(), "\n").expect("written");
        assert!(secret(file.path()).is_err() && secret(Path::new("/nowhere/at/all")).is_err());
    }
}
