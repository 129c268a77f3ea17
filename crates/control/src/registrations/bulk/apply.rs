//! Applies many lines in one transaction, each in a part of its own: a line is applied whole or not at all, and a bad one harms no other.

use std::collections::HashMap;
use std::sync::Arc;

use diagnosis::Code;
use link::{Secret, VerifyBy, VerifyMode};
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::NEEDED;
use super::order::Order;
use super::result_line;
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
use crate::registrations::load::{self, Load};
use crate::registrations::refusal::{edge_offline, refusal};
use crate::registrations::running::{Entry, Identity, Turn};
use crate::registrations::transition::{self, New, Proof};
use crate::registrations::verification::{self, Question};
use crate::registrations::verify::seal;
use crate::registrations::version::VersionState;
use crate::registrations::{Registrations, policy};
use crate::store::jobs::{self, Job, LineResult};
use crate::store::{StoreError, Tx, credentials, trunks};

/// So many lines with `"verify": "live"` ask carriers at the same time.
const ASKING: usize = 16;

/// A line that was read.
#[derive(Debug)]
pub struct Read {
    /// Counts from 1.
    pub number: u64,
    /// The keyed MAC of its text, where the job has a key.
    pub mac: Option<String>,
    /// The job has a result of it that was of the moment.
    pub again: bool,
    /// What it asks for, or why it cannot be read; with the trunk's id where that can be told.
    pub order: Result<Order, (Option<String>, Problem)>,
}

/// What came of a line.
#[derive(Debug)]
pub struct Done {
    /// Counts from 1.
    number: u64,
    trunk: Option<String>,
    outcome: Outcome,
    mac: Option<String>,
    again: bool,
}

/// How a line ended.
#[derive(Debug)]
enum Outcome {
    /// It was applied or refused, this time.
    Now(Result<u16, Problem>),
    /// The job has its result already.
    Before(String),
    /// The job has a result of another line under this number.
    Mistaken(Problem),
}

impl Done {
    fn new(line: &Read, trunk: Option<String>, outcome: Result<u16, Problem>) -> Self {
        Done { number: line.number, trunk, outcome: Outcome::Now(outcome), mac: line.mac.clone(), again: line.again }
    }

    /// Writes the result line.
    pub fn text(&self) -> String {
        let outcome = match &self.outcome {
            Outcome::Before(text) => return text.clone(),
            Outcome::Now(Err(problem)) | Outcome::Mistaken(problem) => Err(problem),
            Outcome::Now(Ok(status)) => Ok(*status),
        };
        result_line(self.number, self.trunk.as_deref(), outcome)
    }
}

/// Lines that are applied together.
struct Batch<'a> {
    caller: &'a Caller,
    lines: &'a [Read],
    turns: &'a HashMap<String, Turn>,
    dry_run: bool,
}

impl Batch<'_> {
    /// Somebody else sets the trunk's credentials.
    fn is_busy(&self, order: &Order) -> bool {
        !self.dry_run && order.asked.is_some() && !self.turns.contains_key(&order.trunk)
    }
}

/// What is to be applied of one line.
struct Prepared {
    before: Option<Trunk>,
    after: Trunk,
}

impl Registrations {
    /// Applies lines in their order, and writes what came of them into the job, if there is one. What the job knows already is not applied
    /// again. A dry run finds out what would come of them, without asking carriers, and writes nothing else.
    pub(super) async fn apply(
        &self,
        caller: &Caller,
        origin: &Origin,
        lines: Vec<Read>,
        mut job: Option<&mut Job>,
        dry_run: bool,
    ) -> Vec<Done> {
        let (mut before, lines) = match job.as_deref().filter(|job| job.key.is_some()) {
            None => (Vec::new(), lines),
            Some(job) => match self.known(job, lines).await {
                Ok(split) => split,
                Err((lines, error)) => {
                    let problem = Problem::from(error);
                    return lines.iter().map(|line| Done::new(line, None, Err(problem.clone()))).collect();
                }
            },
        };
        let turns = if dry_run { HashMap::new() } else { self.turns(&lines) };
        let mut proofs = if dry_run { HashMap::new() } else { self.ask_carriers(origin, caller, &lines, &turns).await };
        let work = Batch { caller, lines: &lines, turns: &turns, dry_run };
        let mut done = match self.apply_all(origin, &work, &mut proofs, job.as_deref_mut()).await {
            Ok(done) => done,
            Err(error) => {
                let problem = Problem::from(error);
                let failed = |line: &Read| match &line.order {
                    Ok(order) => Done::new(line, Some(order.trunk.clone()), Err(problem.clone())),
                    Err((trunk, problem)) => Done::new(line, trunk.clone(), Err(problem.clone())),
                };
                let done: Vec<Done> = lines.iter().map(failed).collect();
                if let Some(job) = job
                    && let Err(error) = self.note(origin, job, &done).await
                {
                    tracing::error!(job = job.id, %error, "results of a bulk job could not be written");
                }
                done
            }
        };
        if !before.is_empty() {
            done.append(&mut before);
            done.sort_by_key(|done| done.number);
        }
        done
    }

