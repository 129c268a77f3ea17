//! What is to be done with posted credentials: nothing, ask the carrier, or promote. Decided from what is stored, without asking anyone.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diagnosis::Diagnosis;
use link::{Secret, UnixMicros};

use super::assignment::Settings;
use super::form::Asked;
use super::policy;
use super::refusal::{held, refusal};
use super::version::{Version, VersionState};
use crate::problem::Problem;
use crate::store::credentials::Registration;

/// So long a refused digest answers for itself: the same secret again would only cost another failed digest.
pub const REMEMBERED_MICROS: i64 = 60_000_000;

/// What is known of a trunk before anything is decided.
#[derive(Debug)]
pub struct Standing {
    /// What stands above the credentials.
    pub settings: Settings,
    /// What the versions have in common; absent where there never were any.
    pub registration: Option<Registration>,
    /// The newest first, with the keyed MACs of their secrets.
    pub versions: Vec<(Version, String)>,
    /// Failed digests are spent.
    pub held: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Checked {
    /// It is so already.
    Unchanged,
    /// It is new, or a rejected version of the same content that is to be tried again.
    New {
        /// The rejected version.
        again: Option<Box<Version>>,
    },
}

/// Refused digests of credentials that belong to no trunk yet, each for a minute.
#[derive(Debug, Default)]
pub struct Refused(Mutex<HashMap<String, (UnixMicros, Diagnosis)>>);

impl Refused {
    /// So many at most; a carrier's failure budget lets no more pass in a minute than are kept.
    const MOST: usize = 10_000;

    /// Keeps how a question ended; `question` names all that the answer depends on, a secret by its keyed MAC.
    pub fn remember(&self, question: String, now: UnixMicros, diagnosis: Diagnosis) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (at, _)| now - *at < REMEMBERED_MICROS);
        if kept.len() < Self::MOST {
            kept.insert(question, (now, diagnosis));
        }
    }

    /// Returns how it ended moments ago.
    pub fn recent(&self, question: &str, now: UnixMicros) -> Option<Diagnosis> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(question).filter(|(at, _)| now - at < REMEMBERED_MICROS).map(|(_, diagnosis)| diagnosis.clone())
    }
}

impl Standing {
    /// Decides what is to be done with credentials that are to be the active ones.
    ///
    /// # Errors
    /// The verdict of a digest that was refused moments ago, 409 where the trunk is held, 422 where the algorithm of the active version is
    /// no longer allowed.
    pub fn check(&self, asked: &Asked, mac: &str, now: UnixMicros) -> Result<Checked, Problem> {
        let Standing { settings, .. } = self;
        if let Some(active) = self.found(VersionState::Active, asked, mac).filter(|_| !self.rests()) {
            if let Some(algorithm) = active.effective_algorithm() {
                policy::check_asked(&settings.policy(), algorithm, Some(&settings.trunk.meta.id))
                    .map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
            }
            return Ok(Checked::Unchanged);
        }
        let again = self.rejected(asked, mac);
        if let Some(rejected) = again.filter(|rejected| rejected.digest_sent && rejected.basis == settings.basis()) {
            if self.held {
                return Err(held(&settings.trunk));
            }
            if let Some(diagnosis) = rejected.diagnosis.clone().filter(|_| now - rejected.changed_at < REMEMBERED_MICROS) {
                return Err(refusal(&settings.trunk, diagnosis));
            }
        }
        Ok(Checked::New { again: again.cloned().map(Box::new) })
    }

    /// Tells whether these very credentials are kept as standby.
    pub fn keeps(&self, asked: &Asked, mac: &str) -> bool {
        self.found(VersionState::Standby, asked, mac).is_some()
    }

    /// Tells whether these very credentials are the active ones.
    pub fn is_active(&self, asked: &Asked, mac: &str) -> bool {
        self.found(VersionState::Active, asked, mac).is_some()
    }

    /// Returns the staged version of these very credentials.
    pub fn staged(&self, asked: &Asked, mac: &str) -> Option<&Version> {
        self.found(VersionState::Staged, asked, mac)
    }

    /// Returns the rejected version of these very credentials.
    pub fn rejected(&self, asked: &Asked, mac: &str) -> Option<&Version> {
        self.found(VersionState::Rejected, asked, mac)
    }

    /// Tells whether a version is active.
    pub fn has_active(&self) -> bool {
        self.versions.iter().any(|(version, _)| version.state == VersionState::Active)
    }

    /// Tells whether the active secret was proved for another target than the one it would be sent to now.
    fn rests(&self) -> bool {
        self.registration.as_ref().is_some_and(|registration| self.settings.target_revision() > registration.verified)
    }

    fn found(&self, state: VersionState, asked: &Asked, mac: &str) -> Option<&Version> {
        let same = |version: &Version| {
            version.is_asked_by(&asked.username, asked.realm.as_deref(), asked.algorithm) && version.proxy == asked.proxy
        };
        self.versions.iter().find(|(version, of)| version.state == state && of == mac && same(version)).map(|(version, _)| version)
    }
}

