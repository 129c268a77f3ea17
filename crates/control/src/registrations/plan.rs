//! Planned changes: credentials that are verified and promoted when they are due, and what follows a carrier's maintenance.

use std::collections::HashSet;
use std::time::Duration;

use diagnosis::Diagnosis;
use link::{Action, RegistrationState, UnixMicros};
use tokio::task::JoinSet;

use super::Registrations;
use super::activate::{Activated, digest_sent};
use super::check::Standing;
use super::fleet::Among;
use super::form::{Mode, Posted};
use super::running::Settled;
use super::transition::{self, New};
use super::version::VersionState;
use crate::audit::Origin;
use crate::problem::Problem;
use crate::store::planned::{self, Planned};
use crate::store::{StoreError, carriers, credentials};

/// So many planned versions are verified at the same time.
const AT_ONCE: usize = 16;
/// So long until one is tried again that nobody could be asked about: 1 minute, in microseconds.
const AGAIN_MICROS: i64 = 60_000_000;
/// So long after its time it is tried again: 1 hour, in microseconds. Carriers are late.
const PERSIST_MICROS: i64 = 3_600_000_000;
/// A maintenance that was over for so long is looked at no more: 1 day, in microseconds.
const BACK_MICROS: i64 = 24 * PERSIST_MICROS;
/// So long until the store is asked again after it was busy.
const BUSY: Duration = Duration::from_millis(500);

impl Registrations {
    /// Stages credentials for later. A newer plan takes the place of the one before.
    pub(super) async fn plan(
        &self,
        origin: &Origin,
        posted: &Posted,
        mac: &str,
        standing: &Standing,
        at: UnixMicros,
    ) -> Result<Settled, Problem> {
        let trunk = &posted.trunk;
        let live = posted.mode == Mode::Live;
        let mut tx = self.inner.store.begin(origin).await?;
        let before = planned::of(tx.connection(), &[trunk]).await?.remove(trunk);
        if let Some(before) = &before {
            let same = standing.staged(&posted.asked, mac).is_some_and(|version| version.version == before.version);
            if same && before.at == at && before.live == live {
                return Ok(Settled::Unchanged);
            }
            let old = credentials::version(tx.connection(), trunk, before.version).await?;
            if let Some(mut old) = old.filter(|old| old.state == VersionState::Staged) {
                transition::enter(&mut tx, &mut old, VersionState::Retired, "retire").await?;
                credentials::tidy(tx.connection(), trunk).await?;
            }
        }
        let accept_unproven = posted.accept_unproven.unwrap_or_else(|| standing.settings.profile().accept_unproven);
        let new = New { trunk, asked: &posted.asked, mac, accept_unproven };
        let version = transition::stage(&mut tx, &self.inner.keyring, &new, VersionState::Staged).await?;
        let plan = Planned { trunk: trunk.clone(), version: version.version, at, due: at, live, client: origin.client.clone() };
        planned::save(tx.connection(), &plan).await?;
        tx.commit().await?;
        self.inner.plans.notify_one();
        Ok(Settled::Kept { first: !standing.has_active() })
    }

