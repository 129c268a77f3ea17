use serde::{Deserialize, Serialize};

use super::checked;
use crate::domain::ZoneName;

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

impl From<Transport> for link::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => link::Transport::Udp,
            Transport::Tcp => link::Transport::Tcp,
            Transport::Tls => link::Transport::Tls,
            Transport::Ws => link::Transport::Ws,
            Transport::Wss => link::Transport::Wss,
        }
    }
}

/// Whether a response must come from the address that was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResponseSource {
    /// Clusters answer from other addresses.
    #[default]
    Any,
    /// Nothing else is looked at.
    Exact,
}

/// Whom to trust over TLS. Holds no private key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct TlsSettings {
    /// Roots in PEM, in place of the public ones.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::certificates")]
    pub roots: Option<String>,
    /// The name of the client certificate to show; the edge holds it (`--tls-identity`), and its key.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::certificate_name")]
    pub client_certificate: Option<String>,
    /// Whether a wildcard certificate is taken (RFC 5922 7.2 says no).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard: Option<bool>,
}

impl From<&TlsSettings> for link::TlsSettings {
    fn from(settings: &TlsSettings) -> Self {
        link::TlsSettings {
            roots: settings.roots.clone(),
            client_certificate: settings.client_certificate.clone(),
            wildcard: settings.wildcard.unwrap_or(false),
        }
    }
}

/// How fast a carrier may be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct PacingSettings {
    /// REGISTER requests per second.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub registers_per_second: Option<u32>,
    /// REGISTER transactions without a final answer.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub in_flight: Option<u32>,
}

/// OPTIONS keep-alive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OptionsSettings {
    /// Seconds between pings; 0 switches them off.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::interval")]
    pub interval: Option<u32>,
    /// So many running without an answer: DOWN.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub failure_threshold: Option<u32>,
    /// So many running with an answer: UP.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub success_threshold: Option<u32>,
}

/// How many failed digests are allowed per user name at a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailureBudgetSettings {
    /// So many within the window.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub failures: Option<u32>,
    /// Seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub window: Option<u32>,
    /// So many hold one credential version.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::positive")]
    pub per_version: Option<u32>,
}

/// A daily window in which the carrier may be away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Maintenance {
    /// `HH:MM`.
    #[serde(deserialize_with = "checked::time_of_day")]
    pub from: String,
    /// `HH:MM`; before `from`: the next day.
    #[serde(deserialize_with = "checked::time_of_day")]
    pub to: String,
    /// UTC where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<ZoneName>,
}
