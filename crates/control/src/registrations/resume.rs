//! What a stop has left open: verifications without a verdict, bulk jobs that were under way, traces that go on.

use std::time::Duration;

use tokio::time::timeout;

use super::Registrations;
use super::fleet::Loader;
use super::running::{Entry, Identity, Progress, Settled, Turn};
use super::verification::no_verdict;
use crate::audit::Origin;
use crate::problem::Problem;
use crate::store::verifications::Verification;
use crate::store::{StoreError, credentials, jobs, now, traces, verifications};

impl Registrations {
    /// Takes up every open verification. Its edge may still answer until the deadline; it is not asked again, for that could cost a second
    /// digest. Past the deadline the outcome is indeterminate and counts as a failed digest.
    pub(super) async fn resume(&self) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("registrations")).await?;
        let message = "The server was stopped while the job ran. The lines with a result are done; send the others again.";
        jobs::interrupt_running(tx.connection(), message, now()).await?;
        for (trunk, until) in traces::running(tx.connection(), now()).await? {
            self.inner.fleet.traces().begin(&trunk, until, now());
        }
        let open = verifications::open(tx.connection()).await?;
        let mut identified = Vec::with_capacity(open.len());
        for row in open {
            let versions = credentials::versions_with_macs(tx.connection(), &row.trunk).await?;
            if let Some((version, mac)) = versions.into_iter().find(|(version, _)| version.version == row.version) {
                let identity = Identity {
                    username: version.username,
                    realm: version.realm,
                    algorithm: version.algorithm,
                    mac,
                    standby: false,
                    at: None,
                };
                identified.push((row, identity));
            }
        }
        tx.commit().await?;
        for (row, identity) in identified {
            // Nothing else runs yet, so every turn is free.
            if let Entry::Mine(turn) = self.inner.running.enter(&row.trunk, identity) {
                turn.tell(Progress::Verifying(row.version));
                let this = self.clone();
                let verdict = self.inner.fleet.expect(&row.id, &row.edge);
                tokio::spawn(async move {
                    let left = Duration::from_micros(u64::try_from(row.deadline - now()).unwrap_or(0));
                    let verdict = match timeout(left, verdict).await {
                        Ok(Ok(verdict)) => verdict,
                        Ok(Err(_)) | Err(_) => {
                            let summary =
                                "The server was stopped while the carrier was asked; whether the carrier got a digest is not known.";
                            no_verdict(row.id.clone(), &row.edge, summary)
                        }
                    };
                    this.take_up(&turn, &row, verdict).await;
                });
            }
        }
        Ok(())
    }

    async fn take_up(&self, turn: &Turn, row: &Verification, verdict: link::Verdict) {
        let origin = Origin { client: row.client.clone(), ..Origin::system("registrations") };
        let settled = match self.settings(&row.trunk).await {
            Ok(settings) => self.decide(&origin, row, &settings, verdict).await,
            Err(problem) => Err(problem),
        };
        if let Err(problem) = &settled {
            tracing::error!(trunk = row.trunk, version = row.version, %problem, "an open verification could not be decided");
        }
        turn.tell(Progress::Settled(settled.unwrap_or_else(Settled::Refused)));
    }

    /// Reads what stands above a trunk's credentials.
    ///
    /// # Errors
    /// 404 where there is no such trunk.
    pub(super) async fn settings(&self, trunk: &str) -> Result<super::assignment::Settings, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let found = Loader::new(&mut state).await?.find(&mut state, trunk).await?;
        found.ok_or_else(|| Problem::not_found("trunk", trunk))
    }
}
