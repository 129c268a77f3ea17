use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::StartError;

/// A client certificate of the edge and its key, written `NAME=CERT.pem,KEY.pem`; a carrier's profile names it as `tls.clientCertificate`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsIdentity {
    /// What profiles call it.
    pub name: String,
    /// Its certificate, followed by those of its issuers; PEM.
    pub certificate: PathBuf,
    /// Its private key; PEM, without a passphrase.
    pub key: PathBuf,
}

impl FromStr for TlsIdentity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('=').and_then(|(name, files)| Some((name, files.split_once(',')?)));
        match parts {
            Some((name, (certificate, key))) if ![name, certificate, key].contains(&"") => {
                Ok(TlsIdentity { name: name.to_owned(), certificate: certificate.into(), key: key.into() })
            }
            _ => Err(format!("{text:?} is not NAME=CERT.pem,KEY.pem")),
        }
    }
}

/// The client certificates that the edge holds.
#[derive(Clone, Default)]
pub(crate) struct Wallet {
    keys: HashMap<String, Arc<CertifiedKey>>,
}

impl Wallet {
    pub(crate) fn open(identities: &[TlsIdentity], provider: &CryptoProvider) -> Result<Self, StartError> {
        let mut keys = HashMap::new();
        for identity in identities {
            if keys.insert(identity.name.clone(), Arc::new(read(identity, provider)?)).is_some() {
                return Err(StartError::TlsIdentityTwice(identity.name.clone()));
            }
        }
        Ok(Wallet { keys })
    }

    /// Returns the certificate of that name, or says which there are.
    pub(crate) fn find(&self, name: &str) -> Result<Arc<CertifiedKey>, String> {
        self.keys.get(name).map(Arc::clone).ok_or_else(|| {
            let mut names: Vec<&str> = self.keys.keys().map(String::as_str).collect();
            names.sort_unstable();
            let held = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            format!("the profile names the client certificate {name:?}; this edge holds {held} (--tls-identity)")
        })
    }
}

/// Names only: keys are never shown.
impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.keys.keys()).finish()
    }
}

fn read(identity: &TlsIdentity, provider: &CryptoProvider) -> Result<CertifiedKey, StartError> {
    let fault = |path: &Path, why: String| StartError::TlsIdentity { path: path.to_owned(), why };
    let of_certificate = |why| fault(&identity.certificate, why);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&identity.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| of_certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(of_certificate("it holds no certificate in PEM".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_file(&identity.key).map_err(|error| fault(&identity.key, error.to_string()))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => fault(&identity.key, format!("it is not the key of {}", identity.certificate.display())),
        error => fault(&identity.key, error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_a_name_and_two_files() {
        let identity: TlsIdentity = "lab=/etc/a.pem,/etc/b.pem".parse().unwrap();
        assert_eq!(identity, TlsIdentity { name: "lab".into(), certificate: "/etc/a.pem".into(), key: "/etc/b.pem".into() });
        for text in ["", "lab", "lab=", "lab=a.pem", "=a.pem,b.pem", "lab=,b.pem", "lab=a.pem,"] {
            assert!(text.parse::<TlsIdentity>().unwrap_err().contains("NAME=CERT.pem,KEY.pem"), "{text}");
        }
    }
}
