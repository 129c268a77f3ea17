use serde::{Deserialize, Serialize};

use crate::Sealed;

/// Orders the desired states of a trunk: a restored backup raises `incarnation`, a change raises `number`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation {
    /// Which life of the store decided it.
    pub incarnation: u64,
    /// Counts the changes of that life.
    pub number: u64,
}

/// The desired state of one trunk at one edge, all settings already merged (trunk over carrier over organisation).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// The trunk's id.
    pub trunk: String,
    /// Which desired state this is.
    pub generation: Generation,
    /// The carrier's id; its profile was sent before.
    pub carrier: String,
    /// Who registers.
    pub account: Account,
    /// Which digest algorithms may be answered.
    pub policy: DigestPolicy,
    /// The credentials to register with. Without any the trunk waits.
    pub active: Option<Credential>,
    /// The version before, for removing a binding that was made with it.
    pub previous: Option<Credential>,
    /// Tried once when the carrier refuses the active version.
    pub standby: Option<Credential>,
}

/// Who registers, where and as what (RFC 3261 10.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// To, and From unless `from_uri` is set; kept byte for byte.
    pub address_of_record: String,
    /// The Request-URI; `sip:` and the host of the address-of-record where absent.
    pub request_uri: Option<String>,
    /// From, where it differs from the address-of-record.
    pub from_uri: Option<String>,
    /// Who answers the carrier's calls.
    pub contact: Contact,
    /// Seconds to ask for.
    pub expires: u32,
    /// User-Agent; the product's own where absent.
    pub user_agent: Option<String>,
    /// Further header lines (name, value).
    pub extra_headers: Vec<(String, String)>,
}

/// The Contact to register: by default the edge's advertised address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The user part; that of the address-of-record where absent.
    pub user: Option<String>,
    /// Host; the edge's advertised address where absent.
    pub host: Option<String>,
    /// Port; the edge's advertised port where `host` is absent, none elsewhere.
    pub port: Option<u16>,
    /// The `transport` parameter.
    pub transport: Option<String>,
    /// Further URI parameters, as written, without the leading semicolon.
    pub params: Option<String>,
}

/// One credential version, its secret sealed to the edge (associated data: trunk and version).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Credential {
    /// Counts a trunk's versions from 1.
    pub version: u32,
    /// The digest user name.
    pub username: String,
    /// The realm to accept; learned and reported where absent.
    pub realm: Option<String>,
    /// IANA name; the strongest that is offered and allowed where absent.
    pub algorithm: Option<String>,
    /// Whether `algorithm` was negotiated before (a weaker challenge is then a downgrade) or asked for.
    pub pinned: bool,
    /// Whether a qop was negotiated before: a challenge without one is then a downgrade.
    pub qop: bool,
    /// What answers a proxy on the way that has a realm of its own.
    #[serde(default)]
    pub proxy: Option<ProxyTerms>,
    /// Password or HA1 values, the proxy's beside the account's.
    pub secret: Sealed,
}

/// What is not secret of the credentials for a proxy on the way (carriers.md C16).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProxyTerms {
    /// The digest user name.
    pub username: String,
    /// The proxy's realm.
    pub realm: String,
    /// IANA name; the strongest that is offered and allowed where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
}

/// Which digest algorithms may be answered, and which setting says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestPolicy {
    /// IANA names without `-sess`; a name allows its `-sess` form.
    pub allowed: Vec<String>,
    /// What to do about a challenge that is weaker than the pinned algorithm.
    pub on_downgrade: OnDowngrade,
    /// Where it is set, for the diagnosis.
    pub source: PolicySource,
}

/// What to do about a challenge that is weaker than the pinned algorithm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OnDowngrade {
    /// Send no digest.
    #[default]
    Refuse,
    /// Answer, and warn.
    Warn,
}

/// The setting that a digest policy comes from; the nearest to the trunk wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicySource {
    /// Nobody set one: all three algorithms are allowed.
    Default,
    /// The organisation's setting.
    Organization,
    /// The setting of the carrier with this id.
    Carrier(String),
    /// The setting of the trunk with this id.
    Trunk(String),
}
