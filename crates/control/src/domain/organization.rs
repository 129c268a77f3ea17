use serde::{Deserialize, Serialize};

use super::carrier::{FailureBudgetSettings, OptionsSettings, PacingSettings};
use super::{DigestPolicySetting, Meta};

/// The one organisation of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Organization {
    /// Its id is `organization`.
    pub meta: Meta,
    /// What it sets for everything in it.
    pub settings: OrganizationSettings,
}

/// What the organisation sets; carriers and trunks override it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct OrganizationSettings {
    /// Which digest algorithms may be answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_policy: Option<DigestPolicySetting>,
    /// What carriers and trunks leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub defaults: Option<Defaults>,
}

/// What carriers and trunks leave out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defaults {
    /// Seconds to ask for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::expires")]
    pub expires: Option<u32>,
    /// User-Agent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::line")]
    pub user_agent: Option<String>,
    /// How fast a carrier may be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pacing: Option<PacingSettings>,
    /// OPTIONS keep-alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<OptionsSettings>,
    /// How many failed digests are allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_budget: Option<FailureBudgetSettings>,
}
