use crate::{Code, Initiator, Place, Stage};

/// Why an attempt ended as it did: a code, the values at hand in words, and the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub struct Diagnosis {
    /// The cause, stable for ever.
    pub code: Code,
    /// Where it was stopped.
    pub stage: Stage,
    /// Who decided.
    pub initiator: Initiator,
    /// Whether the same request may succeed later without any change.
    pub retryable: bool,
    /// One or two sentences with the values at hand.
    pub summary: String,
    /// What to change, with the values at hand.
    pub remedy: String,
    /// What was seen.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub evidence: Evidence,
}

impl Diagnosis {
    /// Makes a diagnosis with the catalogue's own words and no evidence yet.
    pub fn new(code: Code) -> Self {
        Diagnosis {
            code,
            stage: code.stage(),
            initiator: code.initiator(),
            retryable: code.retryable(),
            summary: code.meaning().to_owned(),
            remedy: code.remedy().to_owned(),
            evidence: Evidence::default(),
        }
    }

    /// Replaces the summary by one with the values at hand.
    #[must_use]
    pub fn summary(mut self, text: impl Into<String>) -> Self {
        self.summary = text.into();
        self
    }

    /// Replaces the remedy by one with the values at hand.
    #[must_use]
    pub fn remedy(mut self, text: impl Into<String>) -> Self {
        self.remedy = text.into();
        self
    }

    /// Attaches what was seen.
    #[must_use]
    pub fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = evidence;
        self
    }

    /// Adds the outcome of one comparison.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.evidence.checks.push(check);
        self
    }
}

/// What was seen of an attempt. Holds no password, HA1, digest response or nonce by construction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase", default))]
pub struct Evidence {
    /// The edge that asked, by id.
    #[cfg_attr(feature = "serde", serde(with = "edge_reference", skip_serializing_if = "Option::is_none"))]
    pub edge: Option<String>,
    /// The next hop that was asked, as a SIP URI with the resolved address.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub registrar: Option<String>,
    /// How the next hop was found in DNS, a line a look-up: NAPTR, SRV, then A and AAAA (RFC 3263).
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub resolution: Vec<String>,
    /// The edge's own address and port, from which it was sent.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub source_address: Option<String>,
    /// The address and port that the carrier saw (RFC 3581 `received` and `rport`): what its allow-list needs.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub public_address: Option<String>,
    /// The final answer.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub sip: Option<SipStatus>,
    /// What its Warning and Reason headers say.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub headers: Vec<Said>,
    /// The notes of the carrier's profile that fit what it says.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub notes: Vec<Note>,
    /// What the carrier offered.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub challenges: Vec<Challenge>,
    /// What was compared, in order.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Vec::is_empty"))]
    pub checks: Vec<Check>,
    /// Whether OPTIONS was answered. Proves reachability and nothing else.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub options_reachable: Option<bool>,
    /// Whether a digest left the edge.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub credential_sent: Option<bool>,
    /// Seconds after which the same request makes sense again.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub retry_after: Option<u32>,
    /// The attempt in the trunk's history.
    #[cfg_attr(feature = "serde", serde(skip_serializing_if = "Option::is_none"))]
    pub attempt_id: Option<String>,
}

/// The status line of a final answer, the reason phrase verbatim but for control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SipStatus {
    /// RFC 3261 7.2, 200 to 699.
    pub code: u16,
    /// The carrier's own words.
    pub reason: String,
}

/// What a header of the final answer says, verbatim but for control characters and what looks like credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Said {
    /// Which header.
    #[cfg_attr(feature = "serde", serde(rename = "in"))]
    pub place: Place,
    /// Its value, cut where it is very long.
    pub text: String,
}

/// A note of the carrier's profile that fits what the carrier said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Note {
    /// The profile's pattern.
    pub pattern: String,
    /// Where it fits.
    #[cfg_attr(feature = "serde", serde(rename = "in"))]
    pub place: Place,
    /// The operator's text.
    pub note: String,
}

/// One challenge as the carrier sent it, without its nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Challenge {
    /// RFC 7616 3.3.
    pub realm: String,
    /// The IANA form where it is known, the literal text elsewhere; `MD5` where it was absent.
    pub algorithm: String,
    /// Empty where absent (RFC 2069 style).
    pub qop: Vec<String>,
    /// `stale=true` was there.
    pub stale: bool,
    /// It came in Proxy-Authenticate (407).
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "std::ops::Not::not"))]
    pub proxy: bool,
}

/// One comparison that was made, and how it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Check {
    /// Stable name, such as `realm.equal`.
    pub name: String,
    /// Whether it held.
    pub ok: bool,
    /// What was wanted.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub expected: Option<String>,
    /// What was found.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub actual: Option<String>,
}

impl Check {
    /// Records a comparison without values.
    pub fn new(name: &str, ok: bool) -> Self {
        Check { name: name.to_owned(), ok, expected: None, actual: None }
    }

    /// Records a comparison with the values on both sides.
    pub fn compared(name: &str, ok: bool, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Check { name: name.to_owned(), ok, expected: Some(expected.into()), actual: Some(actual.into()) }
    }
}

#[cfg(feature = "serde")]
mod edge_reference {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Reference {
        id: String,
    }

    pub(super) fn serialize<S: Serializer>(edge: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
        edge.as_ref().map(|id| Reference { id: id.clone() }).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        Ok(Option::<Reference>::deserialize(from)?.map(|reference| reference.id))
    }
}
