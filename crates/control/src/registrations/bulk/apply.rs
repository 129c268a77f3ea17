//! Applies many lines in one transaction: a line is applied whole or not at all, and a bad one harms no other. Each is judged before anything
//! of it is written; what is new is then written with that of other lines, what changes something that is there in a part of its own.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use link::Secret;
use secrecy::SecretString;
use serde_json::Value;

use super::ground::{Ground, Row};
use super::live::{AllHeard, Heard, apart};
use super::order::Order;
use super::{NEEDED, result_line};
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{Place, Trunk, id};
use crate::http::resources::form::{Common, merge};
use crate::http::resources::{Places, TrunkForm, may_put, show_trunk};
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::registrations::check::{Checked, Standing, allowed};
use crate::registrations::fleet::Loader;
use crate::registrations::form::Asked;
use crate::registrations::load::{self, Load};
use crate::registrations::refusal::refusal;
use crate::registrations::running::{Entry, Identity, Turn};
use crate::registrations::transition::{self, New, Proof};
use crate::registrations::version::{Version, VersionState};
use crate::sealing::Keyring;
use crate::store::jobs::{self, Job, LineResult};
use crate::store::{StoreError, Turns, Tx, trunks};

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
    pub fn new(line: &Read, trunk: Option<String>, outcome: Result<u16, Problem>) -> Self {
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
    /// What carriers said, by the number of the line.
    heard: &'a AllHeard,
    dry_run: bool,
}

impl Batch<'_> {
    /// Somebody else sets the trunk's credentials.
    fn is_busy(&self, order: &Order) -> bool {
        !self.dry_run && order.asked.is_some() && !self.turns.contains_key(&order.trunk)
    }
}

/// What a line does.
struct Step<'a> {
    /// The trunk as it is, if it is there.
    before: Option<Trunk>,
    /// What the line makes of it.
    after: Trunk,
    /// As it will be written.
    trunk: Trunk,
    /// The credentials, where they are not so already.
    set: Option<Set<'a>>,
}

/// Credentials that a line sets.
struct Set<'a> {
    asked: &'a Asked,
    mac: String,
    /// The rejected version of the same content.
    again: Option<Box<Version>>,
    accept_unproven: bool,
    /// The trunk never had any.
    first: bool,
}

impl Set<'_> {
    fn as_new<'b>(&'b self, trunk: &'b str) -> New<'b> {
        New { trunk, asked: self.asked, mac: &self.mac, accept_unproven: self.accept_unproven }
    }
}

impl Registrations {
    /// Applies lines in their order, and writes what came of them into the job, if there is one. What the job knows already is not applied
    /// again. A dry run finds out what would come of them, without asking carriers, and writes nothing else. Returns also for how long no other
    /// change had its turn.
    pub(super) async fn apply(
        &self,
        caller: &Caller,
        origin: &Origin,
        lines: Vec<Read>,
        mut job: Option<&mut Job>,
        dry_run: bool,
    ) -> (Vec<Done>, Duration) {
        let parts = if dry_run { vec![lines] } else { apart(lines) };
        let (mut done, mut held) = (Vec::new(), Duration::ZERO);
        for part in parts {
            let (of_part, for_so_long) = self.apply_part(caller, origin, part, job.as_deref_mut(), dry_run).await;
            done.extend(of_part);
            held = held.max(for_so_long);
        }
        (done, held)
    }

    async fn apply_part(
        &self,
        caller: &Caller,
        origin: &Origin,
        lines: Vec<Read>,
        mut job: Option<&mut Job>,
        dry_run: bool,
    ) -> (Vec<Done>, Duration) {
        let (mut before, mut lines) = match job.as_deref().filter(|job| job.key.is_some()) {
            None => (Vec::new(), lines),
            Some(job) => match self.known(job, lines).await {
                Ok(split) => split,
                Err((lines, error)) => {
                    let problem = Problem::from(error);
                    let failed = lines.iter().map(|line| Done::new(line, None, Err(problem.clone())));
                    return (failed.collect(), Duration::ZERO);
                }
            },
        };
        let turns = if dry_run { HashMap::new() } else { self.turns(&lines) };
        let heard = match dry_run {
            true => HashMap::new(),
            false => self.ask_carriers(origin, caller, &mut lines, &turns, job.as_deref_mut()).await,
        };
        let work = Batch { caller, lines: &lines, turns: &turns, heard: &heard, dry_run };
        let mut turns_missed = Turns::default();
        let applied = loop {
            match self.apply_all(origin, &work, job.as_deref_mut()).await {
                Err(error) if turns_missed.again(&error) => tracing::debug!("lines of an import did not get their turn; they wait again"),
                applied => break applied,
            }
        };
        let (mut done, held) = match applied {
            Ok((done, held)) => (done, held),
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
                (done, Duration::ZERO)
            }
        };
        if !before.is_empty() {
            done.append(&mut before);
            done.sort_by_key(|done| done.number);
        }
        (done, held)
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

