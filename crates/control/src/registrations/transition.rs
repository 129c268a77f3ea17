//! What happens to a trunk's credential versions: each step within the caller's transaction, with its audit record.

use diagnosis::{Code, Diagnosis};
use link::{Generation, Negotiated, Secret, UnixMicros};
use serde_json::{Value, json};

use super::form::Asked;
use super::version::{LastOutcome, Version, VersionState};
use crate::audit::AuditEntry;
use crate::domain::Trunk;
use crate::events::{CredentialsChange, Event, What};
use crate::sealing::Keyring;
use crate::store::credentials::{self, NewVersion, Registration};
use crate::store::{StoreError, Tx, planned, verifications};

/// The kind of entity that audit records name.
pub const KIND: &str = "credentials";

/// What is to be stored of credentials.
pub struct New<'a> {
    /// The trunk's id.
    pub trunk: &'a str,
    /// What the caller asked for.
    pub asked: &'a Asked,
    /// Its keyed MAC.
    pub mac: &'a str,
    /// A 2xx without a challenge is good enough.
    pub accept_unproven: bool,
}

/// A promotion that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promoted {
    /// The version that is active now.
    pub version: u32,
    /// What the edges are to run.
    pub generation: Generation,
    /// No version was active before.
    pub first: bool,
}

/// What a promotion brings along from the carrier.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// Realm and algorithm, to be pinned.
    pub negotiated: Option<Negotiated>,
    /// A digest was asked for and accepted.
    pub authenticated: bool,
}

/// Stores a new version.
pub async fn stage(tx: &mut Tx, keyring: &Keyring, new: &New<'_>, state: VersionState) -> Result<Version, StoreError> {
    let now = tx.now();
    let mut registration = registration_or_new(tx, new.trunk).await?;
    registration.last_version += 1;
    touch(&mut registration, now);
    let version = version_of(new, registration.last_version, state, now);
    let sealed = keyring.seal(new.trunk, version.version, &new.asked.secrets);
    credentials::save_registration(tx.connection(), new.trunk, &registration).await?;
    let row = NewVersion { version: version.clone(), sealed, mac: new.mac.to_owned() };
    credentials::insert(tx.connection(), row).await?;
    tx.audit(AuditEntry::new("stage", KIND, new.trunk).after(audited(&version)));
    tell(tx, &version, entered(state));
    Ok(version)
}

/// What is to be written of a trunk's first credentials.
#[derive(Debug)]
pub struct First {
    /// What the trunk's versions have in common.
    pub registration: Registration,
    /// The first version, active.
    pub version: NewVersion,
}

/// As [`stage`] and [`promote`] after each other, for a trunk that is new in this change: nothing has to be looked at, and what it gives is
/// to be written with the trunk.
pub fn promote_first(tx: &mut Tx, generation: Generation, keyring: &Keyring, trunk: &Trunk, new: &New<'_>, proof: Proof) -> First {
    let now = tx.now();
    let mut version = version_of(new, 1, VersionState::Staged, now);
    tx.audit(AuditEntry::new("stage", KIND, new.trunk).after(audited(&version)));
    become_active(&mut version, proof, now);
    tx.audit(AuditEntry::new("promote", KIND, new.trunk).after(audited(&version)));
    let what = What::Credentials { change: CredentialsChange::Promoted, version: Some(1), code: None, by: String::new() };
    let mut event = Event::of_trunk(new.trunk, what);
    event.subject.site = Some(trunk.site.clone());
    event.subject.carrier = Some(trunk.carrier.clone());
    tx.event(event);
    let revision = generation.number;
    let registration = Registration { version: 2, created: now, modified: now, revision, verified: revision, last_version: 1 };
    let sealed = keyring.seal(new.trunk, version.version, &new.asked.secrets);
    First { registration, version: NewVersion { version, sealed, mac: new.mac.to_owned() } }
}

fn version_of(new: &New<'_>, number: u32, state: VersionState, now: UnixMicros) -> Version {
    Version {
        trunk: new.trunk.to_owned(),
        version: number,
        state,
        username: new.asked.username.clone(),
        realm: new.asked.realm.clone(),
        algorithm: new.asked.algorithm.map(str::to_owned),
        ha1: match &new.asked.secrets.account {
            Secret::Password(_) => Vec::new(),
            Secret::Ha1(values) => values.iter().map(|(name, _)| name.clone()).collect(),
        },
        proxy: new.asked.proxy.clone(),
        negotiated: None,
        authenticated: false,
        accept_unproven: new.accept_unproven,
        diagnosis: None,
        digest_sent: false,
        basis: String::new(),
        last_outcome: None,
        accepted_at: None,
        created_at: now,
        changed_at: now,
        promoted_at: None,
    }
}

