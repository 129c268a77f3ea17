use serde::{Deserialize, Serialize};

use super::Meta;

/// Someone that events are pushed to.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Id, name, version, times.
    pub meta: Meta,
    /// What is set for it.
    pub settings: WebhookSettings,
    /// Events up to this place have their deliveries, or are not for it.
    pub position: i64,
    /// How it went last.
    pub health: WebhookHealth,
}

/// What is set for a webhook. Its secret is apart and never shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookSettings {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::text")]
    pub description: Option<String>,
    /// Where events are posted.
    pub url: String,
    /// Words of kinds or of groups of kinds; all where absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<String>,
    /// Only what is about this trunk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk_id: Option<String>,
    /// Only what is about this carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carrier_id: Option<String>,
    /// Only what is about this site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_id: Option<String>,
    /// Nothing is sent while it is false; what happens meanwhile is delivered later, as far as the log reaches.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn enabled() -> bool {
    true
}

/// How deliveries went last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookHealth {
    /// When one succeeded last.
    pub last_success: Option<link::UnixMicros>,
    /// When one failed last.
    pub last_failure: Option<link::UnixMicros>,
    /// Why.
    pub last_error: Option<String>,
}
