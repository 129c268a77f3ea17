//! Applies many lines in one transaction, each in a part of its own: a line is applied whole or not at all, and a bad one harms no other.

use std::collections::HashMap;
use std::sync::Arc;

use diagnosis::Code;
use link::{Outcome, VerifyBy, VerifyMode};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::NEEDED;
use super::order::Order;
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{Place, Trunk, id};
use crate::http::resources::form::{Common, merge};
use crate::http::resources::{TrunkForm, may_put, show_trunk};
use crate::problem::Problem;
use crate::registrations::assignment::Settings;
use crate::registrations::check::{Checked, Standing, allowed};
use crate::registrations::fleet::Loader;
use crate::registrations::form::Mode;
use crate::registrations::refusal::{edge_offline, refusal};
use crate::registrations::running::{Entry, Identity, Turn};
use crate::registrations::transition::{self, New, Proof};
use crate::registrations::verification::{self, Question};
use crate::registrations::verify::seal;
use crate::registrations::version::VersionState;
use crate::registrations::{Registrations, policy};
use crate::store::jobs::{self, Job};
use crate::store::{StoreError, Tx, credentials, trunks};

/// So many lines with `"verify": "live"` ask carriers at the same time.
const ASKING: usize = 16;

/// A line that was read.
#[derive(Debug)]
pub struct Read {
    /// Counts from 1.
    pub number: u64,
    /// What it asks for, or why it cannot be read; with the trunk's id where that can be told.
    pub order: Result<Order, (Option<String>, Problem)>,
}

/// What came of a line.
#[derive(Debug)]
pub struct Done {
    /// Counts from 1.
    pub number: u64,
    trunk: Option<String>,
    outcome: Result<u16, Problem>,
}

impl Done {
    /// Tells whether it did what it says.
    pub fn succeeded(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Writes the result line.
    pub fn body(&self) -> Value {
        let mut body = json!({ "line": self.number });
        if let Some(trunk) = &self.trunk {
            body["trunkId"] = trunk.clone().into();
        }
        match &self.outcome {
            Ok(status) => body["status"] = (*status).into(),
            Err(problem) => {
                body["status"] = problem.status().as_u16().into();
                body["error"] = problem.body();
            }
        }
        body
    }
}

/// What is to be applied of one line.
struct Prepared {
    before: Option<Trunk>,
    after: Trunk,
}

impl Registrations {
    /// Applies lines in their order, and writes what came of them into the job, if there is one.
    pub(super) async fn apply(&self, origin: &Origin, caller: &Caller, lines: Vec<Read>, mut job: Option<&mut Job>) -> Vec<Done> {
        let turns = self.turns(&lines);
        let mut proofs = self.ask_carriers(origin, caller, &lines, &turns).await;
        match self.apply_all(origin, caller, &lines, &turns, &mut proofs, job.as_deref_mut()).await {
            Ok(done) => done,
            Err(error) => {
                let problem = Problem::from(error);
                let done: Vec<Done> = lines
                    .into_iter()
                    .map(|line| match line.order {
                        Ok(order) => Done { number: line.number, trunk: Some(order.trunk), outcome: Err(problem.clone()) },
                        Err((trunk, problem)) => Done { number: line.number, trunk, outcome: Err(problem) },
                    })
                    .collect();
                if let Some(job) = job
                    && let Err(error) = self.note(origin, job, &done).await
                {
                    tracing::error!(job = job.id, %error, "results of a bulk job could not be written");
                }
                done
            }
        }
    }

    /// Takes the turn of every trunk of the lines that is free.
    fn turns(&self, lines: &[Read]) -> HashMap<String, Turn> {
        let mut turns = HashMap::new();
        for order in lines.iter().filter_map(|line| line.order.as_ref().ok()).filter(|order| order.asked.is_some()) {
            let identity = Identity { username: String::new(), realm: None, algorithm: None, mac: id::generate(), standby: false };
            if !turns.contains_key(&order.trunk)
                && let Entry::Mine(turn) = self.inner.running.enter(&order.trunk, identity)
            {
                turns.insert(order.trunk.clone(), turn);
            }
        }
        turns
    }