fn become_active(version: &mut Version, proof: Proof, now: UnixMicros) {
    version.state = VersionState::Active;
    version.changed_at = now;
    version.promoted_at = Some(now);
    version.accepted_at = None;
    version.diagnosis = None;
    version.digest_sent = false;
    if proof.negotiated.is_some() {
        version.negotiated = proof.negotiated;
        version.last_outcome = Some(LastOutcome::Accepted);
    }
    version.authenticated = proof.authenticated || version.authenticated;
}

/// Moves a version to another state that changes nothing for the edges.
pub async fn enter(tx: &mut Tx, version: &mut Version, state: VersionState, action: &'static str) -> Result<(), StoreError> {
    let before = audited(version);
    version.state = state;
    version.changed_at = tx.now();
    credentials::update(tx.connection(), version).await?;
    let mut registration = registration_or_new(tx, &version.trunk).await?;
    touch(&mut registration, tx.now());
    credentials::save_registration(tx.connection(), &version.trunk, &registration).await?;
    tx.audit(AuditEntry::new(action, KIND, &version.trunk).before(before).after(audited(version)));
    tell(tx, version, entered(state));
    Ok(())
}

/// Makes a version the one to register with. The active one becomes previous, the previous one is retired.
pub async fn promote(tx: &mut Tx, version: &Version, proof: Proof, action: &'static str) -> Result<Promoted, StoreError> {
    let now = tx.now();
    let mut before = None;
    for mut other in credentials::versions(tx.connection(), &version.trunk).await? {
        if other.version == version.version {
            continue;
        }
        let next = match other.state {
            VersionState::Active => VersionState::Previous,
            VersionState::Previous => VersionState::Retired,
            VersionState::Staged | VersionState::Verifying | VersionState::Standby | VersionState::Rejected | VersionState::Retired => {
                continue;
            }
        };
        if other.state == VersionState::Active {
            before = Some(audited(&other));
        }
        other.state = next;
        other.changed_at = now;
        credentials::update(tx.connection(), &other).await?;
    }
    let first = before.is_none();
    let mut version = version.clone();
    become_active(&mut version, proof, now);
    credentials::update(tx.connection(), &version).await?;
    credentials::tidy(tx.connection(), &version.trunk).await?;
    let generation = bump(tx, &version.trunk).await?;
    let entry = AuditEntry::new(action, KIND, &version.trunk).after(audited(&version));
    tx.audit(match before {
        Some(before) => entry.before(before),
        None => entry,
    });
    tell(tx, &version, if action == "rollback" { CredentialsChange::RolledBack } else { CredentialsChange::Promoted });
    Ok(Promoted { version: version.version, generation, first })
}

/// Keeps a refused version with its diagnosis.
pub async fn reject(tx: &mut Tx, version: &mut Version, diagnosis: &Diagnosis, digest_sent: bool, basis: &str) -> Result<(), StoreError> {
    version.diagnosis = Some(diagnosis.clone());
    version.digest_sent = digest_sent;
    basis.clone_into(&mut version.basis);
    if digest_sent {
        version.last_outcome = Some(LastOutcome::Refused);
    }
    enter(tx, version, VersionState::Rejected, "reject").await?;
    credentials::tidy(tx.connection(), &version.trunk).await
}

/// Goes back from the refused active version to another.
pub async fn roll_back(
    tx: &mut Tx,
    refused: &mut Version,
    to: &Version,
    diagnosis: &Diagnosis,
    basis: &str,
) -> Result<Promoted, StoreError> {
    reject(tx, refused, diagnosis, true, basis).await?;
    promote(tx, to, Proof { negotiated: to.negotiated.clone(), authenticated: to.authenticated }, "rollback").await
}

/// Lets the edges hear of what changed beside the active secret, which is as proved as before.
pub async fn reassign(tx: &mut Tx, trunk: &str) -> Result<(), StoreError> {
    let number = tx.generation().await?.number;
    let mut registration = registration_or_new(tx, trunk).await?;
    registration.revision = number;
    credentials::save_registration(tx.connection(), trunk, &registration).await
}

