use serde::{Deserialize, Serialize};

use super::Meta;

/// A named set of permissions.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// Id, name, version, times.
    pub meta: Meta,
    /// Whether it is part of the product and cannot be changed.
    pub built_in: bool,
    /// What it allows.
    pub settings: RoleSettings,
}

/// What a role allows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RoleSettings {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::text")]
    pub description: Option<String>,
    /// Such as `telephony:trunk:view`; `*` as the last or last two parts stands for all.
    pub permissions: Vec<String>,
}
