//! Setting a trunk's credentials: checked, staged, tried at the carrier, promoted. Whatever is refused changes nothing.

use std::time::Duration;

use diagnosis::{Code, Diagnosis};
use link::{Outcome, Secret, Secrets, Verdict, VerifyBy, VerifyMode};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::assignment::{Settings, credential};
use super::check::{Checked, Standing, allowed};
use super::fleet::{AttachedEdge, Loader};
use super::form::{Asked, Mode, Posted};
use super::refusal::{edge_offline, indeterminate, refusal};
use super::running::{Entry, Identity, Progress, Settled, Turn};
use super::transition::{self, New, Promoted, Proof};
use super::verification::{self, EVIDENCE, GRACE, PATIENCE, Question};
use super::version::{Version, VersionState};
use super::{Registrations, policy};
use crate::audit::Origin;
use crate::domain::id;
use crate::http::context;
use crate::problem::Problem;
use crate::store::verifications::{self, Verification};
use crate::store::{StoreError, Tx, credentials, now};

/// So often is a decision tried to be written before the verification is left to the next start.
const WRITES: u32 = 20;
/// So long between two tries.
const AGAIN: Duration = Duration::from_millis(500);

impl Registrations {
    /// Begins to set credentials, or joins whoever sets the same; returns how far it is.
    ///
    /// # Errors
    /// 409 where other credentials are being verified for the trunk until `deadline`.
    pub(super) async fn set(&self, origin: Origin, posted: Posted, deadline: Instant) -> Result<watch::Receiver<Progress>, Problem> {
        let identity = Identity {
            username: posted.asked.username.clone(),
            realm: posted.asked.realm.clone(),
            algorithm: posted.asked.algorithm.map(str::to_owned),
            mac: self.mac_of(&posted.asked),
            standby: posted.standby,
            at: posted.activate_at,
        };
        loop {
            match self.inner.running.enter(&posted.trunk, identity.clone()) {
                Entry::Mine(turn) => {
                    let progress = turn.watch();
                    let this = self.clone();
                    let correlation = context::correlation_id().unwrap_or_default();
                    // A task of its own: a caller that hangs up neither stops a verification nor leaves one behind undecided.
                    tokio::spawn(context::with_correlation(correlation, async move {
                        let settled = this.settle(&turn, &origin, &posted, identity.mac).await;
                        turn.tell(Progress::Settled(settled.unwrap_or_else(Settled::Refused)));
                    }));
                    return Ok(progress);
                }
                Entry::Same(ongoing) => return Ok(ongoing.progress),
                Entry::Other(ongoing) => {
                    if tokio::time::timeout_at(deadline, ongoing.over()).await.is_err() {
                        let message = "Other credentials of this trunk are being verified; wait for their outcome, then set these.";
                        return Err(Problem::conflict(message).entity(posted.trunk, None));
                    }
                }
            }
        }
    }

    /// Compares secrets without keeping them readable.
    pub(super) fn mac(&self, username: &str, secret: &Secret) -> String {
        self.inner.keyring.mac(username, None, secret)
    }

    /// As [`Registrations::mac`], of all that is secret of credentials.
    pub(super) fn mac_of(&self, asked: &Asked) -> String {
        let account = self.mac(&asked.username, &asked.secrets.account);
        match (&asked.proxy, &asked.secrets.proxy) {
            (Some(terms), Some(secret)) => self.inner.keyring.mac(&format!("{account} {}", terms.username), Some(&terms.realm), secret),
            (None, _) | (_, None) => account,
        }
    }