    /// Asks carriers about the lines that want it, before anything is written of them.
    async fn ask_carriers(
        &self,
        origin: &Origin,
        caller: &Caller,
        lines: &[Read],
        turns: &HashMap<String, Turn>,
    ) -> HashMap<u64, Result<Proof, Problem>> {
        let mut proofs = HashMap::new();
        let limit = Arc::new(Semaphore::new(ASKING));
        let mut asking = JoinSet::new();
        for line in lines {
            let Ok(order) = &line.order else { continue };
            let Some(asked) = order.asked.as_ref().filter(|_| order.mode == Mode::Live && turns.contains_key(&order.trunk)) else {
                continue;
            };
            let settings = match self.would_be(origin, caller, order).await {
                Ok(Some(settings)) => settings,
                Ok(None) => continue,
                Err(problem) => {
                    proofs.insert(line.number, Err(problem));
                    continue;
                }
            };
            let Some(edge) = self.inner.fleet.serving(&settings.trunk.site) else {
                proofs.insert(line.number, Err(edge_offline(&settings.trunk)));
                continue;
            };
            let question = Question {
                accept_unproven: order.accept_unproven,
                ..Question::new(VerifyMode::Digest, Some(seal(asked, &edge, &order.trunk)))
            };
            let verify = question.order(&settings);
            let (fleet, limit, number) = (self.inner.fleet.clone(), Arc::clone(&limit), line.number);
            asking.spawn(async move {
                let _place = limit.acquire_owned().await;
                let verdict = verification::ask(&fleet, &edge, verify).await;
                let proof = match verdict.outcome {
                    Outcome::Proved => Ok(Proof { negotiated: verdict.negotiated, authenticated: true }),
                    Outcome::AcceptedUnproven => Ok(Proof::default()),
                    Outcome::Learned => Err(diagnosis::Diagnosis::new(Code::Indeterminate)),
                    Outcome::Refused(diagnosis) => Err(*diagnosis),
                };
                let proof = proof.map_err(|diagnosis| {
                    refusal(&settings.trunk, policy::name_override(diagnosis, &settings.policy(), Some(&settings.trunk.meta.id)))
                });
                (number, proof)
            });
        }
        while let Some(asked) = asking.join_next().await {
            match asked {
                Ok((number, proof)) => drop(proofs.insert(number, proof)),
                Err(error) => tracing::error!(%error, "a verification of a bulk line ended early"),
            }
        }
        proofs
    }

    /// What would stand above the credentials of a line; `None` where the carrier need not be asked.
    async fn would_be(&self, origin: &Origin, caller: &Caller, order: &Order) -> Result<Option<Settings>, Problem> {
        let Some(asked) = &order.asked else { return Ok(None) };
        // Dropped without a commit: nothing is written yet.
        let mut tx = self.inner.store.begin(origin).await?;
        let prepared = prepare(&mut tx, caller, order).await?;
        let settings = Loader::new(tx.connection()).await?.settings(tx.connection(), prepared.after).await?;
        allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
        let standing = self.standing_of(&mut tx, settings).await?;
        let mac = self.mac(&asked.username, &asked.secret);
        match standing.check(asked, &mac, tx.now())? {
            Checked::Unchanged => Ok(None),
            Checked::New { .. } if standing.settings.verify_by() == VerifyBy::None => Ok(None),
            Checked::New { .. } => Ok(Some(standing.settings)),
        }
    }

    async fn standing_of(&self, tx: &mut Tx, settings: Settings) -> Result<Standing, StoreError> {
        let trunk = settings.trunk.meta.id.clone();
        let registration = credentials::registration(tx.connection(), &trunk).await?;
        let versions = match registration {
            Some(_) => credentials::versions_with_macs(tx.connection(), &trunk).await?,
            None => Vec::new(),
        };
        Ok(Standing { settings, registration, versions, held: self.is_held(&trunk) })
    }

    async fn apply_all(
        &self,
        origin: &Origin,
        caller: &Caller,
        lines: &[Read],
        turns: &HashMap<String, Turn>,
        proofs: &mut HashMap<u64, Result<Proof, Problem>>,
        job: Option<&mut Job>,
    ) -> Result<Vec<Done>, StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let mut loader = Loader::new(tx.connection()).await?;
        let mut done = Vec::with_capacity(lines.len());
        let mut touched = Vec::new();
        for line in lines {
            let (trunk, outcome) = match &line.order {
                Err((trunk, problem)) => (trunk.clone(), Err(problem.clone())),
                Ok(order) => {
                    let outcome = match proofs.remove(&line.number).transpose() {
                        Err(problem) => Err(problem),
                        Ok(_) if order.asked.is_some() && !turns.contains_key(&order.trunk) => Err(busy(&order.trunk)),
                        Ok(proof) => {
                            let part = tx.begin_part().await?;
                            let outcome = self.apply_one(&mut tx, &mut loader, caller, order, proof).await;
                            match &outcome {
                                Ok(_) => tx.keep_part(part).await?,
                                Err(_) => tx.undo_part(part).await?,
                            }
                            outcome
                        }
                    };
                    if outcome.is_ok() {
                        touched.push(order.trunk.clone());
                    }
                    (Some(order.trunk.clone()), outcome)
                }
            };
            done.push(Done { number: line.number, trunk, outcome });
        }
        if let Some(job) = job {
            write_results(&mut tx, job, &done).await?;
        }
        tx.commit().await?;
        for trunk in touched {
            self.inner.fleet.touch(&trunk);
        }
        Ok(done)
    }

