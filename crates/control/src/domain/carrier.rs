use std::collections::BTreeMap;

use link::{ContactReplacement, NonceReuse, VerifyBy};
use serde::{Deserialize, Serialize};

use super::{DigestPolicySetting, ExtraHeader, Meta, SipUri};

pub mod checked;
mod maintenance;
mod parts;

pub use parts::{FailureBudgetSettings, Maintenance, OptionsSettings, PacingSettings, ResponseSource, TlsSettings, Transport};

/// A carrier: the company at the other end.
#[derive(Clone, Debug, PartialEq)]
pub struct Carrier {
    /// Id, name, version, times.
    pub meta: Meta,
    /// The revision at which it last changed where secrets are sent; what was verified before that rests.
    pub target_revision: u64,
    /// Its profile.
    pub settings: CarrierSettings,
}

/// A carrier's profile as the operator gave it; what is absent falls to the organisation's defaults, then the product's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CarrierSettings {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::text")]
    pub description: Option<String>,
    /// Next hops, in order; at least one.
    #[serde(deserialize_with = "checked::registrars")]
    pub registrars: Vec<SipUri>,
    /// The Request-URI, where it is not `sip:` and the host of the address-of-record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uri: Option<SipUri>,
    /// Preloaded Route and first hop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound_proxy: Option<SipUri>,
    /// Whether the registrar goes into a preloaded Route.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<bool>,
    /// Which transports may be used, in order.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::few")]
    pub transports: Option<Vec<Transport>>,
    /// Whom to trust over TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Seconds to ask for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::expires")]
    pub expires: Option<u32>,
    /// Shortest time between refreshes that the carrier likes, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::expires")]
    pub min_refresh: Option<u32>,
    /// Which digest algorithms may be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_policy: Option<DigestPolicySetting>,
    /// How a new secret is tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_by: Option<VerifyBy>,
    /// Whether a 2xx without a challenge is good enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accept_unproven: Option<bool>,
    /// Whether a nonce is answered again unasked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce_reuse: Option<NonceReuse>,
    /// The carrier's spellings, to IANA names.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::aliases")]
    pub algorithm_aliases: Option<BTreeMap<String, String>>,
    /// Compute a truncated SHA-512 for SHA-512-256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncated_sha512: Option<bool>,
    /// Hosts to which a redirection may lead.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::hosts")]
    pub redirect_hosts: Option<Vec<String>>,
    /// Whether a response must come from the address that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_source: Option<ResponseSource>,
    /// How an old Contact makes way for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_replacement: Option<ContactReplacement>,
    /// Re-register with the address that the carrier saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_rewrite: Option<bool>,
    /// So many local ports share the carrier's trunks.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub source_ports: Option<u32>,
    /// So many bindings does the carrier keep for one account.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub binding_limit: Option<u32>,
    /// RFC 5626.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outbound: Option<bool>,
    /// RFC 6140.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gin: Option<bool>,
    /// Final answers after which the next target is asked, beside 408 and 503.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::server_errors")]
    pub next_target_on: Option<Vec<u16>>,
    /// How fast it may be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<PacingSettings>,
    /// OPTIONS keep-alive; interval 0 switches it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<OptionsSettings>,
    /// How many failed digests are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_budget: Option<FailureBudgetSettings>,
    /// Seconds between tries after a 403 before a challenge, or a 404.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::expires")]
    pub forbidden_retry: Option<u32>,
    /// Pattern over reason phrase, Warning and Reason (`diagnosis::PhraseNote`), to a note for the operator.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::notes")]
    pub phrase_notes: Option<BTreeMap<String, String>>,
    /// When the carrier is expected to be away.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::few")]
    pub maintenance: Option<Vec<Maintenance>>,
    /// User-Agent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::line")]
    pub user_agent: Option<String>,
    /// Further headers of every REGISTER.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::few")]
    pub extra_headers: Option<Vec<ExtraHeader>>,
}

impl CarrierSettings {
    /// Tells whether the other settings send secrets elsewhere, or trust another peer with them.
    pub fn sends_elsewhere(&self, other: &CarrierSettings) -> bool {
        let roots = |settings: &CarrierSettings| settings.tls.as_ref().map(|tls| (tls.roots.clone(), tls.wildcard));
        self.registrars != other.registrars
            || self.outbound_proxy != other.outbound_proxy
            || self.redirect_hosts != other.redirect_hosts
            || roots(self) != roots(other)
    }
}