    async fn apply_all(&self, origin: &Origin, batch: &Batch<'_>, job: Option<&mut Job>) -> Result<(Vec<Done>, Duration), StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let began = Instant::now();
        let orders = batch.lines.iter().filter_map(|line| line.order.as_ref().ok());
        let mut ground = Ground::load(tx.connection(), orders.map(|order| order.trunk.as_str())).await?;
        let mut done = Vec::with_capacity(batch.lines.len());
        let mut touched = Vec::new();
        for line in batch.lines {
            let (trunk, outcome) = match &line.order {
                Err((trunk, problem)) => (trunk.clone(), Err(problem.clone())),
                Ok(order) => {
                    let outcome = match batch.heard.get(&line.number).cloned().transpose() {
                        Err(problem) => Err(problem),
                        Ok(Some(Heard::Done(status))) => Ok(status),
                        Ok(_) if batch.is_busy(order) => Err(busy(&order.trunk)),
                        Ok(heard) => {
                            let proof = heard.and_then(Heard::proof);
                            if ground.fresh.has(&order.trunk) {
                                ground.fresh.write(&mut tx).await?;
                            }
                            self.apply_one(&mut tx, &mut ground, batch.caller, order, proof).await?
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
            return Ok((done, began.elapsed()));
        }
        ground.fresh.write(&mut tx).await?;
        let next = match &job {
            Some(job) => Some(write_results(&mut tx, job, &done).await?),
            None => None,
        };
        tx.commit().await?;
        if let (Some(job), Some(next)) = (job, next) {
            *job = next;
        }
        for trunk in touched {
            self.inner.fleet.touch(&trunk);
        }
        Ok((done, began.elapsed()))
    }

    /// Applies one line, or finds out why not.
    async fn apply_one(
        &self,
        tx: &mut Tx,
        ground: &mut Ground,
        caller: &Caller,
        order: &Order,
        proof: Option<Proof>,
    ) -> Result<Result<u16, Problem>, StoreError> {
        let step = match self.judge(tx, ground, caller, order).await {
            Ok(step) => step,
            Err(problem) => return Ok(Err(problem)),
        };
        let Step { before, after, trunk, set } = step;
        let (created, changed) = (before.is_none(), before.as_ref() != Some(&after));
        let (keyring, proof) = (&self.inner.keyring, proof.unwrap_or_default());
        let (first, renewed) = set.map_or((None, None), |set| if set.first { (Some(set), None) } else { (None, Some(set)) });
        let mut promoted = first.is_some();
        if let Some(before) = before.filter(|_| changed || renewed.is_some()) {
            let moved = before.site != after.site || before.carrier != after.carrier;
            let part = tx.begin_part().await?;
            match change(tx, keyring, changed.then_some(before), &after, renewed, proof.clone()).await {
                Ok(newly) => {
                    tx.keep_part(part).await?;
                    promoted |= newly;
                }
                Err(error) => {
                    tx.undo_part(part).await?;
                    return Ok(Err(error.into()));
                }
            }
            if moved {
                // What the caller sees may follow from where its trunks are.
                ground.places = Places::default();
            }
        }
        if created {
            tx.load(None, Some(&trunk));
            tx.audit(AuditEntry::new("create", "trunk", &order.trunk).after(show_trunk(&trunk)));
        }
        let generation = tx.generation().await?;
        let first = first.map(|set| transition::promote_first(tx, generation, keyring, &trunk, &set.as_new(&order.trunk), proof));
        if created || first.is_some() {
            ground.fresh.push(&order.trunk, created.then_some(trunk), first);
        }
        ground.known.forget(&order.trunk);
        Ok(Ok(if created || promoted { 201 } else { 200 }))
    }

    /// Finds out what a line does. Nothing is written.
    async fn judge<'a>(&self, tx: &mut Tx, ground: &mut Ground, caller: &Caller, order: &'a Order) -> Result<Step<'a>, Problem> {
        let Row { trunk: before, registration, versions } = ground.known.row(tx.connection(), &order.trunk).await?;
        let after = wanted(tx, caller, &mut ground.places, order, before.as_ref()).await?;
        let trunk = match &before {
            None => trunks::new(tx, &after).await?,
            Some(before) if *before == after => after.clone(),
            Some(before) => trunks::next(tx, &after, before.carrier != after.carrier).await?,
        };
        if before.as_ref() != Some(&after) {
            bearable(tx, &mut ground.loader, before.as_ref(), &trunk).await?;
        }
        let Some(asked) = &order.asked else { return Ok(Step { before, after, trunk, set: None }) };
        let settings = ground.loader.settings(tx.connection(), trunk.clone()).await?;
        allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
        let standing = Standing { settings, registration, versions, held: self.is_held(&order.trunk) };
        let mac = self.mac_of(asked);
        let set = match standing.check(asked, &mac, tx.now())? {
            Checked::Unchanged => None,
            Checked::New { again } => {
                let accept_unproven = order.accept_unproven.unwrap_or_else(|| standing.settings.profile().accept_unproven);
                Some(Set { asked, mac, again, accept_unproven, first: standing.registration.is_none() })
            }
        };
        Ok(Step { before, after, trunk, set })
    }

    /// Writes results of lines that were not applied.
    pub(super) async fn note(&self, origin: &Origin, job: &mut Job, done: &[Done]) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(origin).await?;
        let next = write_results(&mut tx, job, done).await?;
        tx.commit().await?;
        *job = next;
        Ok(())
    }
}

/// Finds out what a line makes of its trunk, as far as the caller may. Nothing is written.
pub async fn wanted(tx: &mut Tx, caller: &Caller, places: &mut Places, order: &Order, before: Option<&Trunk>) -> Result<Trunk, Problem> {
    if let Some(before) = before {
        caller.require_on(tx.connection(), &NEEDED, &Place::trunk(before)).await?;
    }
    let Some(given) = &order.fields else {
        return before.cloned().ok_or_else(|| Problem::not_found("trunk", &order.trunk));
    };
    let mut given = given.clone();
    given.insert("id".into(), order.trunk.clone().into());
    let Some(before) = before else {
        let after = TrunkForm::parse(given)?.resolve_among(tx, caller, places).await?;
        may_put(caller, &NEEDED, &after)?;
        return Ok(after);
    };
    let common = Common::take(&mut given)?;
    if let Some(version) = common.version.filter(|version| *version != before.meta.version) {
        return Err(Problem::version_mismatch(&version.to_string(), before.meta.version));
    }
    // What the line leaves out stays as it is.
    let Value::Object(mut fields) = show_trunk(before) else { return Err(Problem::internal("a trunk is shown as an object")) };
    let shown = Common::take(&mut fields)?;
    merge(&mut fields, given);
    let common = Common { id: shown.id, name: common.name.or(shown.name), version: None };
    let resolved = TrunkForm::parse_rest(common, fields)?.resolve_among(tx, caller, places).await?;
    may_put(caller, &NEEDED, &resolved)?;
    let meta = crate::domain::Meta { name: resolved.meta.name.clone(), ..before.meta.clone() };
    Ok(Trunk { meta, target_revision: before.target_revision, ..resolved })
}

/// Writes what changes of a trunk that is there. Tells whether it had no active credentials before.
async fn change(
    tx: &mut Tx,
    keyring: &Keyring,
    before: Option<Trunk>,
    after: &Trunk,
    set: Option<Set<'_>>,
    proof: Proof,
) -> Result<bool, StoreError> {
    if let Some(before) = before {
        let trunk = trunks::update(tx, &before, after).await?;
        tx.audit(AuditEntry::new("update", "trunk", &trunk.meta.id).before(show_trunk(&before)).after(show_trunk(&trunk)));
    }
    let Some(set) = set else { return Ok(false) };
    let version = match &set.again {
        Some(again) => (**again).clone(),
        None => transition::stage(tx, keyring, &set.as_new(&after.meta.id), VersionState::Staged).await?,
    };
    Ok(transition::promote(tx, &version, proof, "promote").await?.first)
}

/// Refuses a trunk that its carrier's pacing cannot bear. Nothing is counted yet.
async fn bearable(tx: &mut Tx, loader: &mut Loader, before: Option<&Trunk>, after: &Trunk) -> Result<(), Problem> {
    let Some(carrier) = loader.carrier(tx.connection(), &after.carrier).await? else { return Ok(()) };
    let fleet = tx.fleet_with(before, after).await?;
    load::judge_trunk(&Load::new(&carrier, &loader.organization(), &fleet), before, after)
}

/// Writes results, and returns the job as it is once they are committed.
async fn write_results(tx: &mut Tx, job: &Job, done: &[Done]) -> Result<Job, StoreError> {
    let mut next = job.clone();
    next.modified = tx.now();
    let mut results = Vec::with_capacity(done.len());
    for line in done {
        let Outcome::Now(outcome) = &line.outcome else { continue };
        results.push((signed(line.number), LineResult { body: line.text(), mac: line.mac.clone() }));
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
    jobs::save_results(tx.connection(), &next.id, &results).await?;
    jobs::update(tx.connection(), &next).await?;
    Ok(next)
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
