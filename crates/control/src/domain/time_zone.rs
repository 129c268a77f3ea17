use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize};

/// The IANA name of a time zone, such as `Asia/Jakarta`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ZoneName(String);

impl ZoneName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let zone = TimeZone::get(&name)
            .map_err(|_| serde::de::Error::custom(format!("{name:?} is no time zone of the IANA database; write it like Asia/Jakarta.")))?;
        // The database's own spelling.
        Ok(ZoneName(zone.iana_name().unwrap_or(&name).to_owned()))
    }
}