    async fn settle(&self, turn: &Turn, origin: &Origin, posted: &Posted, mac: String) -> Result<Settled, Problem> {
        let standing = self.standing(&posted.trunk).await?;
        let settings = &standing.settings;
        if let Err(diagnosis) = allowed(settings, &posted.asked) {
            let diagnosis = if posted.mode == Mode::Live { self.with_evidence(settings, *diagnosis).await } else { *diagnosis };
            self.keep_rejected(origin, posted, &mac, &standing, &diagnosis).await?;
            return Ok(Settled::Refused(refusal(&settings.trunk, diagnosis)));
        }
        if posted.standby {
            let kept = standing.keeps(&posted.asked, &mac);
            return if kept { Ok(Settled::Unchanged) } else { self.keep(origin, posted, &mac, &standing).await };
        }
        if let Some(at) = posted.activate_at {
            return self.plan(origin, posted, &mac, &standing, at).await;
        }
        match standing.check(&posted.asked, &mac, now())? {
            Checked::Unchanged => Ok(Settled::Unchanged),
            Checked::New { again } if posted.mode == Mode::Static || settings.verify_by() == VerifyBy::None => {
                self.promote_unasked(origin, posted, &mac, again).await
            }
            Checked::New { again } => self.verify_and_promote(turn, origin, posted, &mac, &standing, again).await,
        }
    }