    /// Tells one line of an import from another without keeping it readable.
    pub(super) fn line_mac(&self, text: &[u8]) -> String {
        let text = String::from_utf8_lossy(text).into_owned();
        self.mac("bulk line", &Secret::Password(SecretString::from(text)))
    }

    /// Sorts out the lines whose results the job has. Refusals of the moment are tried again.
    async fn known(&self, job: &Job, lines: Vec<Read>) -> Result<(Vec<Done>, Vec<Read>), (Vec<Read>, StoreError)> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok((Vec::new(), lines)) };
        let found = async {
            let mut reader = self.inner.store.read().await?;
            jobs::results_between(&mut reader, &job.id, signed(first.number), signed(last.number)).await
        };
        let mut results = match found.await {
            Ok(results) => results,
            Err(error) => return Err((lines, error)),
        };
        let (mut known, mut left) = (Vec::new(), Vec::with_capacity(lines.len()));
        for mut line in lines {
            let Some(LineResult { body, mac }) = results.remove(&signed(line.number)) else {
                left.push(line);
                continue;
            };
            if mac != line.mac {
                let message = "Another line was sent under this Idempotency-Key and number; send the same file again, or take a new key.";
                let problem = Problem::invalid("Idempotency-Key", message);
                let outcome = Outcome::Mistaken(problem);
                known.push(Done { number: line.number, trunk: None, outcome, mac: None, again: true });
            } else if is_of_the_moment(&body) {
                line.again = true;
                left.push(line);
            } else {
                known.push(Done { number: line.number, trunk: None, outcome: Outcome::Before(body), mac, again: true });
            }
        }
        Ok((known, left))
    }

    /// Takes the turn of every trunk of the lines that is free.
    fn turns(&self, lines: &[Read]) -> HashMap<String, Turn> {
        let mut turns = HashMap::new();
        for order in lines.iter().filter_map(|line| line.order.as_ref().ok()).filter(|order| order.asked.is_some()) {
            let identity =
                Identity { username: String::new(), realm: None, algorithm: None, mac: id::generate(), standby: false, at: None };
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
                    link::Outcome::Proved => Ok(Proof { negotiated: verdict.negotiated, authenticated: true }),
                    link::Outcome::AcceptedUnproven => Ok(Proof::default()),
                    link::Outcome::Learned => Err(diagnosis::Diagnosis::new(Code::Indeterminate)),
                    link::Outcome::Refused(diagnosis) => Err(*diagnosis),
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
        let mac = self.mac_of(asked);
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
        batch: &Batch<'_>,
        proofs: &mut HashMap<u64, Result<Proof, Problem>>,
        job: Option<&mut Job>,
    ) -> Result<Vec<Done>, StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let mut loader = Loader::new(tx.connection()).await?;
        let mut done = Vec::with_capacity(batch.lines.len());
        let mut touched = Vec::new();
        for line in batch.lines {
            let (trunk, outcome) = match &line.order {
                Err((trunk, problem)) => (trunk.clone(), Err(problem.clone())),
                Ok(order) => {
                    let outcome = match proofs.remove(&line.number).transpose() {
                        Err(problem) => Err(problem),
                        Ok(_) if batch.is_busy(order) => Err(busy(&order.trunk)),
                        Ok(proof) => {
                            let part = tx.begin_part().await?;
                            let outcome = self.apply_one(&mut tx, &mut loader, batch.caller, order, proof).await;
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
            done.push(Done::new(line, trunk, outcome));
        }
        if batch.dry_run {
            // Dropped without a commit.
            drop(tx);
            if let Some(job) = job {
                self.note(origin, job, &done).await?;
            }
            return Ok(done);
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
        let trunk = write(tx, loader, before, after).await?;
        let first = match &order.asked {
            None => false,
            Some(asked) => {
                let settings = loader.settings(tx.connection(), trunk).await?;
                allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
                let standing = self.standing_of(tx, settings).await?;
                let mac = self.mac_of(asked);
                match standing.check(asked, &mac, tx.now())? {
                    Checked::Unchanged => false,
                    Checked::New { again } => {
                        let accept_unproven = order.accept_unproven.unwrap_or_else(|| standing.settings.profile().accept_unproven);
                        let new = New { trunk: &order.trunk, asked, mac: &mac, accept_unproven };
                        let (keyring, proof) = (&self.inner.keyring, proof.unwrap_or_default());
                        match again {
                            Some(again) => transition::promote(tx, &again, proof, "promote").await?.first,
                            None if standing.registration.is_none() => transition::promote_first(tx, keyring, &new, proof).await?.first,
                            None => {
                                let version = transition::stage(tx, keyring, &new, VersionState::Staged).await?;
                                transition::promote(tx, &version, proof, "promote").await?.first
                            }
                        }
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
async fn write(tx: &mut Tx, loader: &mut Loader, before: Option<Trunk>, after: Trunk) -> Result<Trunk, Problem> {
    match before {
        None => {
            let trunk = trunks::insert(tx, &after).await?;
            judge(tx, loader, None, &trunk).await?;
            tx.audit(AuditEntry::new("create", "trunk", &trunk.meta.id).after(show_trunk(&trunk)));
            Ok(trunk)
        }
        Some(before) if before == after => Ok(after),
        Some(before) => {
            let trunk = trunks::update(tx, &before, &after).await?;
            judge(tx, loader, Some(&before), &trunk).await?;
            tx.audit(AuditEntry::new("update", "trunk", &trunk.meta.id).before(show_trunk(&before)).after(show_trunk(&trunk)));
            Ok(trunk)
        }
    }
}

/// Refuses a trunk that its carrier's pacing cannot bear.
async fn judge(tx: &mut Tx, loader: &mut Loader, before: Option<&Trunk>, after: &Trunk) -> Result<(), Problem> {
    let Some(carrier) = loader.carrier(tx.connection(), &after.carrier).await? else { return Ok(()) };
    let load = Load::new(&carrier, &loader.organization(), tx.fleet(&after.carrier).await?);
    load::judge_trunk(&load, before, after)
}

async fn write_results(tx: &mut Tx, job: &mut Job, done: &[Done]) -> Result<(), StoreError> {
    let mut next = job.clone();
    next.modified = tx.now();
    for line in done {
        let Outcome::Now(outcome) = &line.outcome else { continue };
        let result = LineResult { body: line.text(), mac: line.mac.clone() };
        jobs::save_result(tx.connection(), &next.id, signed(line.number), &result).await?;
        if line.again {
            // It was counted as a failure before.
            next.failed -= 1;
        } else {
            next.lines += 1;
        }
        if outcome.is_ok() {
            next.succeeded += 1;
        } else {
            next.failed += 1;
        }
    }
    jobs::update(tx.connection(), &next).await?;
    *job = next;
    Ok(())
}

/// A refusal that may be another one a moment later: a busy trunk or store, a spent allowance, an edge that was away.
fn is_of_the_moment(result: &str) -> bool {
    let status = serde_json::from_str::<Value>(result).ok().and_then(|result| result["status"].as_u64());
    status.is_none_or(|status| matches!(status, 409 | 429 | 500..))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn busy(trunk: &str) -> Problem {
    Problem::conflict("Other credentials of this trunk are being verified; wait for their outcome, then send the line again.")
        .entity(trunk, None)
}
