use serde::{Deserialize, Serialize};

use super::{ContactSettings, Meta, ZoneName};

/// A place with edges.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// Id, name, version, times.
    pub meta: Meta,
    /// What is set for it.
    pub settings: SiteSettings,
}

/// What is set for a site.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct SiteSettings {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::text")]
    pub description: Option<String>,
    /// The region of a cloud, or whatever orders sites.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::text")]
    pub region: Option<String>,
    /// For times shown to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<ZoneName>,
    /// Who answers the carriers' calls to trunks of this site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactSettings>,
}