/// Retires all versions of a trunk: it has no credentials any more.
pub async fn retire_all(tx: &mut Tx, trunk: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let mut retired = Vec::new();
    for mut version in credentials::versions(tx.connection(), trunk).await? {
        if version.state == VersionState::Retired {
            continue;
        }
        retired.push(version.version);
        version.state = VersionState::Retired;
        version.changed_at = now;
        credentials::update(tx.connection(), &version).await?;
    }
    if retired.is_empty() {
        return Ok(false);
    }
    verifications::close_all(tx.connection(), trunk).await?;
    planned::remove_all(tx.connection(), trunk).await?;
    credentials::tidy(tx.connection(), trunk).await?;
    bump(tx, trunk).await?;
    tx.audit(AuditEntry::new("delete", KIND, trunk).before(json!({ "versions": retired })));
    tell_of(tx, trunk, None, None, CredentialsChange::Retired);
    Ok(true)
}

/// Records that the secret was proved where it is sent now.
pub async fn proved_again(tx: &mut Tx, trunk: &str) -> Result<Generation, StoreError> {
    let generation = bump(tx, trunk).await?;
    tx.audit(AuditEntry::new("verify", KIND, trunk));
    tell_of(tx, trunk, None, None, CredentialsChange::Proved);
    Ok(generation)
}

/// Records what carrier and edge agreed upon where it was open. Tells whether the edges are to hear of it.
pub async fn accepted(
    tx: &mut Tx,
    version: &mut Version,
    negotiated: Option<Negotiated>,
    authenticated: bool,
    at: UnixMicros,
) -> Result<bool, StoreError> {
    let pins = negotiated.is_some() && version.negotiated != negotiated;
    let news = pins
        || version.accepted_at.is_none()
        || version.last_outcome != Some(LastOutcome::Accepted)
        || version.authenticated != authenticated;
    if !news {
        return Ok(false);
    }
    let before = audited(version);
    if pins {
        version.negotiated = negotiated;
    }
    version.authenticated = authenticated;
    version.accepted_at = Some(at);
    version.last_outcome = Some(LastOutcome::Accepted);
    version.diagnosis = None;
    credentials::update(tx.connection(), version).await?;
    if pins {
        // What is pinned is what a later challenge is compared with.
        reassign(tx, &version.trunk).await?;
        tx.audit(AuditEntry::new("pin", KIND, &version.trunk).before(before).after(audited(version)));
    }
    Ok(pins)
}

/// A version as audit records and listings may show it: without its secret.
pub fn audited(version: &Version) -> Value {
    let mut shown = json!({ "version": version.version, "state": version.state, "username": version.username });
    if let Some(realm) = version.effective_realm() {
        shown["realm"] = realm.into();
    }
    if let Some(algorithm) = version.effective_algorithm() {
        shown["algorithm"] = algorithm.into();
    }
    if let Some(proxy) = &version.proxy {
        shown["proxyCredentials"] = json!(proxy);
    }
    if let Some(diagnosis) = &version.diagnosis {
        shown["code"] = diagnosis.code.as_str().into();
    }
    shown
}

fn entered(state: VersionState) -> CredentialsChange {
    match state {
        VersionState::Staged => CredentialsChange::Staged,
        VersionState::Verifying => CredentialsChange::Verifying,
        VersionState::Standby => CredentialsChange::Standby,
        VersionState::Active => CredentialsChange::Promoted,
        VersionState::Rejected => CredentialsChange::Rejected,
        VersionState::Previous | VersionState::Retired => CredentialsChange::Retired,
    }
}

fn tell(tx: &mut Tx, version: &Version, change: CredentialsChange) {
    let code = version.diagnosis.as_ref().map(|diagnosis| diagnosis.code);
    tell_of(tx, &version.trunk, Some(version.version), code, change);
}

fn tell_of(tx: &mut Tx, trunk: &str, version: Option<u32>, code: Option<Code>, change: CredentialsChange) {
    tx.event(Event::of_trunk(trunk, What::Credentials { change, version, code, by: String::new() }));
}

/// The desired state of the trunk has changed: its edges hear of it.
async fn bump(tx: &mut Tx, trunk: &str) -> Result<Generation, StoreError> {
    let now = tx.now();
    let generation = tx.generation().await?;
    let mut registration = registration_or_new(tx, trunk).await?;
    touch(&mut registration, now);
    registration.revision = generation.number;
    registration.verified = generation.number;
    credentials::save_registration(tx.connection(), trunk, &registration).await?;
    Ok(generation)
}

async fn registration_or_new(tx: &mut Tx, trunk: &str) -> Result<Registration, StoreError> {
    let now = tx.now();
    let found = credentials::registration(tx.connection(), trunk).await?;
    Ok(found.unwrap_or(Registration { version: 0, created: now, modified: now, revision: 0, verified: 0, last_version: 0 }))
}

fn touch(registration: &mut Registration, now: UnixMicros) {
    registration.version += 1;
    registration.modified = now;
}
