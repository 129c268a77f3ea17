//! Taking in a rotation: every line is judged and its secret staged before anybody is asked.

use std::collections::HashSet;
use std::time::Duration;

use link::Secret;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::{ItemState, Pace, RotationState, path};
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{Place, id};
use crate::encoding::hex;
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::registrations::bulk::{Line, Order, result_line};
use crate::registrations::check::{Checked, Standing, allowed};
use crate::registrations::fleet::Loader;
use crate::registrations::post::EDIT;
use crate::registrations::refusal::refusal;
use crate::registrations::transition::{self, New};
use crate::registrations::version::VersionState;
use crate::store::rotations::{self, Item, Rotation};
use crate::store::{StoreError, Tx, credentials};

/// So many lines are staged in one transaction at most.
const BATCH: usize = 250;
/// So long until the store is tried again.
const AGAIN: Duration = Duration::from_secs(1);

impl Registrations {
    /// Begins a rotation, or finds the one that the caller began under the same key.
    ///
    /// # Errors
    /// 400 where that one has another pace, 409 while its lines are being read.
    pub(in crate::registrations) async fn begin_rotation(
        &self,
        origin: &Origin,
        key: Option<String>,
        pace: Pace,
    ) -> Result<(Rotation, bool), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        if let Some(key) = &key
            && let Some(found) = rotations::find_by_key(tx.connection(), &origin.client, key).await?
        {
            if (found.per_second, found.failure_share) != (pace.per_second, pace.failure_share) {
                return Err(another());
            }
            if found.state == RotationState::Loading {
                let message = "The lines of the rotation under this Idempotency-Key are being read; send them again in a moment.";
                return Err(Problem::conflict(message).entity(&found.id, None));
            }
            return Ok((found, false));
        }
        let rotation = Rotation {
            id: id::generate(),
            client: origin.client.clone(),
            key,
            state: RotationState::Loading,
            created: tx.now(),
            modified: tx.now(),
            per_second: pace.per_second,
            failure_share: pace.failure_share,
            counted: 0,
            message: None,
            request: None,
        };
        rotations::insert(tx.connection(), &rotation).await?;
        tx.audit(AuditEntry::new("create", "rotation", &rotation.id));
        tx.commit().await?;
        Ok((rotation, true))
    }

    /// Reads the lines that came under the key of a rotation, and refuses others than its own.
    ///
    /// # Errors
    /// 400 where they are others.
    pub(in crate::registrations) async fn compare_rotation(
        &self,
        rotation: &Rotation,
        mut lines: mpsc::Receiver<Result<Line, Problem>>,
    ) -> Result<(), Problem> {
        let mut digest = Sha256::new();
        while let Some(line) = lines.recv().await {
            take_in(&mut digest, &line?);
        }
        // What was begun before there was such a MAC is not held against anything.
        match &rotation.request {
            Some(request) if *request != self.lines_mac(digest) => Err(another()),
            Some(_) | None => Ok(()),
        }
    }

    /// Stages all lines, then lets the rotation begin. What ends early, or cannot be written, begins nothing.
    ///
    /// # Errors
    /// The reason why it was given up.
    pub(in crate::registrations) async fn load_rotation(
        &self,
        caller: &Caller,
        rotation: Rotation,
        lines: mpsc::Receiver<Result<Line, Problem>>,
    ) -> Result<Rotation, Problem> {
        let id = rotation.id.clone();
        let loaded = self.stage_all(caller, rotation, lines).await;
        if let Err(problem) = &loaded {
            self.give_up(caller.origin(), id, problem.to_string());
        }
        loaded
    }

    async fn stage_all(
        &self,
        caller: &Caller,
        rotation: Rotation,
        mut lines: mpsc::Receiver<Result<Line, Problem>>,
    ) -> Result<Rotation, Problem> {
        let origin = &caller.origin();
        let mut trunks = HashSet::new();
        let mut digest = Sha256::new();
        loop {
            let mut taken = Vec::new();
            lines.recv_many(&mut taken, BATCH).await;
            if taken.is_empty() {
                break;
            }
            let mut tx = self.inner.store.begin(origin).await?;
            loading(&mut tx, &rotation.id).await?;
            let mut loader = Loader::new(tx.connection()).await?;
            for line in taken {
                let line = line?;
                take_in(&mut digest, &line);
                self.stage_line(&mut tx, &mut loader, caller, &rotation, line, &mut trunks).await?;
            }
            tx.commit().await?;
        }
        let mut tx = self.inner.store.begin(origin).await?;
        let mut rotation = loading(&mut tx, &rotation.id).await?;
        rotation.state = RotationState::Running;
        rotation.modified = tx.now();
        rotation.request = rotation.key.is_some().then(|| self.lines_mac(digest));
        rotations::update(tx.connection(), &rotation).await?;
        tx.commit().await?;
        self.run_rotation(&rotation.id);
        Ok(rotation)
    }

    /// Tells the lines of one rotation from those of another without keeping them.
    fn lines_mac(&self, digest: Sha256) -> String {
        self.mac("rotation", &Secret::Password(SecretString::from(hex(&digest.finalize()))))
    }

    async fn stage_line(
        &self,
        tx: &mut Tx,
        loader: &mut Loader,
        caller: &Caller,
        rotation: &Rotation,
        line: Line,
        trunks: &mut HashSet<String>,
    ) -> Result<(), StoreError> {
        let (trunk, staged) = match line.text {
            Err(problem) => (None, Err(problem)),
            Ok(text) => match Order::read(&text) {
                Err((trunk, problem)) => (trunk, Err(problem)),
                Ok(order) if order.fields.is_some() || order.asked.is_none() => {
                    let message = "A line of a rotation is {\"trunkId\": ..., \"credentials\": {...}}, about a trunk that is there.";
                    (Some(order.trunk), Err(Problem::invalid("trunk", message)))
                }
                Ok(order) if !trunks.insert(order.trunk.clone()) => {
                    let problem = Problem::conflict("An earlier line of this rotation is about the same trunk.");
                    (Some(order.trunk.clone()), Err(problem.entity(&order.trunk, None)))
                }
                Ok(order) => {
                    let part = tx.begin_part().await?;
                    let staged = self.stage_order(tx, loader, caller, &order).await;
                    match &staged {
                        Ok(_) => tx.keep_part(part).await?,
                        Err(_) => tx.undo_part(part).await?,
                    }
                    (Some(order.trunk), staged)
                }
            },
        };
        let (state, version, body) = match staged {
            Ok(Some(version)) => (ItemState::Waiting, Some(version), None),
            Ok(None) => (ItemState::Unchanged, None, Some(result_line(line.number, trunk.as_deref(), Ok(200)))),
            Err(problem) => (ItemState::Refused, None, Some(result_line(line.number, trunk.as_deref(), Err(&problem)))),
        };
        let line = i64::try_from(line.number).unwrap_or(i64::MAX);
        rotations::insert_item(tx.connection(), &rotation.id, &Item { line, trunk: trunk.unwrap_or_default(), version, state, body }).await
    }

    /// Returns the staged version; `None` where these credentials are the active ones.
    async fn stage_order(&self, tx: &mut Tx, loader: &mut Loader, caller: &Caller, order: &Order) -> Result<Option<u32>, Problem> {
        let Some(asked) = &order.asked else { return Ok(None) };
        let settings = loader.find(tx.connection(), &order.trunk).await?;
        let settings = settings.ok_or_else(|| Problem::not_found("trunk", &order.trunk))?;
        caller.require_on(tx.connection(), &[EDIT], &Place::trunk(&settings.trunk)).await?;
        allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
        let registration = credentials::registration(tx.connection(), &order.trunk).await?;
        let versions = credentials::versions_with_macs(tx.connection(), &order.trunk).await?;
        let standing = Standing { settings, registration, versions, held: self.is_held(&order.trunk) };
        let mac = self.mac_of(asked);
        match standing.check(asked, &mac, tx.now())? {
            Checked::Unchanged => Ok(None),
            Checked::New { .. } => {
                let accept_unproven = order.accept_unproven.unwrap_or_else(|| standing.settings.profile().accept_unproven);
                let new = New { trunk: &order.trunk, asked, mac: &mac, accept_unproven };
                Ok(Some(transition::stage(tx, &self.inner.keyring, &new, VersionState::Staged).await?.version))
            }
        }
    }

    /// Cancels a rotation, and retires the first of what waits in it; tells where to go on, if there is more.
    async fn cancel(&self, origin: &Origin, id: &str, message: &str) -> Result<Option<i64>, StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let Some(mut rotation) = rotations::find(tx.connection(), id).await? else { return Ok(None) };
        if rotation.state == RotationState::Loading {
            // It never began: the same lines under the same key are a new one.
            rotation.key = None;
        }
        rotation.state = RotationState::Cancelled;
        rotation.modified = tx.now();
        rotation.message = Some(message.to_owned());
        rotations::update(tx.connection(), &rotation).await?;
        tx.audit(AuditEntry::new("cancel", "rotation", id));
        let more = retire(&mut tx, id, 0).await?;
        tx.commit().await?;
        Ok(more)
    }

    /// Retires what waits behind a line of a rotation that is cancelled.
    async fn retire_rest(&self, origin: &Origin, id: &str, mut after: Option<i64>) -> Result<(), StoreError> {
        while let Some(line) = after {
            let mut tx = self.inner.store.begin(origin).await?;
            after = retire(&mut tx, id, line).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Cancels a rotation in a task of its own, which tries until it is done or the server stops; then the next start does it.
    pub(super) fn give_up(&self, origin: Origin, id: String, message: String) {
        let this = self.clone();
        tokio::spawn(async move {
            loop {
                match this.cancel(&origin, &id, &message).await {
                    Ok(more) => return this.retire_in_time(&origin, &id, more).await,
                    Err(error) => this.wait_for_the_store(&id, &error).await,
                }
                if *this.inner.ending.borrow() {
                    return;
                }
            }
        });
    }

    /// Retires what waits in a rotation that was cancelled, in a task of its own.
    pub(super) fn retire_later(&self, origin: Origin, id: String, after: i64) {
        let this = self.clone();
        tokio::spawn(async move { this.retire_in_time(&origin, &id, Some(after)).await });
    }

    async fn retire_in_time(&self, origin: &Origin, id: &str, after: Option<i64>) {
        while let Err(error) = self.retire_rest(origin, id, after).await {
            self.wait_for_the_store(id, &error).await;
            if *self.inner.ending.borrow() {
                return;
            }
        }
    }

    async fn wait_for_the_store(&self, id: &str, error: &StoreError) {
        tracing::warn!(rotation = id, %error, "what waits in a cancelled rotation could not be retired yet");
        let mut ending = self.inner.ending.subscribe();
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            _ = ending.wait_for(|ending| *ending) => {}
        }
    }

    /// Pauses, resumes or cancels a rotation; of this client where one is given.
    pub(super) async fn steer(&self, origin: &Origin, owner: Option<&str>, id: &str, to: RotationState) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let rotation = rotations::find(tx.connection(), id).await?.filter(|found| owner.is_none_or(|owner| found.client == owner));
        let mut rotation = rotation.ok_or_else(|| Problem::not_found("rotation", id))?;
        let from = rotation.state;
        let (allowed, action) = match to {
            RotationState::Paused => (from == RotationState::Running, "pause"),
            RotationState::Running => (matches!(from, RotationState::Paused | RotationState::Stopped), "resume"),
            RotationState::Cancelled | RotationState::Loading | RotationState::Stopped | RotationState::Completed => {
                (!matches!(from, RotationState::Completed | RotationState::Cancelled), "cancel")
            }
        };
        if !allowed {
            let message = format!("The rotation is {}; it cannot be told to {action}.", from.as_str());
            return Err(Problem::conflict(message).entity(id, None));
        }
        if to == RotationState::Cancelled {
            drop(tx);
            if let Some(line) = self.cancel(origin, id, &format!("Cancelled by {}.", origin.client)).await? {
                self.retire_later(origin.clone(), id.to_owned(), line);
            }
            return Ok(());
        }
        if from == RotationState::Stopped {
            // Whoever resumes has looked at it: what stopped it does not stop it again, and a canary goes first again.
            (_, rotation.counted) = rotations::results(tx.connection(), id, rotation.counted).await?;
        }
        rotation.state = to;
        rotation.modified = tx.now();
        rotation.message = None;
        rotations::update(tx.connection(), &rotation).await?;
        tx.audit(AuditEntry::new(action, "rotation", id));
        tx.commit().await?;
        if to == RotationState::Running {
            self.run_rotation(id);
        }
        Ok(())
    }

    /// Where the rotation is, for a Location.
    pub(in crate::registrations) fn rotation_path(rotation: &Rotation) -> String {
        path(&rotation.id)
    }
}

