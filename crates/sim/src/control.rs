//! The control plane in small: versions of credentials, verification before promotion, rollback; as `crates/control` does it.

use std::sync::Arc;
use std::time::Duration;

use ua::{
    Account, Assignment, ContactSpec, Credential, DigestPolicy, Generation, Instant, OnDowngrade, PolicySource, Secret, VerifyBy,
    VerifyMode, VerifyOrder,
};

use crate::lab::Station;
use crate::roster::Roster;

/// A version that was accepted may still be refused by another node of its carrier so long after its promotion.
const SETTLING: Duration = Duration::from_secs(3600);

/// What is desired of one trunk.
#[derive(Debug)]
pub struct Desired {
    /// It is to be registered.
    pub assigned: bool,
    /// Counts the changes.
    pub number: u64,
    /// The version in use.
    pub active: u32,
    /// The version before.
    pub previous: Option<u32>,
    /// All versions, from 1.
    pub versions: Vec<Version>,
    /// The verification that is on: its id and version.
    pub verifying: Option<(Arc<str>, u32)>,
    /// Counts the changes of its Contact.
    pub contact: Changes,
    verifications: u32,
}

/// A credential version.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its secret.
    pub password: String,
    /// How it went when it was used last.
    pub accepted: Option<bool>,
    /// When it became active.
    pub promoted_at: Option<Instant>,
    /// It was rejected: never to be active again by itself.
    pub rejected: bool,
}

/// How often a Contact was changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Changes {
    /// Its user.
    pub user: u32,
    /// A parameter.
    pub parameter: u32,
}

/// What follows from a refused registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRefusal {
    /// The version before is active again.
    RolledBack,
    /// The version stays.
    Stays,
}

impl Desired {
    /// Begins with a password.
    pub fn new(password: String) -> Self {
        let first = Version { password, accepted: None, promoted_at: Some(Instant::default()), rejected: false };
        Desired {
            assigned: true,
            number: 1,
            active: 1,
            previous: None,
            versions: vec![first],
            verifying: None,
            contact: Changes::default(),
            verifications: 0,
        }
    }

    /// Returns the password in use.
    pub fn password(&self) -> &str {
        self.at(self.active).map_or("", |version| &version.password)
    }

