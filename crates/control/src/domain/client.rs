use serde::{Deserialize, Serialize};

use super::{Meta, Scope};

/// An OAuth client: a program or a person's tool, with roles.
#[derive(Clone, Debug, PartialEq)]
pub struct Client {
    /// Id, name, version, times.
    pub meta: Meta,
    /// What it may do.
    pub settings: ClientSettings,
}

/// What a client may do, and for how long a token of it is good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ClientSettings {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::text")]
    pub description: Option<String>,
    /// Roles, each within a scope.
    pub role_grants: Vec<RoleGrant>,
    /// How long a token is good, in seconds; 86,400 where absent.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "super::carrier::checked::token_life")]
    pub access_token_validity_seconds: Option<u32>,
    /// Whether it gets no further tokens and its tokens are refused.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub disabled: bool,
}

/// A role within a scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RoleGrant {
    /// The role's id.
    pub role_id: String,
    /// Where it holds.
    #[serde(default)]
    pub scope: Scope,
}
