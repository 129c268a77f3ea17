use std::path::PathBuf;

use serde::Deserialize;

use crate::Password;

/// What a registrar's TLS and WSS listeners show and demand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tls {
    /// The names of a certificate that is made at run time: hosts, addresses, `sip:` URIs. Where empty: the realm, the domains,
    /// `localhost` and the addresses that it listens on.
    pub names: Vec<String>,
    /// A certificate chain (PEM, the server's own first) with its key (PEM), in place of a made one.
    pub given: Option<(String, Password)>,
    /// Who signs the client certificates that are taken (PEM); the lab's own authority where absent.
    pub client_roots: Option<String>,
    /// Where the root certificate of the made ones is written to (PEM).
    pub root_file: Option<PathBuf>,
}

impl Tls {
    /// For a made certificate with these names.
    pub fn named(names: &[&str]) -> Self {
        Tls { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Tls::default() }
    }
}

/// The table of a lab carrier file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct TlsFile {
    names: Vec<String>,
    certificate: Option<PathBuf>,
    private_key: Option<PathBuf>,
    client_roots: Option<PathBuf>,
    root_file: Option<PathBuf>,
}

impl TlsFile {
    /// Reads the files that it names.
    pub(crate) fn read(self) -> Result<Tls, String> {
        let text = |path: PathBuf| std::fs::read_to_string(&path).map_err(|error| format!("tls: cannot read {}: {error}", path.display()));
        let given = match (self.certificate, self.private_key) {
            (Some(chain), Some(key)) => Some((text(chain)?, Password::from(text(key)?))),
            (None, None) => None,
            _ => return Err("tls: certificate and private_key go together; give both, or neither for a made one".into()),
        };
        Ok(Tls { names: self.names, given, client_roots: self.client_roots.map(text).transpose()?, root_file: self.root_file })
    }
}
