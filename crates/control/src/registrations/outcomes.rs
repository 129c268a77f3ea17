//! What edges report: statuses into memory, verdicts to who waits for them, accepted and refused credentials into the store.

use std::sync::Arc;
use std::time::Duration;

use diagnosis::{Code, Diagnosis};
use link::{FromEdge, Generation, Negotiated, UnixMicros};

use super::Registrations;
use super::fleet::{AttachedEdge, Happening, Loader};
use super::rollback::{AfterRefusal, after_refusal};
use super::transition;
use super::version::{LastOutcome, Version, VersionState};
use crate::audit::Origin;
use crate::events::{Event, What};
use crate::store::{StoreError, Tx, credentials};

/// So long until a report is written again that the store had no time for.
const AGAIN: Duration = Duration::from_millis(200);
/// So often; then it is left to the edge's next report.
const WRITES: u32 = 25;

/// The carrier accepted a version.
struct Accepted {
    trunk: String,
    generation: Generation,
    version: u32,
    authenticated: bool,
    negotiated: Option<Negotiated>,
    at: UnixMicros,
}

/// The carrier refused a version.
struct Refused {
    trunk: String,
    generation: Generation,
    version: u32,
    digest_sent: bool,
    held: bool,
    diagnosis: Diagnosis,
    at: UnixMicros,
}

impl Registrations {
    /// Takes in reports in their order. Acceptances that follow each other are written in one transaction.
    pub(super) async fn take_in(&self, edge: &Arc<AttachedEdge>, reports: impl Iterator<Item = FromEdge>) {
        let mut accepted = Vec::new();
        for report in reports {
            match report {
                FromEdge::Status(statuses) => {
                    let transitions = self.inner.fleet.observed().report(&edge.name(), statuses);
                    self.notice_transitions(edge, transitions);
                }
                FromEdge::Renewed(renewals) => self.inner.fleet.observed().renew(&edge.name(), renewals),
                FromEdge::Progress { verification, step } => self.inner.fleet.progress(&verification, step),
                FromEdge::Verdict(verdict) => self.inner.fleet.deliver(*verdict),
                FromEdge::Attempt(attempt) => {
                    self.notice_attempt(&attempt);
                    let traces = self.inner.fleet.traces();
                    let traced = attempt.trunk.as_deref().is_some_and(|trunk| traces.covers(trunk, attempt.started_at));
                    self.inner.attempts.offer(*attempt, traced);
                }
                FromEdge::Accepted { trunk, generation, version, authenticated, negotiated, at } => {
                    accepted.push(Accepted { trunk, generation, version, authenticated, negotiated, at });
                }
                FromEdge::Refused { trunk, generation, version, digest_sent, held, diagnosis, at } => {
                    self.write_accepted(std::mem::take(&mut accepted)).await;
                    let refused = Refused { trunk, generation, version, digest_sent, held, diagnosis: *diagnosis, at };
                    self.write_refused(refused).await;
                }
                FromEdge::Unregistered { trunk } => {
                    self.write_accepted(std::mem::take(&mut accepted)).await;
                    if self.inner.fleet.observed().forget(edge.id(), &trunk) {
                        self.notice_removed(edge, &trunk);
                    }
                }
                FromEdge::BindingContested { trunk, listed, at } => self.notice_contested(edge, &trunk, listed, at),
                FromEdge::CallUnrouted { source, count, at } => self.notice_unrouted(edge, source, count, at),
            }
        }
        self.write_accepted(accepted).await;
    }

