//! Verifying and promoting a version that is stored: its time has come, or its turn in a rotation.

use diagnosis::{Code, Diagnosis};
use link::VerifyBy;
use tokio::time::Instant;

use super::Registrations;
use super::check::allowed;
use super::form::Asked;
use super::refusal::edge_offline;
use super::running::Settled;
use super::transition::{self, Proof};
use super::verification::{GRACE, PATIENCE};
use super::version::VersionState;
use crate::audit::Origin;
use crate::domain::algorithm;
use crate::problem::Problem;
use crate::store::credentials;

/// How it ended.
#[derive(Debug)]
pub(super) enum Activated {
    /// The version is active.
    Promoted,
    /// It was refused and is kept as rejected.
    Refused(Box<Diagnosis>),
    /// Nobody could be asked; it is as it was.
    NotNow(Problem),
    /// It is no longer to be tried: promoted, rejected or retired meanwhile.
    Over,
}

/// Tells whether the carrier may have seen a digest before this refusal.
pub(super) fn digest_sent(diagnosis: &Diagnosis) -> bool {
    diagnosis.evidence.credential_sent == Some(true) || diagnosis.code == Code::Indeterminate
}

impl Registrations {
    /// Verifies a staged version, or one that was rejected before any digest of it was sent, and promotes it.
    ///
    /// # Errors
    /// Where the store or the trunk is not there, or its turn does not come; nothing was sent then.
    pub(super) async fn activate(&self, origin: &Origin, trunk: &str, number: u32, live: bool) -> Result<Activated, Problem> {
        let turn = self.turn(trunk, Instant::now() + PATIENCE + GRACE).await?;
        let settings = self.settings(trunk).await?;
        let mut reader = self.inner.store.read().await?;
        let Some(stored) = credentials::stored(&mut reader, trunk, number).await? else { return Ok(Activated::Over) };
        drop(reader);
        let mut version = stored.version;
        let open = match version.state {
            VersionState::Staged => true,
            VersionState::Rejected => !version.digest_sent,
            VersionState::Verifying | VersionState::Active | VersionState::Standby | VersionState::Previous | VersionState::Retired => {
                false
            }
        };
        if !open {
            return Ok(Activated::Over);
        }
        let Ok(secrets) = self.inner.keyring.open(trunk, number, &stored.sealed) else {
            let summary = format!("The stored password of version {number} does not open with this server's keys. No carrier was asked.");
            let remedy = "Set the credentials of the trunk again.";
            let diagnosis = Diagnosis::new(Code::SecretUnreadable).summary(summary).remedy(remedy);
            let mut tx = self.inner.store.begin(origin).await?;
            transition::reject(&mut tx, &mut version, &diagnosis, false, &settings.basis()).await?;
            tx.commit().await?;
            return Ok(Activated::Refused(Box::new(diagnosis)));
        };
        let asked = Asked {
            username: version.username.clone(),
            secrets,
            realm: version.realm.clone(),
            algorithm: version.algorithm.as_deref().and_then(algorithm::iana),
            proxy: version.proxy.clone(),
        };
        if let Err(diagnosis) = allowed(&settings, &asked) {
            let mut tx = self.inner.store.begin(origin).await?;
            transition::reject(&mut tx, &mut version, &diagnosis, false, &settings.basis()).await?;
            tx.commit().await?;
            return Ok(Activated::Refused(diagnosis));
        }
        if !live || settings.verify_by() == VerifyBy::None {
            let mut tx = self.inner.store.begin(origin).await?;
            transition::promote(&mut tx, &version, Proof::default(), "promote").await?;
            tx.commit().await?;
            self.inner.fleet.touch(trunk);
            return Ok(Activated::Promoted);
        }
        let Some(edge) = self.inner.fleet.serving(&settings.trunk.site) else {
            return Ok(Activated::NotNow(edge_offline(&settings.trunk)));
        };
        let mut tx = self.inner.store.begin(origin).await?;
        transition::enter(&mut tx, &mut version, VersionState::Verifying, "verify").await?;
        let row = Self::open_verification(&mut tx, origin, &version, &edge).await?;
        tx.commit().await?;
        let settled = self.ask_and_decide(&turn, origin, &settings, &edge, &row, &version, &asked.secrets).await?;
        Ok(match settled {
            Settled::Promoted { .. } => Activated::Promoted,
            Settled::Refused(problem) => match problem.diagnosis() {
                Some(diagnosis) => Activated::Refused(Box::new(diagnosis.clone())),
                None => Activated::Over,
            },
            Settled::Unchanged | Settled::Kept { .. } => Activated::Over,
        })
    }
}