    /// Stages a password.
    pub fn stage(&mut self, password: String) -> u32 {
        self.versions.push(Version { password, accepted: None, promoted_at: None, rejected: false });
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX)
    }

    /// Makes a version active, the one in use the previous one.
    pub fn promote(&mut self, now: Instant, version: u32) {
        if version != self.active {
            self.previous = Some(self.active);
            self.active = version;
        }
        if let Some(version) = self.at_mut(version) {
            version.promoted_at = Some(now);
        }
        self.number += 1;
    }

    /// Notes that the carrier accepted a version.
    pub fn accepted(&mut self, version: u32) {
        if let Some(version) = self.at_mut(version) {
            version.accepted = Some(true);
        }
    }

    /// Decides what follows from a refusal, as `control::registrations::rollback` does.
    pub fn refused(&mut self, now: Instant, version: u32, digest_sent: bool) -> AfterRefusal {
        if version != self.active || !digest_sent {
            return AfterRefusal::Stays;
        }
        let previous = self.previous.and_then(|previous| self.at(previous)).and_then(|version| version.accepted);
        let Some(refused) = self.at_mut(version) else { return AfterRefusal::Stays };
        let settling = refused.accepted.is_none() || refused.promoted_at.is_some_and(|promoted| now.since(promoted) <= SETTLING);
        match (settling, previous, self.previous) {
            (true, Some(true), Some(to)) => {
                if let Some(refused) = self.at_mut(version) {
                    refused.rejected = true;
                }
                self.active = to;
                self.previous = None;
                self.number += 1;
                if let Some(back) = self.at_mut(to) {
                    back.promoted_at = Some(now);
                }
                AfterRefusal::RolledBack
            }
            _ => {
                if let Some(refused) = self.at_mut(version) {
                    refused.accepted = Some(false);
                }
                AfterRefusal::Stays
            }
        }
    }

    /// Writes the desired state as an assignment.
    pub fn assignment(&self, trunk: usize, roster: &Roster, station: &Station) -> Assignment {
        Assignment {
            trunk: roster.id(trunk),
            generation: Generation { incarnation: 1, number: self.number },
            carrier: station.profile.id.clone(),
            account: self.account(trunk, roster, station),
            policy: policy(),
            active: self.credential(self.active, trunk, roster, station),
            previous: self.previous.and_then(|previous| self.credential(previous, trunk, roster, station)),
            standby: None,
        }
    }

    /// Orders the verification of a version.
    pub fn verify(&mut self, version: u32, trunk: usize, roster: &Roster, station: &Station) -> VerifyOrder {
        self.verifications += 1;
        let id: Arc<str> = format!("v{trunk}-{}", self.verifications).into();
        self.verifying = Some((id.clone(), version));
        VerifyOrder {
            id,
            trunk: Some(roster.id(trunk)),
            profile: station.profile.clone(),
            account: self.account(trunk, roster, station),
            policy: policy(),
            credential: self.credential(version, trunk, roster, station),
            mode: VerifyMode::Digest,
            by: VerifyBy::Query,
            may_bind: true,
            by_person: true,
            patience: Duration::from_secs(20),
        }
    }

    fn account(&self, trunk: usize, roster: &Roster, station: &Station) -> Account {
        let domain = station.machine.name();
        Account {
            address_of_record: format!("sip:{}@{domain}", roster.user(trunk)).into(),
            request_uri: format!("sip:{domain}").into(),
            from_uri: None,
            contact: self.contact_of(trunk, roster),
            expires: station.expires,
            user_agent: None,
            extra_headers: Vec::new(),
        }
    }

    fn contact_of(&self, trunk: usize, roster: &Roster) -> ContactSpec {
        let Changes { user, parameter } = self.contact;
        ContactSpec {
            user: (user > 0).then(|| format!("{}-{user}", roster.user(trunk)).into()),
            params: (parameter > 0).then(|| format!("line={parameter}").into()),
            ..ContactSpec::default()
        }
    }

    fn credential(&self, version: u32, trunk: usize, roster: &Roster, station: &Station) -> Option<Credential> {
        Some(Credential {
            version,
            username: roster.username(trunk).into(),
            realm: station.pinned.then(|| station.realm.as_str().into()),
            algorithm: None,
            pinned: false,
            qop: false,
            proxy: None,
            secret: Arc::new(Secret::Password(self.at(version)?.password.clone().into())),
        })
    }

    fn at(&self, version: u32) -> Option<&Version> {
        self.versions.get((version as usize).checked_sub(1)?)
    }

    fn at_mut(&mut self, version: u32) -> Option<&mut Version> {
        self.versions.get_mut((version as usize).checked_sub(1)?)
    }
}

fn policy() -> DigestPolicy {
    use ua::Hash;
    DigestPolicy {
        allowed: vec![Hash::Md5, Hash::Sha256, Hash::Sha512_256],
        on_downgrade: OnDowngrade::Refuse,
        source: PolicySource::Default,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_promotion_goes_back_to_what_was_accepted() {
        let now = Instant::from_micros(1);
        let mut desired = Desired::new("old".into());
        desired.accepted(1);
        let staged = desired.stage("new".into());
        desired.promote(now, staged);
        assert_eq!((desired.active, desired.previous), (2, Some(1)));
        assert_eq!(desired.refused(now, 2, false), AfterRefusal::Stays);
        assert_eq!(desired.refused(now, 2, true), AfterRefusal::RolledBack);
        assert_eq!((desired.active, desired.password(), desired.number), (1, "old", 3));
        assert_eq!(desired.refused(now, 2, true), AfterRefusal::Stays, "an old answer");
    }
}
