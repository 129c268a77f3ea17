use std::collections::BTreeSet;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use super::Reference;

/// So many trunks may a scope name one by one; a fleet has a site or a carrier in common.
pub const TRUNKS_MAX: usize = 500;

/// Where a role holds: `"organization"`, `{"site": {"id": "jakarta"}}`, `{"carrier": {"id": "nusantara"}}` or
/// `{"trunks": [{"id": "trunk_jkt_04"}]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    #[default]
    Organization,
    /// At a site: its edges, and the trunks there.
    Site(String),
    /// With a carrier: its profile, and the trunks that use it.
    Carrier(String),
    /// These trunks.
    Trunks(BTreeSet<String>),
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (name, value) = match self {
            Scope::Organization => return serializer.serialize_str("organization"),
            Scope::Site(id) => ("site", json!({ "id": id })),
            Scope::Carrier(id) => ("carrier", json!({ "id": id })),
            Scope::Trunks(ids) => ("trunks", ids.iter().map(|id| json!({ "id": id })).collect()),
        };
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(name, &value)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

/// The scope as an object; exactly one field is given.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Fields {
    #[serde(default)]
    site: Option<Reference>,
    #[serde(default)]
    carrier: Option<Reference>,
    #[serde(default)]
    trunks: Option<Vec<Reference>>,
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = Scope;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"organization\", or an object with one of site, carrier and trunks")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scope, E> {
        if text == "organization" {
            Ok(Scope::Organization)
        } else {
            Err(E::custom("A scope is \"organization\", or an object with one of site, carrier and trunks."))
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scope, A::Error> {
        match Fields::deserialize(MapAccessDeserializer::new(map))? {
            Fields { site: Some(site), carrier: None, trunks: None } => Ok(Scope::Site(site.id)),
            Fields { site: None, carrier: Some(carrier), trunks: None } => Ok(Scope::Carrier(carrier.id)),
            Fields { site: None, carrier: None, trunks: Some(trunks) } if !trunks.is_empty() && trunks.len() <= TRUNKS_MAX => {
                Ok(Scope::Trunks(trunks.into_iter().map(|trunk| trunk.id).collect()))
            }
            Fields { site: None, carrier: None, trunks: Some(_) } => {
                Err(A::Error::custom(format!("A scope names 1 to {TRUNKS_MAX} trunks.")))
            }
            _ => Err(A::Error::custom("A scope names one of site, carrier and trunks; give several grants for several.")),
        }
    }
}