    async fn write_accepted(&self, accepted: Vec<Accepted>) {
        if accepted.is_empty() {
            return;
        }
        for _ in 0..WRITES {
            match self.accept(&accepted).await {
                Ok(touched) => {
                    for trunk in touched {
                        self.inner.fleet.touch(&trunk);
                    }
                    for Accepted { trunk, generation, version, .. } in accepted {
                        self.inner.fleet.observed().happened(&trunk, Happening::Accepted { generation, version });
                    }
                    return;
                }
                Err(error) if error.passes() => tokio::time::sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(%error, "accepted credentials could not be recorded");
                    return;
                }
            }
        }
    }

    /// Returns the trunks whose desired state changed with it: something was pinned, a standby version became active.
    async fn accept(&self, accepted: &[Accepted]) -> Result<Vec<String>, StoreError> {
        let mut touched = Vec::new();
        // Most reports after a start say what is known: those cost no transaction.
        let mut news = Vec::new();
        {
            let mut state = self.inner.store.snapshot().await?;
            for report in accepted {
                if let Some(version) = credentials::version(&mut state, &report.trunk, report.version).await?
                    && is_news(&version, report)
                {
                    news.push(report);
                }
            }
        }
        if news.is_empty() {
            return Ok(touched);
        }
        let mut tx = self.inner.store.begin(&Origin::system("registrations")).await?;
        for report in news {
            let Some(mut version) = credentials::version(tx.connection(), &report.trunk, report.version).await? else { continue };
            let mut heard = transition::accepted(&mut tx, &mut version, report.negotiated.clone(), report.authenticated, report.at).await?;
            if version.state == VersionState::Standby {
                let proof = transition::Proof { negotiated: report.negotiated.clone(), authenticated: report.authenticated };
                transition::promote(&mut tx, &version, proof, "promoteStandby").await?;
                heard = true;
            }
            if heard {
                touched.push(report.trunk.clone());
            }
        }
        tx.commit().await?;
        Ok(touched)
    }

    async fn write_refused(&self, refused: Refused) {
        for _ in 0..WRITES {
            match self.refuse(&refused).await {
                Ok(rolled_back) => {
                    if rolled_back {
                        self.inner.fleet.touch(&refused.trunk);
                    }
                    let Refused { trunk, generation, version, diagnosis, .. } = refused;
                    let diagnosis = Box::new(diagnosis);
                    self.inner.fleet.observed().happened(&trunk, Happening::Refused { generation, version, rolled_back, diagnosis });
                    return;
                }
                Err(error) if error.passes() => tokio::time::sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(trunk = refused.trunk, %error, "refused credentials could not be recorded");
                    return;
                }
            }
        }
    }

    /// Tells whether another version became active by it.
    async fn refuse(&self, refused: &Refused) -> Result<bool, StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("registrations")).await?;
        let versions = credentials::versions(tx.connection(), &refused.trunk).await?;
        let Some(mut version) = versions.iter().find(|version| version.version == refused.version).cloned() else { return Ok(false) };
        let Some(settings) = Loader::new(tx.connection()).await?.find(tx.connection(), &refused.trunk).await? else { return Ok(false) };
        let basis = settings.basis();
        let maintained = settings.carrier.settings.maintenance_until(self.inner.clock.now()).is_some();
        let previous = versions.iter().find(|version| version.state == VersionState::Previous);
        match after_refusal(&version, previous, refused.digest_sent, refused.at) {
            AfterRefusal::Ignore => return Ok(false),
            AfterRefusal::DropStandby => {
                transition::reject(&mut tx, &mut version, &refused.diagnosis, refused.digest_sent, &basis).await?;
                transition::reassign(&mut tx, &refused.trunk).await?;
                tx.commit().await?;
                return Ok(true);
            }
            AfterRefusal::RollBack { to } => {
                let Some(to) = versions.iter().find(|version| version.version == to) else { return Ok(false) };
                transition::roll_back(&mut tx, &mut version, to, &refused.diagnosis, &basis).await?;
                tx.commit().await?;
                return Ok(true);
            }
            AfterRefusal::Stay { both_rejected } => {
                let both_rejected = both_rejected || rolled_back_to(&version, &versions);
                stay(&mut tx, &mut version, refused, both_rejected, maintained).await?;
            }
        }
        tx.commit().await?;
        Ok(false)
    }
}

fn is_news(version: &Version, report: &Accepted) -> bool {
    version.accepted_at.is_none()
        || version.state == VersionState::Standby
        || version.last_outcome != Some(LastOutcome::Accepted)
        || version.authenticated != report.authenticated
        || (report.negotiated.is_some() && version.negotiated != report.negotiated)
}

/// The version was promoted in the very transaction that rejected another: both are refused now.
fn rolled_back_to(version: &Version, versions: &[Version]) -> bool {
    let rejected = |other: &Version| other.state == VersionState::Rejected && other.digest_sent;
    versions.iter().any(|other| rejected(other) && Some(other.changed_at) == version.promoted_at)
}

/// The version stays active and keeps why it was refused. Nothing is audited: nobody's desire has changed.
async fn stay(tx: &mut Tx, version: &mut Version, refused: &Refused, both_rejected: bool, maintained: bool) -> Result<(), StoreError> {
    let mut diagnosis = refused.diagnosis.clone();
    if both_rejected && refused.held {
        diagnosis = Diagnosis { evidence: diagnosis.evidence, ..Diagnosis::new(Code::BothRejected) };
    }
    version.diagnosis = Some(diagnosis);
    // In the carrier's maintenance nobody is woken: the hold is let go at its end, and told of if it comes again.
    if refused.held && !maintained {
        let code = version.diagnosis.as_ref().map_or(refused.diagnosis.code, |diagnosis| diagnosis.code);
        let remedy = code.remedy().to_owned();
        tx.event(Event::of_trunk(&version.trunk, What::Held { version: version.version, code, remedy }));
    }
    if refused.digest_sent {
        version.digest_sent = true;
        version.last_outcome = Some(LastOutcome::Refused);
    }
    credentials::update(tx.connection(), version).await
}
