//! What the projection for existing clients shows of a trunk: its registrars, who it registers as, and what the edges see.

use std::collections::HashMap;
use std::time::Duration;

use link::OptionsState;
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::check::{Checked, Standing, allowed};
use super::fleet::{Loader, Seen};
use super::form::Posted;
use super::list::Wanted;
use super::post::malformed;
use super::refusal::refusal;
use super::running::Turn;
use super::transition::{self, New, Proof};
use super::version::{Version, VersionState};
use super::{Registrations, object};
use crate::domain::{Carrier, Reach, Trunk};
use crate::problem::Problem;
use crate::store::{Connection, Page, Paging, StoreError, Tx, credentials, trunks};

/// Nothing is sent before the answer, so nothing takes long; another verification of the trunk may.
const WAIT: Duration = Duration::from_secs(10);

/// A trunk with what is above it and what is seen of it.
#[derive(Debug)]
pub struct Projected {
    /// The trunk.
    pub trunk: Trunk,
    /// Its carrier.
    pub carrier: Carrier,
    /// Its active credentials, without the secret.
    pub active: Option<Version>,
    /// Whether OPTIONS keep-alive is on.
    pub pings: bool,
    /// What the edges see, in order of their ids.
    pub seen: Vec<Seen>,
    /// The edge that serves its site now.
    pub serving: Option<String>,
}

impl Projected {
    /// Tells whether a granted binding runs at any edge.
    pub fn is_bound(&self) -> bool {
        object::is_bound(&self.seen)
    }

    /// Tells whether it is bound, or its target answers OPTIONS, at any edge.
    pub fn is_connected(&self) -> bool {
        self.is_bound() || self.seen.iter().any(|seen| seen.status.options.state == OptionsState::Up)
    }

    /// The edge that it belongs to for clients that know one edge of a trunk.
    pub fn edge(&self) -> Option<&str> {
        self.seen.first().map(|seen| &*seen.edge).or(self.serving.as_deref())
    }
}

impl Registrations {
    /// Returns one trunk.
    ///
    /// # Errors
    /// 404 where there is no such trunk.
    pub async fn projected(&self, trunk: &str) -> Result<Projected, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let found = trunks::find(&mut state, trunk).await?.ok_or_else(|| Problem::not_found("trunk", trunk))?;
        let projected = self.project(&mut state, vec![found]).await?.pop();
        projected.ok_or_else(|| Problem::internal("a trunk that is there is shown"))
    }

    /// Returns those of these trunks that are there, by id, with as many statements as one of them costs.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn projected_some(&self, ids: &[String]) -> Result<HashMap<String, Projected>, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let found = trunks::some(&mut state, ids).await?;
        let projected = self.project(&mut state, found).await?;
        Ok(projected.into_iter().map(|of| (of.trunk.meta.id.clone(), of)).collect())
    }

    /// Returns a page of trunks: of one, or of those that an edge reports, where they are named.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn projected_page(
        &self,
        paging: &Paging,
        trunk: Option<String>,
        edge: Option<String>,
        within: Reach,
    ) -> Result<Page<Projected>, Problem> {
        self.project_page(paging, Wanted::of(trunk, edge, None, within)).await
    }

    /// Returns a page of trunks, those of a name where one is given.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn projected_named(&self, paging: &Paging, name: Option<String>, within: Reach) -> Result<Page<Projected>, Problem> {
        self.project_page(paging, Wanted::of(None, None, name, within)).await
    }

    async fn project_page(&self, paging: &Paging, wanted: Wanted) -> Result<Page<Projected>, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let page = self.trunks(&mut state, paging, wanted).await?;
        let items = self.project(&mut state, page.items).await?;
        Ok(Page { items, total: page.total, next: page.next })
    }

    /// As many statements for a page as for one trunk.
    async fn project(&self, state: &mut Connection, trunks: Vec<Trunk>) -> Result<Vec<Projected>, StoreError> {
        let mut loader = Loader::new(state).await?;
        loader.prepare(state, &trunks).await?;
        let ids: Vec<&str> = trunks.iter().map(|trunk| trunk.meta.id.as_str()).collect();
        let mut versions = credentials::versions_of(state, &ids).await?;
        let mut projected = Vec::with_capacity(trunks.len());
        for trunk in trunks {
            let settings = loader.settings(state, trunk).await?;
            let id = &settings.trunk.meta.id;
            let active = versions.remove(id).unwrap_or_default().into_iter().find(|version| version.state == VersionState::Active);
            let mut seen = self.inner.fleet.observed().of(id);
            seen.sort_by(|a, b| a.edge.cmp(&b.edge));
            let serving = self.inner.fleet.serving(&settings.trunk.site).map(|edge| edge.id().to_owned());
            let pings = settings.profile().options.is_some();
            projected.push(Projected { carrier: (*settings.carrier).clone(), trunk: settings.trunk, active, pings, seen, serving });
        }
        Ok(projected)
    }

    /// Judges the form of the flagship call's body; nothing is read or written.
    ///
    /// # Errors
    /// 400 with all faults.
    pub fn check_form(&self, body: &Map<String, Value>) -> Result<(), Problem> {
        let trunk = body.get("trunkId").and_then(Value::as_str);
        Posted::read(body.clone()).map(drop).map_err(|faults| malformed(faults, trunk))
    }

    /// Takes the turn of a trunk whose credentials are to be set with [`Registrations::set_within`].
    ///
    /// # Errors
    /// 409 where others are being verified and that takes long.
    pub async fn turn_to_set(&self, trunk: &str) -> Result<Turn, Problem> {
        self.turn(trunk, Instant::now() + WAIT).await
    }

    /// Sets credentials without asking, in the transaction that writes their trunk: both come about, or neither. `body` is that of the flagship
    /// call; whoever calls holds the trunk's turn, and announces the change of the trunk.
    ///
    /// # Errors
    /// As the flagship call with `"verify": "static"`.
    pub async fn set_within(&self, tx: &mut Tx, trunk: &Trunk, body: Map<String, Value>) -> Result<(), Problem> {
        let id = trunk.meta.id.as_str();
        let Posted { asked, accept_unproven, .. } = Posted::read(body).map_err(|faults| malformed(faults, Some(id)))?;
        let settings = Loader::new(tx.connection()).await?.settings(tx.connection(), trunk.clone()).await?;
        let registration = credentials::registration(tx.connection(), id).await?;
        let versions = credentials::versions_with_macs(tx.connection(), id).await?;
        let standing = Standing { settings, registration, versions, held: self.is_held(id) };
        allowed(&standing.settings, &asked).map_err(|diagnosis| refusal(trunk, *diagnosis))?;
        let mac = self.mac_of(&asked);
        let version = match standing.check(&asked, &mac, tx.now())? {
            Checked::Unchanged => return Ok(()),
            Checked::New { again: Some(again) } => *again,
            Checked::New { again: None } => {
                let new = New { trunk: id, asked: &asked, mac: &mac, accept_unproven: accept_unproven.unwrap_or(false) };
                transition::stage(tx, &self.inner.keyring, &new, VersionState::Staged).await?
            }
        };
        transition::promote(tx, &version, Proof::default(), "promote").await?;
        Ok(())
    }
}
