use link::VerifyBy;
use serde::{Deserialize, Deserializer, Serialize};

use super::carrier::checked;
use super::{AddressOfRecord, ContactSettings, DigestPolicySetting, ExtraHeader, Meta, SipUri};

/// A BYOC trunk: one connection of one site to one carrier.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Id, name, version, times.
    pub meta: Meta,
    /// The site whose edges register it.
    pub site: String,
    /// The carrier that it registers with.
    pub carrier: String,
    /// Whether it is to be registered.
    pub in_service: bool,
    /// The revision at which it last changed where its secret is sent; what was verified before that rests.
    pub target_revision: u64,
    /// What is set for it.
    pub settings: TrunkSettings,
}

/// What is set for a trunk; it overrides the carrier's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TrunkSettings {
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "checked::text")]
    pub description: Option<String>,
    /// To, and From unless `from_uri` is set; kept byte for byte.
    pub address_of_record: AddressOfRecord,
    /// The Contact's user part; a short form of `contact.user`.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "contact_user")]
    pub contact_user: Option<String>,
    /// Who answers the carrier's calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactSettings>,
    /// Seconds to ask for.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "checked::expires")]
    pub expires: Option<u32>,
    /// Which digest algorithms may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest_policy: Option<DigestPolicySetting>,
    /// The Request-URI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_uri: Option<SipUri>,
    /// From, where it differs from the address-of-record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_uri: Option<SipUri>,
    /// User-Agent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "checked::line")]
    pub user_agent: Option<String>,
    /// Further headers of every REGISTER.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "checked::few")]
    pub extra_headers: Option<Vec<ExtraHeader>>,
    /// How a new secret is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify_by: Option<VerifyBy>,
    /// Whether a 2xx without a challenge is good enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_unproven: Option<bool>,
}

impl TrunkSettings {
    /// Begins with nothing set but whose registration it is: the carrier's settings and the defaults apply.
    pub fn of(address_of_record: AddressOfRecord) -> Self {
        TrunkSettings {
            description: None,
            address_of_record,
            contact_user: None,
            contact: None,
            expires: None,
            digest_policy: None,
            request_uri: None,
            from_uri: None,
            user_agent: None,
            extra_headers: None,
            verify_by: None,
            accept_unproven: None,
        }
    }
}

fn contact_user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    match Option::<String>::deserialize(from)? {
        Some(user) if !super::contact::is_user(&user) => {
            Err(serde::de::Error::custom(format!("{user:?} is not the user part of a SIP URI; escape other characters as %XX.")))
        }
        user => Ok(user),
    }
}
