//! Taking in a rotation: every line is judged and its secret staged before anybody is asked.

use std::collections::HashSet;

use tokio::sync::mpsc;

use super::{ItemState, Pace, RotationState, path};
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{Place, id};
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

impl Registrations {
    /// Begins a rotation, or finds the one that the caller began under the same key.
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
        };
        rotations::insert(tx.connection(), &rotation).await?;
        tx.audit(AuditEntry::new("create", "rotation", &rotation.id));
        tx.commit().await?;
        Ok((rotation, true))
    }

    /// Stages all lines, then lets the rotation begin. A body that ends early begins nothing.
    pub(in crate::registrations) async fn load_rotation(
        &self,
        caller: &Caller,
        mut rotation: Rotation,
        mut lines: mpsc::Receiver<Result<Line, Problem>>,
    ) -> Result<Rotation, Problem> {
        let origin = &caller.origin();
        let mut trunks = HashSet::new();
        let mut broken = None;
        loop {
            let mut taken = Vec::new();
            lines.recv_many(&mut taken, BATCH).await;
            if taken.is_empty() {
                break;
            }
            let mut tx = self.inner.store.begin(origin).await?;
            let mut loader = Loader::new(tx.connection()).await?;
            for line in taken {
                match line {
                    Ok(line) => self.stage_line(&mut tx, &mut loader, caller, &rotation, line, &mut trunks).await?,
                    Err(problem) => broken = Some(problem),
                }
            }
            tx.commit().await?;
        }
        if let Some(problem) = broken {
            self.give_up(origin, &rotation.id, &problem.to_string()).await?;
            return Err(problem);
        }
        let mut tx = self.inner.store.begin(origin).await?;
        rotation.state = RotationState::Running;
        rotation.modified = tx.now();
        rotations::update(tx.connection(), &rotation).await?;
        tx.commit().await?;
        self.run_rotation(&rotation.id);
        Ok(rotation)
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

    /// Retires what waits in a rotation, and ends it.
    pub(super) async fn give_up(&self, origin: &Origin, id: &str, message: &str) -> Result<(), Problem> {
        loop {
            let mut tx = self.inner.store.begin(origin).await?;
            let Some(mut rotation) = rotations::find(tx.connection(), id).await? else { return Ok(()) };
            let waiting = rotations::waiting(tx.connection(), id).await?;
            let more = waiting.len() > BATCH;
            for mut item in waiting.into_iter().take(BATCH) {
                if let Some(version) = item.version
                    && let Some(mut version) = credentials::version(tx.connection(), &item.trunk, version).await?
                    && version.state == VersionState::Staged
                {
                    transition::enter(&mut tx, &mut version, VersionState::Retired, "retire").await?;
                    credentials::tidy(tx.connection(), &item.trunk).await?;
                }
                item.state = ItemState::Superseded;
                let problem = Problem::conflict("The rotation was given up before this trunk's turn.");
                item.body = Some(result_line(item.line.unsigned_abs(), Some(&item.trunk), Err(&problem)));
                rotations::settle(tx.connection(), id, &item, None).await?;
            }
            rotation.state = RotationState::Cancelled;
            rotation.modified = tx.now();
            rotation.message = Some(message.to_owned());
            rotations::update(tx.connection(), &rotation).await?;
            if !more {
                tx.audit(AuditEntry::new("cancel", "rotation", id));
            }
            tx.commit().await?;
            if !more {
                return Ok(());
            }
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
                (matches!(from, RotationState::Running | RotationState::Paused | RotationState::Stopped), "cancel")
            }
        };
        if !allowed {
            let message = format!("The rotation is {}; it cannot be told to {action}.", from.as_str());
            return Err(Problem::conflict(message).entity(id, None));
        }
        if to == RotationState::Cancelled {
            drop(tx);
            return self.give_up(origin, id, &format!("Cancelled by {}.", origin.client)).await;
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
