//! The task of a rotation: asks about one trunk after the other, at its pace, and keeps the results.

use std::collections::VecDeque;
use std::time::Duration;

use axum::http::StatusCode;
use diagnosis::{Code, Diagnosis};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::rollout::{Next, Rollout, Why};
use super::{ItemState, RotationState};
use crate::audit::Origin;
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::registrations::activate::{Activated, digest_sent};
use crate::registrations::bulk::result_line;
use crate::registrations::refusal::refusal;
use crate::registrations::version::VersionState;
use crate::store::rotations::{self, Item, Rotation};
use crate::store::{StoreError, credentials};

/// So many carriers' answers are awaited at a time.
const AT_ONCE: usize = 16;
/// So long until the store, or an edge that is away, is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// So often is an edge that is away tried: after a start it takes a moment to attach.
const TRIES: u32 = 60;

/// A trunk that was asked about.
struct Asked {
    item: Item,
    /// `None` where nobody could be asked; the item waits on.
    settled: Option<ItemState>,
}

/// What happens next.
enum Step {
    Turn,
    Heard(Option<Asked>),
    Ending,
}

impl Registrations {
    /// Goes on with what ran when the server was stopped.
    pub(in crate::registrations) async fn resume_rotations(&self) -> Result<(), StoreError> {
        let mut reader = self.inner.store.read().await?;
        let running = rotations::in_state(&mut reader, RotationState::Running).await?;
        let loading = rotations::in_state(&mut reader, RotationState::Loading).await?;
        let half_cancelled = rotations::half_cancelled(&mut reader).await?;
        drop(reader);
        for rotation in running {
            self.run_rotation(&rotation.id);
        }
        for rotation in loading {
            let origin = Origin { client: rotation.client.clone(), ..Origin::system("rotation") };
            let message = "The server was stopped before all lines were there; nothing was asked. Send them again.";
            self.give_up(origin, rotation.id, message.to_owned());
        }
        for rotation in half_cancelled {
            let origin = Origin { client: rotation.client.clone(), ..Origin::system("rotation") };
            self.retire_later(origin, rotation.id, 0);
        }
        Ok(())
    }

    /// Gives a rotation its task, unless it has one.
    pub(super) fn run_rotation(&self, id: &str) {
        if !self.inner.rotations.enter(id) {
            return;
        }
        let (this, id) = (self.clone(), id.to_owned());
        tokio::spawn(async move {
            loop {
                let ended = this.rotate(&id).await;
                if let Err(error) = &ended {
                    tracing::warn!(rotation = id, %error, "the store did not answer; the rotation waits");
                    tokio::time::sleep(AGAIN).await;
                    if !*this.inner.ending.borrow() {
                        continue;
                    }
                }
                this.inner.rotations.leave(&id);
                // It may have been resumed while its last answers came in.
                let runs = this.rotation_runs(&id).await && !*this.inner.ending.borrow();
                if !runs || !this.inner.rotations.enter(&id) {
                    return;
                }
            }
        });
    }

    async fn rotation_runs(&self, id: &str) -> bool {
        let Ok(mut reader) = self.inner.store.read().await else { return false };
        matches!(rotations::find(&mut reader, id).await, Ok(Some(rotation)) if rotation.state == RotationState::Running)
    }

    /// Runs until it is done, stopped or paused.
    async fn rotate(&self, id: &str) -> Result<(), StoreError> {
        let mut reader = self.inner.store.read().await?;
        let Some(rotation) = rotations::find(&mut reader, id).await? else { return Ok(()) };
        let mut waiting: VecDeque<Item> = rotations::waiting(&mut reader, id).await?.into();
        let (results, mut sequence) = rotations::results(&mut reader, id, rotation.counted).await?;
        drop(reader);
        let origin = Origin { client: rotation.client.clone(), ..Origin::system("rotation") };
        let mut rollout = Rollout::new(waiting.len() + results.len(), rotation.failure_share, &results);
        let mut tick = interval(Duration::from_secs(1) / rotation.per_second);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ending = self.inner.ending.subscribe();
        let mut asking: JoinSet<Asked> = JoinSet::new();
        let mut stuck = false;
        loop {
            let goes_on = !stuck && self.rotation_runs(id).await && !*ending.borrow();
            let next = rollout.next();
            if goes_on && next == Next::Ask && asking.len() < AT_ONCE && !waiting.is_empty() {
                let step = tokio::select! {
                    _ = tick.tick() => Step::Turn,
                    Some(asked) = asking.join_next(), if !asking.is_empty() => Step::Heard(asked.ok()),
                    _ = ending.wait_for(|ending| *ending) => Step::Ending,
                };
                match step {
                    Step::Turn => {
                        if let Some(item) = waiting.pop_front() {
                            rollout.asked();
                            let (this, origin) = (self.clone(), origin.clone());
                            asking.spawn(async move { this.ask_item(&origin, item).await });
                        }
                    }
                    Step::Heard(asked) => stuck |= self.keep_asked(id, &mut rollout, &mut sequence, asked).await?,
                    Step::Ending => {}
                }
                continue;
            }
            // What was asked is heard out in any case.
            if let Some(asked) = asking.join_next().await {
                stuck |= self.keep_asked(id, &mut rollout, &mut sequence, asked.ok()).await?;
                continue;
            }
            return match next {
                _ if !goes_on && !stuck => Ok(()),
                Next::Done => self.end_rotation(&origin, rotation, RotationState::Completed, None).await,
                Next::Stop(why) => self.end_rotation(&origin, rotation, RotationState::Stopped, Some(words(&why))).await,
                Next::Ask | Next::Wait => {
                    let message = "Nobody could be asked for a minute: no edge of a trunk's site is online. Resume it when one is.";
                    self.end_rotation(&origin, rotation, RotationState::Stopped, Some(message.to_owned())).await
                }
            };
        }
    }

