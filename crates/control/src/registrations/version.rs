//! A credential version: immutable in what was asked for, moving through its states.

use std::fmt;
use std::str::FromStr;

use diagnosis::Diagnosis;
use link::{Negotiated, ProxyTerms, UnixMicros};
use serde::{Deserialize, Serialize};

/// Where a credential version stands; the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum VersionState {
    /// Stored, nothing was asked yet.
    Staged,
    /// The carrier is being asked.
    Verifying,
    /// The one to register with; at most one of a trunk.
    Active,
    /// Kept beside the active one, tried once when the carrier refuses that.
    Standby,
    /// The active one before; what a rollback goes back to.
    Previous,
    /// Refused, with its diagnosis.
    Rejected,
    /// Of the past.
    Retired,
}

impl VersionState {
    /// Returns the word of the API, which the store keeps too.
    pub fn as_str(self) -> &'static str {
        match self {
            VersionState::Staged => "STAGED",
            VersionState::Verifying => "VERIFYING",
            VersionState::Active => "ACTIVE",
            VersionState::Standby => "STANDBY",
            VersionState::Previous => "PREVIOUS",
            VersionState::Rejected => "REJECTED",
            VersionState::Retired => "RETIRED",
        }
    }
}

impl fmt::Display for VersionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VersionState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [
            VersionState::Staged,
            VersionState::Verifying,
            VersionState::Active,
            VersionState::Standby,
            VersionState::Previous,
            VersionState::Rejected,
            VersionState::Retired,
        ]
        .into_iter()
        .find(|state| state.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no state of a credential version"))
    }
}

/// How the carrier answered a version when it was used last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOutcome {
    /// With a 2xx, to a verification or a registration.
    Accepted,
    /// With a refusal of its digest.
    Refused,
}

/// A credential version without its secret, which only the store's own column holds, sealed.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The trunk's id.
    pub trunk: String,
    /// Counts a trunk's versions from 1.
    pub version: u32,
    /// Where it stands.
    pub state: VersionState,
    /// The digest user name.
    pub username: String,
    /// The realm that was asked for; absent: learn.
    pub realm: Option<String>,
    /// The algorithm that was asked for; absent: the strongest.
    pub algorithm: Option<String>,
    /// The algorithms that HA1 values were given for; empty: a password.
    pub ha1: Vec<String>,
    /// What was asked for a proxy on the way that has a realm of its own; its secret lies beside the account's.
    pub proxy: Option<ProxyTerms>,
    /// What carrier and edge agreed upon.
    pub negotiated: Option<Negotiated>,
    /// The carrier asked for a digest and accepted it.
    pub authenticated: bool,
    /// Accepted without a digest, because profile or caller take that.
    pub accept_unproven: bool,
    /// Why it was refused.
    pub diagnosis: Option<Diagnosis>,
    /// A digest of it was sent before it was refused.
    pub digest_sent: bool,
    /// The settings under which it was refused: another basis is another question.
    pub basis: String,
    /// How it ended when it was used last.
    pub last_outcome: Option<LastOutcome>,
    /// When a registration with it was accepted last since it became active.
    pub accepted_at: Option<UnixMicros>,
    /// When it was posted.
    pub created_at: UnixMicros,
    /// When it got its state.
    pub changed_at: UnixMicros,
    /// When it became active.
    pub promoted_at: Option<UnixMicros>,
}

impl Version {
    /// Returns the realm to accept: the one asked for, else the one learnt.
    pub fn effective_realm(&self) -> Option<&str> {
        self.realm.as_deref().or(self.negotiated.as_ref().map(|negotiated| negotiated.realm.as_str()))
    }

    /// Returns the algorithm to answer: the one negotiated, else the one asked for.
    pub fn effective_algorithm(&self) -> Option<&str> {
        self.negotiated.as_ref().map(|negotiated| negotiated.algorithm.as_str()).or(self.algorithm.as_deref())
    }

    /// Tells whether posting these values again asks for this very version; absent values mean the pinned ones.
    pub fn is_asked_by(&self, username: &str, realm: Option<&str>, algorithm: Option<&str>) -> bool {
        let same = |asked: Option<&str>, own: Option<&str>, effective: Option<&str>| match asked {
            None => own.is_none() || self.state == VersionState::Active,
            Some(asked) => own == Some(asked) || (own.is_none() && effective == Some(asked)),
        };
        self.username == username
            && same(realm, self.realm.as_deref(), self.effective_realm())
            && same(algorithm, self.algorithm.as_deref(), self.effective_algorithm())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::registrations) fn version(number: u32, state: VersionState) -> Version {
        Version {
            trunk: "t1".into(),
            version: number,
            state,
            username: "u1".into(),
            realm: None,
            algorithm: None,
            ha1: Vec::new(),
            proxy: None,
            negotiated: None,
            authenticated: false,
            accept_unproven: false,
            diagnosis: None,
            digest_sent: false,
            basis: String::new(),
            last_outcome: None,
            accepted_at: None,
            created_at: 0,
            changed_at: 0,
            promoted_at: None,
        }
    }

    fn negotiated(realm: &str, algorithm: &str) -> Option<Negotiated> {
        Some(Negotiated { realm: realm.into(), algorithm: algorithm.into(), qop: None, offered: vec![algorithm.into()] })
    }

    #[test]
    fn absent_means_the_pinned_values_of_the_active_version() {
        let active = Version { negotiated: negotiated("r", "MD5"), ..version(1, VersionState::Active) };
        assert!(active.is_asked_by("u1", None, None));
        assert!(active.is_asked_by("u1", Some("r"), Some("MD5")));
        assert!(!active.is_asked_by("u1", Some("other"), None));
        assert!(!active.is_asked_by("u1", None, Some("SHA-256")));
        assert!(!active.is_asked_by("u2", None, None));
        let explicit = Version { realm: Some("r".into()), ..active };
        assert!(explicit.is_asked_by("u1", None, None));
    }

    #[test]
    fn a_refused_realm_left_out_is_another_question() {
        let refused = Version { realm: Some("wrong".into()), ..version(2, VersionState::Rejected) };
        assert!(refused.is_asked_by("u1", Some("wrong"), None));
        assert!(!refused.is_asked_by("u1", None, None));
    }

    #[test]
    fn every_state_reads_back() {
        for state in ["STAGED", "VERIFYING", "ACTIVE", "STANDBY", "PREVIOUS", "REJECTED", "RETIRED"] {
            assert_eq!(state.parse::<VersionState>().unwrap().as_str(), state);
        }
        assert!("OTHER".parse::<VersionState>().is_err());
    }
}