    /// Tries what is due, and lets go of holds that a carrier's maintenance has caused, until the end.
    pub(super) async fn keep_plans(self) {
        let mut ending = self.inner.ending.subscribe();
        let mut at_work: HashSet<String> = HashSet::new();
        let mut tasks = JoinSet::new();
        loop {
            let now = self.inner.clock.now();
            let due = match self.first_plans().await {
                Ok(plans) => plans,
                Err(error) => {
                    tracing::warn!(%error, "the store did not answer; planned changes wait");
                    tokio::time::sleep(BUSY).await;
                    continue;
                }
            };
            let mut wake = due.iter().find(|plan| plan.due > now).map(|plan| plan.due);
            for plan in due.into_iter().filter(|plan| plan.due <= now) {
                if at_work.len() < AT_ONCE && at_work.insert(plan.trunk.clone()) {
                    let this = self.clone();
                    tasks.spawn(async move {
                        let trunk = plan.trunk.clone();
                        this.try_plan(plan).await;
                        trunk
                    });
                }
            }
            match self.after_maintenance(now).await {
                Ok(again) => wake = wake.into_iter().chain(again).min(),
                Err(error) => {
                    tracing::warn!(%error, "the end of a carrier's maintenance could not be looked for");
                    wake = wake.into_iter().chain([now + AGAIN_MICROS]).min();
                }
            }
            let sleep = async {
                match wake {
                    Some(at) => self.inner.clock.until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = ending.wait_for(|ending| *ending) => return,
                () = self.inner.plans.notified() => {}
                () = sleep => {}
                Some(done) = tasks.join_next(), if !tasks.is_empty() => {
                    if let Ok(trunk) = done {
                        at_work.remove(&trunk);
                    }
                }
            }
        }
    }

    async fn first_plans(&self) -> Result<Vec<Planned>, StoreError> {
        // Those at work are among the first, and one more tells when to look again.
        planned::first(&mut *self.inner.store.read().await?, 2 * AT_ONCE + 1).await
    }

    async fn try_plan(&self, plan: Planned) {
        let origin = Origin { client: plan.client.clone(), ..Origin::system("registrations") };
        let outcome = self.activate(&origin, &plan.trunk, plan.version, plan.live).await;
        let again = match &outcome {
            Ok(Activated::NotNow(_)) | Err(_) => true,
            // What says nothing about the secret is asked again as the same version.
            Ok(Activated::Refused(diagnosis)) => !digest_sent(diagnosis) && diagnosis.code.retryable(),
            Ok(Activated::Promoted | Activated::Over) => false,
        };
        if let Err(problem) = &outcome {
            tracing::warn!(trunk = plan.trunk, version = plan.version, %problem, "a planned change could not be tried");
        }
        let written = self.settle_plan(&origin, &plan, again, outcome).await;
        if let Err(error) = written {
            tracing::error!(trunk = plan.trunk, version = plan.version, %error, "the outcome of a planned change could not be written");
            // Not at once again: the store has just refused.
            tokio::time::sleep(BUSY).await;
        }
    }

    async fn settle_plan(
        &self,
        origin: &Origin,
        plan: &Planned,
        again: bool,
        outcome: Result<Activated, Problem>,
    ) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        // It may have been given up, or replaced, since its turn ended.
        if planned::of(tx.connection(), &[&plan.trunk]).await?.get(&plan.trunk).is_none_or(|now| now.version != plan.version) {
            return Ok(());
        }
        let now = self.inner.clock.now();
        let maintained = match super::fleet::Loader::new(tx.connection()).await?.find(tx.connection(), &plan.trunk).await? {
            Some(settings) => settings.carrier.settings.maintenance_until(now),
            None => None,
        };
        let until = (plan.at + PERSIST_MICROS).max(maintained.unwrap_or(0) + AGAIN_MICROS);
        // What fails here, not there, is no verdict: it is tried for as long as it takes.
        if again && (now < until || outcome.is_err()) {
            planned::save(tx.connection(), &Planned { due: now + AGAIN_MICROS, ..plan.clone() }).await?;
            return tx.commit().await;
        }
        planned::remove(tx.connection(), &plan.trunk, plan.version).await?;
        let version = credentials::version(tx.connection(), &plan.trunk, plan.version).await?;
        if let Some(mut version) = version.filter(|version| version.state == VersionState::Staged) {
            let told = outcome.ok().and_then(|outcome| match outcome {
                Activated::NotNow(problem) => problem.diagnosis().cloned(),
                Activated::Promoted | Activated::Refused(_) | Activated::Over => None,
            });
            let diagnosis = told.unwrap_or_else(|| Diagnosis::new(diagnosis::Code::EdgeOffline));
            transition::reject(&mut tx, &mut version, &diagnosis, false, "").await?;
        }
        tx.commit().await
    }

    /// Holds that began in a maintenance that is over say nothing: a carrier at work refuses what it takes a minute later. Returns when to
    /// look again. What was over before, for less than a day, is looked at again each time: an edge may have been away, or the store busy,
    /// or the server stopped. A trunk that was let go and is held again is held since after the window, so it stays held.
    async fn after_maintenance(&self, now: UnixMicros) -> Result<Option<UnixMicros>, StoreError> {
        let carriers = carriers::maintained(&mut *self.inner.store.read().await?).await?;
        let mut next: Option<UnixMicros> = None;
        for carrier in carriers {
            for window in carrier.settings.maintenance.iter().flatten() {
                next = next.into_iter().chain(window.next_end(now)).chain([now + AGAIN_MICROS]).min();
                if let Some((from, to)) = window.ended_between(now - BACK_MICROS, now) {
                    self.release_holds(&carrier.meta.id, from, to).await?;
                }
            }
        }
        Ok(next)
    }

    async fn release_holds(&self, carrier: &str, from: UnixMicros, to: UnixMicros) -> Result<(), StoreError> {
        let observed = self.inner.fleet.observed();
        let held = observed.matching(usize::MAX - 1, Among::All, |seen| {
            seen.iter().any(|seen| seen.status.state == RegistrationState::AuthHeld && (from..=to).contains(&seen.status.since))
        });
        for trunk in held.unwrap_or_default() {
            let mut tx = self.inner.store.begin(&Origin::system("maintenance")).await?;
            let found = crate::store::trunks::find(tx.connection(), &trunk).await?;
            let Some(found) = found.filter(|found| found.carrier == carrier) else { continue };
            // Looked at again in a minute.
            let Some(edge) = self.inner.fleet.serving(&found.site) else { continue };
            tx.audit(crate::audit::AuditEntry::new("releaseHold", "registration", &trunk));
            tx.commit().await?;
            self.inner.fleet.act(&edge, &trunk, Action::ReleaseHold);
        }
        Ok(())
    }
}