    /// Keeps the result of a trunk; tells whether nobody could be asked.
    async fn keep_asked(&self, id: &str, rollout: &mut Rollout, sequence: &mut i64, asked: Option<Asked>) -> Result<bool, StoreError> {
        let Some(Asked { item, settled: Some(state) }) = asked else { return Ok(true) };
        *sequence += 1;
        // To give up here would drop what else is being asked; a stop is made up for at the next start.
        while let Err(error) = self.write_result(id, &item, *sequence).await {
            tracing::warn!(rotation = id, %error, "a result could not be written; it waits");
            if *self.inner.ending.borrow() {
                return Err(error);
            }
            tokio::time::sleep(AGAIN).await;
        }
        rollout.result(state);
        Ok(false)
    }

    async fn write_result(&self, id: &str, item: &Item, sequence: i64) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("rotation")).await?;
        rotations::settle(tx.connection(), id, item, Some(sequence)).await?;
        tx.commit().await
    }

    async fn end_rotation(
        &self,
        origin: &Origin,
        rotation: Rotation,
        state: RotationState,
        message: Option<String>,
    ) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let Some(now) = rotations::find(tx.connection(), &rotation.id).await? else { return Ok(()) };
        if now.state == RotationState::Running {
            let ended = Rotation { state, message, modified: tx.now(), ..now };
            rotations::update(tx.connection(), &ended).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Asks about one trunk, and writes the result line.
    async fn ask_item(&self, origin: &Origin, mut item: Item) -> Asked {
        let version = item.version.unwrap_or_default();
        for _ in 0..TRIES {
            let outcome = self.activate(origin, &item.trunk, version, true).await;
            let settled = match outcome {
                Ok(Activated::Promoted) => Ok(ItemState::Promoted),
                Ok(Activated::Refused(diagnosis)) => {
                    let sent = digest_sent(&diagnosis);
                    Err((self.judged(&item.trunk, &diagnosis, sent).await, *diagnosis))
                }
                // The trunk is gone.
                Err(problem) if problem.status() == StatusCode::NOT_FOUND => Ok(ItemState::Superseded),
                Ok(Activated::Over) => match self.found_over(&item.trunk, version).await {
                    Ok(settled) => settled,
                    Err(_) => {
                        tokio::time::sleep(AGAIN).await;
                        continue;
                    }
                },
                Ok(Activated::NotNow(_)) | Err(_) => {
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            let line = item.line.unsigned_abs();
            let state = match settled {
                Ok(state @ ItemState::Promoted) => {
                    item.body = Some(result_line(line, Some(&item.trunk), Ok(200)));
                    state
                }
                Ok(state) => {
                    let problem = Problem::conflict("The version was given up before its turn; nothing was asked.");
                    item.body = Some(result_line(line, Some(&item.trunk), Err(&problem.entity(&item.trunk, None))));
                    state
                }
                Err((state, diagnosis)) => {
                    let problem = match self.settings(&item.trunk).await {
                        Ok(settings) => refusal(&settings.trunk, diagnosis),
                        Err(problem) => problem,
                    };
                    item.body = Some(result_line(line, Some(&item.trunk), Err(&problem)));
                    state
                }
            };
            item.state = state;
            return Asked { item, settled: Some(state) };
        }
        Asked { item, settled: None }
    }

    /// Tells a rejection from a failure, and both from what says nothing.
    async fn judged(&self, trunk: &str, diagnosis: &Diagnosis, digest_sent: bool) -> ItemState {
        if diagnosis.code == Code::Indeterminate {
            return ItemState::Unknown;
        }
        if digest_sent {
            return ItemState::Rejected;
        }
        let maintained = match self.settings(trunk).await {
            Ok(settings) => settings.carrier.settings.maintenance_until(self.inner.clock.now()).is_some(),
            Err(_) => false,
        };
        if maintained && diagnosis.code.retryable() { ItemState::Excused } else { ItemState::Failed }
    }

    /// Finds out what came of a version whose turn is over: the server was stopped between its verdict and its result.
    async fn found_over(&self, trunk: &str, version: u32) -> Result<Result<ItemState, (ItemState, Diagnosis)>, StoreError> {
        let found = credentials::version(&mut *self.inner.store.read().await?, trunk, version).await?;
        let Some(found) = found else { return Ok(Ok(ItemState::Superseded)) };
        Ok(match (found.state, found.diagnosis) {
            (VersionState::Active | VersionState::Previous, _) => Ok(ItemState::Promoted),
            (VersionState::Rejected, Some(diagnosis)) => Err((self.judged(trunk, &diagnosis, found.digest_sent).await, diagnosis)),
            (VersionState::Retired, _) if found.promoted_at.is_some() => Ok(ItemState::Promoted),
            (
                VersionState::Rejected | VersionState::Retired | VersionState::Staged | VersionState::Verifying | VersionState::Standby,
                _,
            ) => Ok(ItemState::Superseded),
        })
    }
}

fn words(why: &Why) -> String {
    match why {
        Why::Canary => "The first trunk failed, so no other was asked about. Its result says why.".to_owned(),
        Why::Rejections => "Three rejections running: the new credentials are not what the carrier has. Nothing else was asked.".to_owned(),
        Why::Share { failures, results } => format!("{failures} of {results} failed, more than maxFailureShare allows."),
    }
}