    async fn standing(&self, trunk: &str) -> Result<Standing, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let settings = Loader::new(&mut state).await?.find(&mut state, trunk).await?.ok_or_else(|| Problem::not_found("trunk", trunk))?;
        let registration = credentials::registration(&mut state, trunk).await?;
        let versions = credentials::versions_with_macs(&mut state, trunk).await?;
        Ok(Standing { settings, registration, versions, held: self.is_held(trunk) })
    }

    async fn keep(&self, origin: &Origin, posted: &Posted, mac: &str, standing: &Standing) -> Result<Settled, Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let accept_unproven = accept_unproven(posted, &standing.settings);
        for mut old in credentials::versions(tx.connection(), &posted.trunk).await? {
            if old.state == VersionState::Standby {
                transition::enter(&mut tx, &mut old, VersionState::Retired, "retire").await?;
            }
        }
        let new = New { trunk: &posted.trunk, asked: &posted.asked, mac, accept_unproven };
        transition::stage(&mut tx, &self.inner.keyring, &new, VersionState::Standby).await?;
        transition::reassign(&mut tx, &posted.trunk).await?;
        tx.commit().await?;
        self.inner.fleet.touch(&posted.trunk);
        Ok(Settled::Kept { first: !standing.has_active() })
    }

    /// Keeps what the policy refused as a rejected version with its diagnosis, so that it can be seen and, once it is allowed, be asked about
    /// as the same version. What is active already stays what it is.
    async fn keep_rejected(
        &self,
        origin: &Origin,
        posted: &Posted,
        mac: &str,
        standing: &Standing,
        diagnosis: &Diagnosis,
    ) -> Result<(), Problem> {
        if standing.is_active(&posted.asked, mac) {
            return Ok(());
        }
        let mut tx = self.inner.store.begin(origin).await?;
        let mut version = match standing.rejected(&posted.asked, mac) {
            Some(again) => again.clone(),
            None => {
                let accept_unproven = accept_unproven(posted, &standing.settings);
                let new = New { trunk: &posted.trunk, asked: &posted.asked, mac, accept_unproven };
                transition::stage(&mut tx, &self.inner.keyring, &new, VersionState::Staged).await?
            }
        };
        transition::reject(&mut tx, &mut version, diagnosis, false, &standing.settings.basis()).await?;
        Ok(tx.commit().await?)
    }

    async fn promote_unasked(&self, origin: &Origin, posted: &Posted, mac: &str, again: Option<Box<Version>>) -> Result<Settled, Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let version = match again {
            Some(version) => *version,
            None => {
                let new = New { trunk: &posted.trunk, asked: &posted.asked, mac, accept_unproven: posted.accept_unproven.unwrap_or(false) };
                transition::stage(&mut tx, &self.inner.keyring, &new, VersionState::Staged).await?
            }
        };
        let promoted = transition::promote(&mut tx, &version, Proof::default(), "promote").await?;
        tx.commit().await?;
        self.inner.fleet.touch(&posted.trunk);
        // Nobody waits for the carrier: whoever wants that asks for a live verification.
        Ok(Settled::Promoted { version: promoted.version, generation: None, first: promoted.first })
    }

    async fn verify_and_promote(
        &self,
        turn: &Turn,
        origin: &Origin,
        posted: &Posted,
        mac: &str,
        standing: &Standing,
        again: Option<Box<Version>>,
    ) -> Result<Settled, Problem> {
        let settings = &standing.settings;
        let edge = self.inner.fleet.serving(&settings.trunk.site).ok_or_else(|| edge_offline(&settings.trunk))?;
        // Before anything is written: who is to come again later finds everything as it was.
        let _place = self.inner.asking.take(&settings.trunk.carrier)?;
        let accept_unproven = accept_unproven(posted, settings);
        let new = New { trunk: &posted.trunk, asked: &posted.asked, mac, accept_unproven };
        self.try_version(turn, origin, &new, settings, &edge, again).await
    }

    /// Stages a version, or takes up the rejected one of the same content, asks the carrier about it, and promotes or rejects it.
    pub(super) async fn try_version(
        &self,
        turn: &Turn,
        origin: &Origin,
        new: &New<'_>,
        settings: &Settings,
        edge: &AttachedEdge,
        again: Option<Box<Version>>,
    ) -> Result<Settled, Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        self.decide_orphans(&mut tx, new.trunk, &settings.basis()).await?;
        let version = match again {
            Some(again) => {
                let mut version = *again;
                version.accept_unproven = new.accept_unproven;
                transition::enter(&mut tx, &mut version, VersionState::Verifying, "verify").await?;
                version
            }
            None => transition::stage(&mut tx, &self.inner.keyring, new, VersionState::Verifying).await?,
        };
        let row = Self::open_verification(&mut tx, origin, &version, edge).await?;
        tx.commit().await?;
        self.ask_and_decide(turn, origin, settings, edge, &row, &version, &new.asked.secrets).await
    }

    /// Writes that a version is about to be tried, before anything is sent.
    pub(super) async fn open_verification(
        tx: &mut Tx,
        origin: &Origin,
        version: &Version,
        edge: &AttachedEdge,
    ) -> Result<Verification, StoreError> {
        let deadline = tx.now() + i64::try_from((PATIENCE + GRACE).as_micros()).unwrap_or(i64::MAX);
        let row = Verification {
            id: id::generate(),
            trunk: version.trunk.clone(),
            version: version.version,
            edge: edge.id().to_owned(),
            client: origin.client.clone(),
            created: tx.now(),
            deadline,
        };
        verifications::insert(tx.connection(), &row).await?;
        Ok(row)
    }

    /// Asks the carrier about a version that is being verified, and writes what comes of it.
    #[allow(clippy::too_many_arguments)]
    pub(super) async fn ask_and_decide(
        &self,
        turn: &Turn,
        origin: &Origin,
        settings: &Settings,
        edge: &AttachedEdge,
        row: &Verification,
        version: &Version,
        secrets: &Secrets,
    ) -> Result<Settled, Problem> {
        turn.tell(Progress::Verifying(version.version));
        // As it was asked for: what an earlier refusal had negotiated binds nobody.
        let fresh = Version { negotiated: None, ..version.clone() };
        let sealed = credential(&fresh, secrets, &edge.key, &version.trunk);
        let question = Question {
            id: row.id.clone(),
            accept_unproven: Some(version.accept_unproven),
            ..Question::new(VerifyMode::Digest, Some(sealed))
        };
        let verdict = verification::ask(&self.inner.fleet, edge, question.order(settings)).await;
        self.decide(origin, row, settings, verdict).await
    }

    /// Writes what a verdict means; tried again while the store is busy, for the carrier's answer cannot be asked for a second time.
    pub(super) async fn decide(
        &self,
        origin: &Origin,
        row: &Verification,
        settings: &Settings,
        verdict: Verdict,
    ) -> Result<Settled, Problem> {
        let mut tries = 0;
        loop {
            match self.write_decision(origin, row, settings, &verdict).await {
                Err(error) if error.passes() && tries < WRITES => {
                    tries += 1;
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(error.into()),
                Ok(settled) => return Ok(settled),
            }
        }
    }

    async fn write_decision(
        &self,
        origin: &Origin,
        row: &Verification,
        settings: &Settings,
        verdict: &Verdict,
    ) -> Result<Settled, StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let open = verifications::close(tx.connection(), &row.id).await?;
        let version = credentials::version(tx.connection(), &row.trunk, row.version).await?;
        let Some(mut version) = version.filter(|version| open && version.state == VersionState::Verifying) else {
            let message = "The credentials were removed while the carrier was asked; nothing was promoted.";
            return Ok(Settled::Refused(Problem::conflict(message).entity(&row.trunk, None)));
        };
        let proof = match &verdict.outcome {
            Outcome::Proved => Proof { negotiated: verdict.negotiated.clone(), authenticated: true },
            Outcome::AcceptedUnproven => Proof::default(),
            Outcome::Refused(diagnosis) => {
                let diagnosis = policy::name_override(diagnosis.as_ref().clone(), &settings.policy(), Some(&row.trunk));
                let sent = diagnosis.evidence.credential_sent == Some(true) || diagnosis.code == Code::Indeterminate;
                transition::reject(&mut tx, &mut version, &diagnosis, sent, &settings.basis()).await?;
                tx.commit().await?;
                return Ok(Settled::Refused(refusal(&settings.trunk, diagnosis)));
            }
            // Nobody asked for that.
            Outcome::Learned => {
                let diagnosis = indeterminate("The edge learned the challenge only, where a digest was asked for.");
                transition::reject(&mut tx, &mut version, &diagnosis, true, &settings.basis()).await?;
                tx.commit().await?;
                return Ok(Settled::Refused(refusal(&settings.trunk, diagnosis)));
            }
        };
        let Promoted { version, generation, first } = transition::promote(&mut tx, &version, proof, "promote").await?;
        tx.commit().await?;
        self.inner.fleet.touch(&row.trunk);
        let registered = settings.trunk.in_service && self.inner.fleet.serving(&settings.trunk.site).is_some();
        Ok(Settled::Promoted { version, generation: registered.then_some(generation), first })
    }

    /// A version that is still being verified though nobody holds the turn lost its task: it is decided before another begins.
    async fn decide_orphans(&self, tx: &mut Tx, trunk: &str, basis: &str) -> Result<(), StoreError> {
        verifications::close_all(tx.connection(), trunk).await?;
        for mut version in credentials::versions(tx.connection(), trunk).await? {
            if version.state == VersionState::Verifying {
                let diagnosis = indeterminate("The verification was interrupted; whether the carrier got a digest is not known.");
                transition::reject(tx, &mut version, &diagnosis, true, basis).await?;
            }
        }
        Ok(())
    }

    /// Best effort: shows what the carrier offers beside a refusal that was decided here.
    async fn with_evidence(&self, settings: &Settings, diagnosis: Diagnosis) -> Diagnosis {
        let Some(edge) = self.inner.fleet.serving(&settings.trunk.site) else { return diagnosis };
        let Ok(_place) = self.inner.asking.take(&settings.trunk.carrier) else { return diagnosis };
        let question = Question { patience: EVIDENCE, ..Question::new(VerifyMode::ChallengeOnly, None) };
        let verdict = self.inner.fleet.verify(&edge, question.order(settings));
        match timeout(EVIDENCE, verdict).await {
            Ok(Ok(verdict)) => verification::attach(diagnosis, verdict.evidence),
            Ok(Err(_)) | Err(_) => diagnosis,
        }
    }
}

fn accept_unproven(posted: &Posted, settings: &Settings) -> bool {
    posted.accept_unproven.unwrap_or_else(|| settings.profile().accept_unproven)
}