/// Refuses what the digest policy forbids whatever the carrier offers.
///
/// # Errors
/// `sip.algorithm.not_allowed`, naming setting and override.
pub fn allowed(settings: &Settings, asked: &Asked) -> Result<(), Box<Diagnosis>> {
    let policy = settings.policy();
    let trunk = Some(settings.trunk.meta.id.as_str());
    if let Some(algorithm) = asked.algorithm {
        policy::check_asked(&policy, algorithm, trunk)?;
    }
    if let Some(algorithm) = asked.proxy.as_ref().and_then(|proxy| proxy.algorithm.as_deref()) {
        policy::check_asked(&policy, algorithm, trunk)?;
    }
    // An HA1 is usable for its own hash only.
    if let Secret::Ha1(values) = &asked.secrets.account
        && let Some((first, _)) = values.first()
        && values.iter().all(|(name, _)| !policy::allows(&policy, name))
    {
        policy::check_asked(&policy, first, trunk)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use diagnosis::Code;

    use super::super::assignment::tests::settings;
    use super::super::version::tests::version;
    use super::*;
    use crate::domain::DigestPolicySetting;

    fn asked(algorithm: Option<&'static str>) -> Asked {
        Asked { username: "u1".into(), secrets: Secret::Password("p".into()).into(), realm: None, algorithm, proxy: None }
    }

    fn standing(versions: Vec<(Version, &str)>) -> Standing {
        let registration = Registration { version: 1, created: 0, modified: 0, revision: 9, verified: 9, last_version: 1 };
        let versions = versions.into_iter().map(|(version, mac)| (version, mac.to_owned())).collect();
        Standing { settings: settings(), registration: Some(registration), versions, held: false }
    }

    fn rejected(at: UnixMicros, digest_sent: bool) -> Version {
        let diagnosis = Some(Diagnosis::new(if digest_sent { Code::CredentialsRejected } else { Code::RealmMismatch }));
        Version { diagnosis, digest_sent, changed_at: at, basis: settings().basis(), ..version(2, VersionState::Rejected) }
    }

    #[test]
    fn the_active_secret_again_changes_nothing_and_another_is_new() {
        let standing = standing(vec![(version(1, VersionState::Active), "mac")]);
        assert_eq!(standing.check(&asked(None), "mac", 0).unwrap(), Checked::Unchanged);
        assert_eq!(standing.check(&asked(None), "other", 0).unwrap(), Checked::New { again: None });
    }

    #[test]
    fn an_active_secret_that_rests_is_asked_about_again() {
        let mut standing = standing(vec![(version(1, VersionState::Active), "mac")]);
        Arc::make_mut(&mut standing.settings.carrier).target_revision = 10;
        assert_eq!(standing.check(&asked(None), "mac", 0).unwrap(), Checked::New { again: None });
    }

    #[test]
    fn the_active_secret_again_is_refused_where_its_algorithm_is_no_longer_allowed() {
        let active = Version { algorithm: Some("MD5".into()), ..version(1, VersionState::Active) };
        let mut standing = standing(vec![(active, "mac")]);
        standing.settings.trunk.settings.digest_policy =
            Some(DigestPolicySetting { allowed: Some(vec!["SHA-256".into()]), on_downgrade: None });
        assert_eq!(standing.check(&asked(None), "mac", 0).unwrap_err().code_str(), "sip.algorithm.not_allowed");
    }

    #[test]
    fn a_refused_digest_answers_for_itself_for_a_minute() {
        let standing = standing(vec![(rejected(1_000, true), "mac")]);
        let refused = standing.check(&asked(None), "mac", 1_000 + REMEMBERED_MICROS - 1).unwrap_err();
        assert_eq!(refused.code_str(), "sip.credentials.rejected");
        let again = standing.check(&asked(None), "mac", 1_000 + REMEMBERED_MICROS).unwrap();
        assert!(matches!(again, Checked::New { again: Some(version) } if version.version == 2));
    }

    #[test]
    fn other_settings_are_another_question() {
        let mut standing = standing(vec![(rejected(1_000, true), "mac")]);
        standing.settings.trunk.meta.version += 1;
        assert!(matches!(standing.check(&asked(None), "mac", 1_001).unwrap(), Checked::New { again: Some(_) }));
    }

    #[test]
    fn a_refusal_without_a_digest_is_asked_again_as_the_same_version() {
        let standing = standing(vec![(rejected(1_000, false), "mac")]);
        assert!(matches!(standing.check(&asked(None), "mac", 1_001).unwrap(), Checked::New { again: Some(_) }));
    }

    #[test]
    fn a_held_trunk_takes_a_new_secret_but_not_the_rejected_one() {
        let mut standing = standing(vec![(rejected(1_000, true), "mac")]);
        standing.held = true;
        assert_eq!(standing.check(&asked(None), "mac", 1_000 + 10 * REMEMBERED_MICROS).unwrap_err().code_str(), "registration.held");
        assert!(matches!(standing.check(&asked(None), "new", 1_001).unwrap(), Checked::New { again: None }));
    }

    #[test]
    fn hashes_are_refused_where_the_policy_forbids_every_one_of_them() {
        let mut settings = settings();
        settings.trunk.settings.digest_policy = Some(DigestPolicySetting { allowed: Some(vec!["SHA-256".into()]), on_downgrade: None });
        let ha1 = |names: &[&str]| Asked {
            secrets: Secret::Ha1(names.iter().map(|name| ((*name).to_owned(), "00".into())).collect()).into(),
            ..asked(None)
        };
        assert_eq!(allowed(&settings, &ha1(&["MD5"])).unwrap_err().code, Code::AlgorithmNotAllowed);
        assert!(allowed(&settings, &ha1(&["MD5", "SHA-256"])).is_ok());
        assert!(allowed(&settings, &asked(Some("MD5"))).is_err());
    }
}
