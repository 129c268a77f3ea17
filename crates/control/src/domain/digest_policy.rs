use diagnosis::Code;
use link::OnDowngrade;
use serde::{Deserialize, Deserializer, Serialize};

use super::algorithm::{self, ALGORITHMS};
use crate::http::decode::coded;

/// One level's digest policy. The nearest level that says something wins, for each of the two on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct DigestPolicySetting {
    /// IANA names without `-sess`, strongest first; absent: this level says nothing.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "names")]
    pub allowed: Option<Vec<String>>,
    /// Absent: this level says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_downgrade: Option<OnDowngrade>,
}

fn names<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<String>>, D::Error> {
    use serde::de::Error;
    let Some(spellings) = Option::<Vec<String>>::deserialize(from)? else { return Ok(None) };
    let mut allowed = Vec::new();
    for spelling in &spellings {
        let name = algorithm::iana(spelling).ok_or_else(|| {
            let message = format!("{spelling:?} is no digest algorithm; {} are known.", ALGORITHMS.join(", "));
            D::Error::custom(coded(Code::AlgorithmUnknown, &message))
        })?;
        allowed.push(algorithm::base(name));
    }
    if allowed.is_empty() {
        return Err(D::Error::custom("An empty list would allow no algorithm at all; leave it out to say nothing."));
    }
    Ok(Some(ALGORITHMS.into_iter().filter(|name| allowed.contains(name)).map(str::to_owned).collect()))
}
