//! Who registers, with which credentials, under which policy.

use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use sip::digest::{Algorithm, Hash};

/// Who registers, where and as what (RFC 3261 10.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// To, and From unless `from_uri` is set; kept byte for byte.
    pub address_of_record: Arc<str>,
    /// The Request-URI.
    pub request_uri: Box<str>,
    /// From, where it differs.
    pub from_uri: Option<Box<str>>,
    /// Who answers the carrier's calls.
    pub contact: ContactSpec,
    /// Seconds to ask for.
    pub expires: u32,
    /// User-Agent, where it is not the endpoint's own.
    pub user_agent: Option<Box<str>>,
    /// Further header lines.
    pub extra_headers: Vec<(Box<str>, Box<str>)>,
}

/// The Contact to register; what is absent is the local socket's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactSpec {
    /// The user part; that of the address-of-record where absent.
    pub user: Option<Box<str>>,
    /// Host; the socket's advertised address where absent.
    pub host: Option<Box<str>>,
    /// Port; the socket's advertised port where `host` is absent.
    pub port: Option<u16>,
    /// The `transport` parameter.
    pub transport: Option<Box<str>>,
    /// Further URI parameters without the leading semicolon.
    pub params: Option<Box<str>>,
}

/// One credential version.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Counts a trunk's versions from 1.
    pub version: u32,
    /// The digest user name.
    pub username: Box<str>,
    /// The realm to accept; whatever is offered where absent.
    pub realm: Option<Box<str>>,
    /// The algorithm asked for or pinned; the strongest that is offered and allowed where absent.
    pub algorithm: Option<Algorithm>,
    /// `algorithm` was negotiated before: a weaker challenge is a downgrade.
    pub pinned: bool,
    /// A qop was negotiated before: a challenge without one is a downgrade.
    pub qop: bool,
    /// What is kept secret.
    pub secret: Arc<Secret>,
    /// For a proxy on the way that has a realm of its own (carriers.md C16).
    pub proxy: Option<Box<ProxyCredential>>,
}

/// What answers the 407 of a proxy with a realm of its own.
#[derive(Clone, Debug)]
pub struct ProxyCredential {
    /// The digest user name.
    pub username: Box<str>,
    /// The proxy's realm; other realms get none of it.
    pub realm: Box<str>,
    /// The algorithm asked for; the strongest that is offered and allowed where absent.
    pub algorithm: Option<Algorithm>,
    /// What is kept secret.
    pub secret: Arc<Secret>,
}

/// Whose secret answers a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The account's.
    Account,
    /// The one for the proxy on the way.
    Proxy,
}

impl Credential {
    /// Returns the digest user name of a holder.
    pub fn username_of(&self, holder: Holder) -> &str {
        match (holder, &self.proxy) {
            (Holder::Proxy, Some(proxy)) => &proxy.username,
            (Holder::Proxy, None) | (Holder::Account, _) => &self.username,
        }
    }

    /// Returns the secret of a holder.
    pub fn secret_of(&self, holder: Holder) -> &Secret {
        match (holder, &self.proxy) {
            (Holder::Proxy, Some(proxy)) => &proxy.secret,
            (Holder::Proxy, None) | (Holder::Account, _) => &self.secret,
        }
    }
}

/// What a credential keeps secret; its Debug output tells nothing.
pub enum Secret {
    /// A password.
    Password(SecretString),
    /// H(username:realm:password) in lower-case hexadecimal, for each hash that can be answered.
    Ha1(Vec<(Hash, SecretString)>),
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Secret::Password(_) => "Password(redacted)",
            Secret::Ha1(_) => "Ha1(redacted)",
        })
    }
}

/// Which digest algorithms may be answered, and which setting says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPolicy {
    /// A hash allows its `-sess` form.
    pub allowed: Vec<Hash>,
    /// What to do about a challenge that is weaker than the pinned algorithm.
    pub on_downgrade: OnDowngrade,
    /// Where it is set.
    pub source: PolicySource,
}

/// What to do about a challenge that is weaker than the pinned algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDowngrade {
    /// Send no digest.
    #[default]
    Refuse,
    /// Answer, and warn.
    Warn,
}

/// The setting that a digest policy comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// Nobody set one.
    Default,
    /// The organisation's.
    Organization,
    /// This carrier's.
    Carrier(Box<str>),
    /// This trunk's.
    Trunk(Box<str>),
}
