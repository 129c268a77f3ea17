//! Certificates of every kind, made at run time: for the lab's own listeners, and for tests of whoever speaks TLS.
//!
//! ```
//! # fn main() -> Result<(), carrier::certificates::CertificateError> {
//! use carrier::CertificateKind;
//! use carrier::certificates::Authority;
//!
//! let authority = Authority::new("a private authority")?;
//! let roots = authority.root(); // PEM: what a client is to trust
//! let server = authority.server(CertificateKind::Good, &["sip.carrier.test", "127.0.0.1", "sip:carrier.test"])?;
//! let client = authority.client(&["edge.test"])?;
//! assert!(server.chain.contains("BEGIN CERTIFICATE") && client.key().contains("PRIVATE KEY") && !roots.is_empty());
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType,
    date_time_ymd,
};

use crate::{CertificateKind, Password};

/// A certificate authority: a root and an intermediate one under it, which signs.
pub struct Authority {
    name: String,
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its chain, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// PEM: the certificate itself first, then what leads to the root.
    pub chain: String,
    key: Password,
}

/// A certificate that could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make a certificate: {0}. Names are hosts, addresses or sip: URIs, in ASCII")]
pub struct CertificateError(#[from] rcgen::Error);

impl Authority {
    /// A new one with fresh keys (ECDSA, P-256), good from 2020 to 2099.
    pub fn new(name: &str) -> Result<Authority, CertificateError> {
        let root = CertifiedIssuer::self_signed(issuer(name, BasicConstraints::Unconstrained)?, KeyPair::generate()?)?;
        let below = issuer(&format!("{name}, intermediate"), BasicConstraints::Constrained(0))?;
        let intermediate = CertifiedIssuer::signed_by(below, KeyPair::generate()?, &root)?;
        Ok(Authority { name: name.to_owned(), root, intermediate })
    }

    /// The root certificate in PEM: what a client is to trust.
    pub fn root(&self) -> String {
        self.root.pem()
    }

    /// A server's certificate for these names: addresses, `sip:` URIs (RFC 5922 7.1), and hosts, which is anything else.
    pub fn server(&self, kind: CertificateKind, names: &[&str]) -> Result<Identity, CertificateError> {
        let key = KeyPair::generate()?;
        let common_name = names.first().copied().unwrap_or("nobody");
        let mut params = match kind {
            CertificateKind::WrongName => leaf("wrong.invalid", &["wrong.invalid"])?,
            CertificateKind::Wildcard => {
                let wild: Vec<String> = names.iter().filter_map(|name| wildcard(name)).collect();
                leaf("wildcard", &wild.iter().map(String::as_str).collect::<Vec<_>>())?
            }
            CertificateKind::CommonName => leaf(common_name, &[])?,
            CertificateKind::Good
            | CertificateKind::Expired
            | CertificateKind::NotYetValid
            | CertificateKind::SelfSigned
            | CertificateKind::OtherAuthority
            | CertificateKind::Incomplete => leaf(common_name, names)?,
        };
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        match kind {
            CertificateKind::Expired => {
                (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 1, 1));
            }
            CertificateKind::NotYetValid => {
                (params.not_before, params.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
            }
            CertificateKind::SelfSigned => {
                return Ok(Identity { chain: params.self_signed(&key)?.pem(), key: key.serialize_pem().into() });
            }
            CertificateKind::OtherAuthority => return Authority::new("another authority")?.signed(&params, &key),
            CertificateKind::Incomplete => {
                return Ok(Identity { chain: params.signed_by(&key, &self.intermediate)?.pem(), key: key.serialize_pem().into() });
            }
            CertificateKind::Good | CertificateKind::WrongName | CertificateKind::Wildcard | CertificateKind::CommonName => {}
        }
        self.signed(&params, &key)
    }

    /// A client's certificate.
    pub fn client(&self, names: &[&str]) -> Result<Identity, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = leaf(names.first().copied().unwrap_or("nobody"), names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.signed(&params, &key)
    }

    fn signed(&self, params: &CertificateParams, key: &KeyPair) -> Result<Identity, CertificateError> {
        let own = params.signed_by(key, &self.intermediate)?;
        Ok(Identity { chain: own.pem() + &self.intermediate.pem(), key: key.serialize_pem().into() })
    }
}

/// Its keys are not shown.
impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Identity {
    /// The private key in PEM (PKCS #8).
    pub fn key(&self) -> &str {
        self.key.reveal()
    }

    /// Writes `NAME.pem` and `NAME.key` into a directory; the key is for its owner only. Gives the two paths.
    pub fn write(&self, directory: &Path, name: &str) -> io::Result<(PathBuf, PathBuf)> {
        use std::io::Write;
        use std::os::unix::fs::OpenOptionsExt;

        let (chain, key) = (directory.join(format!("{name}.pem")), directory.join(format!("{name}.key")));
        std::fs::write(&chain, &self.chain)?;
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&key)?;
        file.write_all(self.key().as_bytes())?;
        Ok((chain, key))
    }

    /// Chain and key, as a registrar's [`Tls`](crate::Tls) wants them.
    pub fn given(&self) -> (String, Password) {
        (self.chain.clone(), self.key.clone())
    }
}

fn issuer(name: &str, constraints: BasicConstraints) -> Result<CertificateParams, CertificateError> {
    let mut params = leaf(name, &[])?;
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn leaf(common_name: &str, names: &[&str]) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1));
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    for name in names {
        params.subject_alt_names.push(match name.parse::<IpAddr>() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) if name.starts_with("sip:") || name.starts_with("sips:") => SanType::URI((*name).try_into()?),
            Err(_) => SanType::DnsName((*name).try_into()?),
        });
    }
    Ok(params)
}

/// `*.carrier.test` for `sip.carrier.test`; nothing for what is no host in a domain.
fn wildcard(name: &str) -> Option<String> {
    let domain = name.split_once('.').map(|(_, domain)| domain);
    let host = name.parse::<IpAddr>().is_err() && !name.contains(':');
    domain.filter(|_| host).map(|domain| format!("*.{domain}"))
}
