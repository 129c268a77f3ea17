//! Lines with `"verify": "live"`: the carrier is asked before anything of their trunks is written, under the rules of the flagship call.

use std::collections::{HashMap, HashSet};

use diagnosis::{Code, Diagnosis};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use link::{Outcome, VerifyBy, VerifyMode};
use tokio::sync::Semaphore;

use super::apply::{Done, Read, wanted};
use super::ground::{Ground, Row};
use super::order::Order;
use crate::access::Caller;
use crate::audit::Origin;
use crate::problem::Problem;
use crate::registrations::activate::digest_sent;
use crate::registrations::check::{Checked, Standing, allowed};
use crate::registrations::form::{Asked, Mode};
use crate::registrations::refusal::{edge_offline, indeterminate, refusal};
use crate::registrations::running::{Settled, Turn};
use crate::registrations::transition::{self, New, Proof};
use crate::registrations::verification::{self, Question};
use crate::registrations::verify::seal;
use crate::registrations::version::{Version, VersionState};
use crate::registrations::{Registrations, policy};
use crate::store::jobs::Job;
use crate::store::now;

/// So many lines ask carriers at the same time.
const ASKING: usize = 16;

/// What came of asking about a line.
#[derive(Clone, Debug)]
pub enum Heard {
    /// The credentials are good; they are written with their trunk.
    Proof(Proof),
    /// All of the line is done: its trunk stays as it is, and the version was staged, tried and promoted.
    Done(u16),
}

impl Heard {
    /// What is written with the trunk.
    pub fn proof(self) -> Option<Proof> {
        match self {
            Heard::Proof(proof) => Some(proof),
            Heard::Done(_) => None,
        }
    }
}

/// What was heard, by the numbers of lines.
pub type AllHeard = HashMap<u64, Result<Heard, Problem>>;

/// A line about which the carrier is to be asked.
struct Ask<'a> {
    number: u64,
    line: &'a Read,
    order: &'a Order,
    asked: &'a Asked,
    turn: &'a Turn,
    standing: Standing,
    mac: String,
    /// The rejected version of the same content.
    again: Option<Box<Version>>,
    place: Place,
}

/// Where the version of a line is while the carrier is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// With its trunk, which the line does not change: in the store, as for the flagship call.
    Stored,
    /// The line changes the trunk; the version is kept only once it is refused.
    Changed,
    /// There is no trunk yet that a version could belong to.
    Nowhere,
}

/// Cuts lines where a live one is about a trunk that a line before it is about: that is applied first, for a trunk's carrier is never asked
/// twice at once, and what the first line makes of the trunk counts for the second.
pub fn apart(lines: Vec<Read>) -> Vec<Vec<Read>> {
    if !lines.iter().any(Read::is_live) {
        return vec![lines];
    }
    let (mut parts, mut part, mut trunks) = (Vec::new(), Vec::new(), HashSet::new());
    for line in lines {
        if let Ok(order) = &line.order {
            if line.is_live() && trunks.contains(&order.trunk) {
                parts.push(std::mem::take(&mut part));
                trunks.clear();
            }
            trunks.insert(order.trunk.clone());
        }
        part.push(line);
    }
    parts.push(part);
    parts
}

impl Read {
    fn is_live(&self) -> bool {
        self.order.as_ref().is_ok_and(|order| order.mode == Mode::Live && order.asked.is_some())
    }
}

impl Registrations {
    /// Asks carriers about the lines that want it, before anything is written of their trunks.
    pub(super) async fn ask_carriers(
        &self,
        origin: &Origin,
        caller: &Caller,
        lines: &mut [Read],
        turns: &HashMap<String, Turn>,
        job: Option<&mut Job>,
    ) -> AllHeard {
        let mut heard = HashMap::new();
        let mut unstored = HashSet::new();
        let mut asks = Vec::new();
        for line in lines.iter().filter(|line| line.is_live()) {
            let Ok(order) = &line.order else { continue };
            let (Some(asked), Some(turn)) = (&order.asked, turns.get(&order.trunk)) else { continue };
            match self.judge_live(origin, caller, line, order, asked, turn).await {
                Ok(None) => {}
                Ok(Some(ask)) => {
                    if ask.place != Place::Stored {
                        unstored.insert(line.number);
                    }
                    asks.push(ask);
                }
                Err(problem) => drop(heard.insert(line.number, Err(problem))),
            }
        }
        // What no version tells, the job does: after a stop in the middle these lines have a result, and are not asked about again.
        let (mut marked, mut is_marked) = (Ok(()), false);
        if let Some(job) = job.filter(|_| !unstored.is_empty()) {
            let of = asks.iter().filter(|ask| unstored.contains(&ask.number));
            let done: Vec<Done> = of.map(|ask| Done::new(ask.line, Some(ask.order.trunk.clone()), Err(stopped()))).collect();
            marked = self.note(origin, job, &done).await.map_err(Problem::from);
            is_marked = marked.is_ok();
        }
        {
            let limit = Semaphore::new(ASKING);
            let mut asking = FuturesUnordered::new();
            for ask in asks {
                match &marked {
                    Err(problem) if unstored.contains(&ask.number) => drop(heard.insert(ask.number, Err(problem.clone()))),
                    Ok(()) | Err(_) => asking.push(self.ask_one(&limit, origin, ask)),
                }
            }
            while let Some((number, outcome)) = asking.next().await {
                heard.insert(number, outcome);
            }
        }
        if is_marked {
            for line in lines.iter_mut().filter(|line| unstored.contains(&line.number)) {
                line.again = true;
            }
        }
        heard
    }

