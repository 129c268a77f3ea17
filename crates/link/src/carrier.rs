use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How to reach a carrier and what to expect of it: the profile of `api.md`, defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarrierProfile {
    /// The carrier's id.
    pub id: String,
    /// Rises with every change of the profile.
    pub revision: u64,
    /// Next hops in order, SIP URIs.
    pub registrars: Vec<String>,
    /// Which transports may be used, in order; none: UDP, TCP and TLS, and whatever a registrar's URI names.
    #[serde(default)]
    pub transports: Vec<Transport>,
    /// How its certificates are judged.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Preloaded Route and first hop.
    pub outbound_proxy: Option<String>,
    /// Whether the registrar goes into a preloaded Route.
    pub route: bool,
    /// How a new secret is tried.
    pub verify_by: VerifyBy,
    /// Whether a 2xx without a challenge is good enough.
    pub accept_unproven: bool,
    /// Whether a nonce is answered again unasked.
    pub nonce_reuse: NonceReuse,
    /// The carrier's spellings, to IANA names.
    pub algorithm_aliases: BTreeMap<String, String>,
    /// Compute a truncated SHA-512 for SHA-512-256.
    pub truncated_sha512: bool,
    /// Whether a response must come from the address that was asked.
    pub response_source_exact: bool,
    /// How fast it may be asked.
    pub pacing: Pacing,
    /// OPTIONS keep-alive; off where absent.
    pub options: Option<OptionsPing>,
    /// How many failed digests are allowed.
    pub failure_budget: FailureBudget,
    /// Seconds between tries after a 403 before a challenge, or a 404.
    pub forbidden_retry: u32,
    /// Pattern over reason phrase, Warning and Reason (`diagnosis::PhraseNote`), to a note for the operator.
    pub phrase_notes: BTreeMap<String, String>,
    /// What it wants otherwise than most.
    #[serde(default)]
    pub manners: Box<Manners>,
}

/// What a carrier wants otherwise than most; by default nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Manners {
    /// Final answers after which the next target is asked, beside 408 and 503.
    pub next_on: Vec<u16>,
    /// Hosts to which a 301, 302 or 305 is followed.
    pub redirect_hosts: Vec<String>,
    /// Whether to register with the address that the carrier saw.
    pub nat_rewrite: bool,
    /// Shortest time between refreshes, in seconds, as far as the granted time allows it.
    pub min_refresh: u32,
    /// How an old Contact makes way for a new one.
    pub contact_replacement: ContactReplacement,
    /// RFC 5626.
    pub outbound: bool,
    /// RFC 6140.
    pub gin: bool,
    /// So many bindings does the carrier keep for one account, where that is known.
    pub binding_limit: Option<u32>,
    /// Over so many local ports trunks spread; 0 is as 1.
    pub source_ports: u16,
}

/// How an old Contact makes way for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContactReplacement {
    /// The new one is registered, then the old one removed.
    #[default]
    After,
    /// Both in one request.
    SameRequest,
    /// The old one is removed first.
    Before,
    /// RFC 5626 instance and reg-id do it.
    Instance,
}

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream under TLS.
    Tls,
    /// A WebSocket (RFC 7118).
    Ws,
    /// A WebSocket under TLS.
    Wss,
}

/// How a carrier's certificates are judged, and what we show of ourselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TlsSettings {
    /// The carrier's own roots, PEM; the public ones where there are none.
    pub roots: Option<String>,
    /// The name of a client certificate that the edge holds.
    pub client_certificate: Option<String>,
    /// Whether a wildcard is good for one label; RFC 5922 7.2 forbids it.
    pub wildcard: bool,
}

/// How a new secret is tried at the carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum VerifyBy {
    /// A contact-less REGISTER, which changes nothing (RFC 3261 10.2.3).
    #[default]
    Query,
    /// The renewal of the existing Contact.
    Renew,
    /// Not at all before promotion.
    None,
}

/// Whether a nonce is answered again unasked on the next REGISTER.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum NonceReuse {
    /// As long as the carrier has been seen to permit it.
    #[default]
    Auto,
    /// Every registration starts without Authorization.
    Never,
    /// Whatever the carrier did before.
    Always,
}

/// How fast a carrier may be asked. Every datagram counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pacing {
    /// REGISTER requests per second, retransmissions included.
    pub registers_per_second: u32,
    /// REGISTER transactions without a final answer.
    pub in_flight: u32,
}

impl Default for Pacing {
    fn default() -> Self {
        Pacing { registers_per_second: 500, in_flight: 200 }
    }
}

/// OPTIONS keep-alive, once per local socket and target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OptionsPing {
    /// Seconds between pings.
    pub interval: u32,
    /// So many running without an answer: DOWN.
    pub failure_threshold: u32,
    /// So many running with an answer: UP.
    pub success_threshold: u32,
}

impl Default for OptionsPing {
    fn default() -> Self {
        OptionsPing { interval: 30, failure_threshold: 3, success_threshold: 1 }
    }
}

/// How many failed digests are allowed per user name at a carrier, from all causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailureBudget {
    /// So many within the window, one of them reserved for a person's verification.
    pub failures: u32,
    /// Seconds.
    pub window: u32,
    /// So many hold one credential version.
    pub per_version: u32,
}

impl Default for FailureBudget {
    fn default() -> Self {
        FailureBudget { failures: 3, window: 600, per_version: 2 }
    }
}