/// Retires the versions of the first items behind a line that wait in a cancelled rotation; tells the last line, if there may be more.
async fn retire(tx: &mut Tx, id: &str, after: i64) -> Result<Option<i64>, StoreError> {
    let waiting = rotations::waiting_after(tx.connection(), id, after, BATCH as i64).await?;
    let more = if waiting.len() == BATCH { waiting.last().map(|item| item.line) } else { None };
    for mut item in waiting {
        if let Some(version) = item.version
            && let Some(mut version) = credentials::version(tx.connection(), &item.trunk, version).await?
            && version.state == VersionState::Staged
        {
            transition::enter(tx, &mut version, VersionState::Retired, "retire").await?;
            credentials::tidy(tx.connection(), &item.trunk).await?;
        }
        item.state = ItemState::Superseded;
        let problem = Problem::conflict("The rotation was given up before this trunk's turn.");
        item.body = Some(result_line(item.line.unsigned_abs(), Some(&item.trunk), Err(&problem)));
        rotations::settle(tx.connection(), id, &item, None).await?;
    }
    Ok(more)
}

/// Returns a rotation whose lines are being read.
async fn loading(tx: &mut Tx, id: &str) -> Result<Rotation, Problem> {
    let found = rotations::find(tx.connection(), id).await?;
    let given_up = || Problem::conflict("The rotation was cancelled while its lines were read; nothing was asked.").entity(id, None);
    found.filter(|found| found.state == RotationState::Loading).ok_or_else(given_up)
}

fn take_in(digest: &mut Sha256, line: &Line) {
    digest.update(line.number.to_be_bytes());
    match &line.text {
        Ok(text) => {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_slice());
        }
        // Too long, or no line of a sheet: what matters of it is that it is refused.
        Err(problem) => digest.update(problem.to_string()),
    }
}

fn another() -> Problem {
    let message = "This Idempotency-Key was used for a rotation with other lines, perSecond or maxFailureShare; take a new one.";
    Problem::invalid("Idempotency-Key", message)
}