    /// Finds out whether the carrier is to be asked about a line; `None` where it need not be.
    async fn judge_live<'a>(
        &self,
        origin: &Origin,
        caller: &Caller,
        line: &'a Read,
        order: &'a Order,
        asked: &'a Asked,
        turn: &'a Turn,
    ) -> Result<Option<Ask<'a>>, Problem> {
        // Dropped without a commit: nothing is written yet.
        let mut tx = self.inner.store.begin(origin).await?;
        let mut ground = Ground::load(tx.connection(), std::iter::once(order.trunk.as_str())).await?;
        let Row { trunk: before, registration, versions } = ground.known.row(tx.connection(), &order.trunk).await?;
        let after = wanted(&mut tx, caller, &mut ground.places, order, before.as_ref()).await?;
        let place = match &before {
            None => Place::Nowhere,
            Some(before) if *before == after => Place::Stored,
            Some(_) => Place::Changed,
        };
        let settings = ground.loader.settings(tx.connection(), after).await?;
        allowed(&settings, asked).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
        let standing = Standing { settings, registration, versions, held: self.is_held(&order.trunk) };
        let mac = self.mac_of(asked);
        let again = match standing.check(asked, &mac, tx.now())? {
            Checked::Unchanged => return Ok(None),
            Checked::New { .. } if standing.settings.verify_by() == VerifyBy::None => return Ok(None),
            Checked::New { again } => again,
        };
        Ok(Some(Ask { number: line.number, line, order, asked, turn, standing, mac, again, place }))
    }

    async fn ask_one(&self, limit: &Semaphore, origin: &Origin, ask: Ask<'_>) -> (u64, Result<Heard, Problem>) {
        let _place = limit.acquire().await;
        let number = ask.number;
        let heard = match ask.place {
            Place::Stored => self.try_stored(origin, ask).await,
            Place::Changed | Place::Nowhere => self.prove(origin, ask).await,
        };
        (number, heard)
    }

    /// As the flagship call does it: the version, a row before anything is sent, the decision.
    async fn try_stored(&self, origin: &Origin, ask: Ask<'_>) -> Result<Heard, Problem> {
        let Ask { order, asked, turn, standing, mac, again, .. } = ask;
        let settings = &standing.settings;
        let accept_unproven = order.accept_unproven.unwrap_or_else(|| settings.profile().accept_unproven);
        let new = New { trunk: &order.trunk, asked, mac: &mac, accept_unproven };
        let edge = self.inner.fleet.serving(&settings.trunk.site).ok_or_else(|| edge_offline(&settings.trunk))?;
        match self.try_version(turn, origin, &new, settings, &edge, again).await? {
            Settled::Promoted { first, .. } => Ok(Heard::Done(if first { 201 } else { 200 })),
            Settled::Unchanged | Settled::Kept { .. } => Ok(Heard::Done(200)),
            Settled::Refused(problem) => Err(problem),
        }
    }

    /// Asks about credentials whose trunk is not as it will be.
    async fn prove(&self, origin: &Origin, ask: Ask<'_>) -> Result<Heard, Problem> {
        let settings = &ask.standing.settings;
        let trunk = &settings.trunk;
        let question = format!("{} {} {} {}", trunk.carrier, settings.basis(), trunk.settings.address_of_record, ask.mac);
        if ask.place == Place::Nowhere
            && let Some(diagnosis) = self.inner.refused.recent(&question, now())
        {
            return Err(refusal(trunk, diagnosis));
        }
        let edge = self.inner.fleet.serving(&trunk.site).ok_or_else(|| edge_offline(trunk))?;
        let sealed = seal(ask.asked, &edge, &ask.order.trunk);
        let asked = Question { accept_unproven: ask.order.accept_unproven, ..Question::new(VerifyMode::Digest, Some(sealed)) };
        let verdict = verification::ask(&self.inner.fleet, &edge, asked.order(settings)).await;
        let diagnosis = match verdict.outcome {
            Outcome::Proved => return Ok(Heard::Proof(Proof { negotiated: verdict.negotiated, authenticated: true })),
            Outcome::AcceptedUnproven => return Ok(Heard::Proof(Proof::default())),
            Outcome::Learned => Diagnosis::new(Code::Indeterminate),
            Outcome::Refused(diagnosis) => policy::name_override(*diagnosis, &settings.policy(), Some(&trunk.meta.id)),
        };
        let sent = digest_sent(&diagnosis);
        match ask.place {
            Place::Nowhere if sent => self.inner.refused.remember(question, now(), diagnosis.clone()),
            Place::Changed => self.keep_refused(origin, &ask, &diagnosis, sent).await?,
            Place::Nowhere | Place::Stored => {}
        }
        Err(refusal(trunk, diagnosis))
    }

    /// Keeps what was refused as a rejected version of the trunk, which stays as it is.
    async fn keep_refused(&self, origin: &Origin, ask: &Ask<'_>, diagnosis: &Diagnosis, sent: bool) -> Result<(), Problem> {
        let settings = &ask.standing.settings;
        let mut tx = self.inner.store.begin(origin).await?;
        let mut version = match &ask.again {
            Some(again) => again.as_ref().clone(),
            None => {
                let accept_unproven = ask.order.accept_unproven.unwrap_or_else(|| settings.profile().accept_unproven);
                let new = New { trunk: &ask.order.trunk, asked: ask.asked, mac: &ask.mac, accept_unproven };
                transition::stage(&mut tx, &self.inner.keyring, &new, VersionState::Staged).await?
            }
        };
        transition::reject(&mut tx, &mut version, diagnosis, sent, &settings.basis()).await?;
        Ok(tx.commit().await?)
    }
}

fn stopped() -> Problem {
    Problem::from(indeterminate("The server was stopped while the carrier was asked; whether the carrier got a digest is not known."))
}