    async fn apply_one(
        &self,
        tx: &mut Tx,
        loader: &mut Loader,
        caller: &Caller,
        order: &Order,
        proof: Option<Proof>,
    ) -> Result<u16, Problem> {
        let Prepared { before, after } = prepare(tx, caller, order).await?;
        let created = before.is_none();
        let trunk = write(tx, before, after).await?;
        let first = match &order.asked {
            None => false,
            Some(asked) => {
                let settings = loader.settings(tx.connection(), trunk).await?;
                allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
                let standing = self.standing_of(tx, settings).await?;
                let mac = self.mac(&asked.username, &asked.secret);
                match standing.check(asked, &mac, tx.now())? {
                    Checked::Unchanged => false,
                    Checked::New { again } => {
                        let accept_unproven = order.accept_unproven.unwrap_or_else(|| standing.settings.profile().accept_unproven);
                        let version = match again {
                            Some(again) => *again,
                            None => {
                                let new = New { trunk: &order.trunk, asked, mac: &mac, accept_unproven };
                                transition::stage(tx, &self.inner.keyring, &new, VersionState::Staged).await?
                            }
                        };
                        transition::promote(tx, &version, proof.unwrap_or_default(), "promote").await?.first
                    }
                }
            }
        };
        Ok(if created || first { 201 } else { 200 })
    }

    /// Writes results of lines that were not applied.
    async fn note(&self, origin: &Origin, job: &mut Job, done: &[Done]) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        write_results(&mut tx, job, done).await?;
        tx.commit().await
    }
}

/// Finds out what a line makes of its trunk, as far as the caller may. Nothing is written.
async fn prepare(tx: &mut Tx, caller: &Caller, order: &Order) -> Result<Prepared, Problem> {
    let before = trunks::find(tx.connection(), &order.trunk).await?;
    if let Some(before) = &before {
        caller.require_on(tx.connection(), &NEEDED, &Place::trunk(before)).await?;
    }
    let Some(given) = &order.fields else {
        let before = before.ok_or_else(|| Problem::not_found("trunk", &order.trunk))?;
        return Ok(Prepared { after: before.clone(), before: Some(before) });
    };
    let mut given = given.clone();
    given.insert("id".into(), order.trunk.clone().into());
    let Some(before) = before else {
        let after = TrunkForm::parse(given)?.resolve(tx, caller).await?;
        may_put(caller, &NEEDED, &after)?;
        return Ok(Prepared { before: None, after });
    };
    let common = Common::take(&mut given)?;
    if let Some(version) = common.version.filter(|version| *version != before.meta.version) {
        return Err(Problem::version_mismatch(version, before.meta.version));
    }
    // What the line leaves out stays as it is.
    let Value::Object(mut fields) = show_trunk(&before) else { return Err(Problem::internal("a trunk is shown as an object")) };
    let shown = Common::take(&mut fields)?;
    merge(&mut fields, given);
    let common = Common { id: shown.id, name: common.name.or(shown.name), version: None };
    let resolved = TrunkForm::parse_rest(common, fields)?.resolve(tx, caller).await?;
    may_put(caller, &NEEDED, &resolved)?;
    let meta = crate::domain::Meta { name: resolved.meta.name.clone(), ..before.meta.clone() };
    let after = Trunk { meta, target_revision: before.target_revision, ..resolved };
    Ok(Prepared { before: Some(before), after })
}

/// Writes a trunk where it is new or changed.
async fn write(tx: &mut Tx, before: Option<Trunk>, after: Trunk) -> Result<Trunk, StoreError> {
    match before {
        None => {
            let trunk = trunks::insert(tx, &after).await?;
            tx.audit(AuditEntry::new("create", "trunk", &trunk.meta.id).after(show_trunk(&trunk)));
            Ok(trunk)
        }
        Some(before) if before == after => Ok(after),
        Some(before) => {
            let trunk = trunks::update(tx, &after, before.carrier != after.carrier).await?;
            tx.audit(AuditEntry::new("update", "trunk", &trunk.meta.id).before(show_trunk(&before)).after(show_trunk(&trunk)));
            Ok(trunk)
        }
    }
}

async fn write_results(tx: &mut Tx, job: &mut Job, done: &[Done]) -> Result<(), StoreError> {
    let mut next = job.clone();
    next.modified = tx.now();
    for line in done {
        let number = i64::try_from(line.number).unwrap_or(i64::MAX);
        jobs::insert_result(tx.connection(), &next.id, number, &line.body().to_string()).await?;
        next.lines += 1;
        if line.succeeded() {
            next.succeeded += 1;
        } else {
            next.failed += 1;
        }
    }
    jobs::update(tx.connection(), &next).await?;
    *job = next;
    Ok(())
}

fn busy(trunk: &str) -> Problem {
    Problem::conflict("Other credentials of this trunk are being verified; wait for their outcome, then send the line again.")
        .entity(trunk, None)
}
