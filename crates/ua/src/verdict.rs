//! What was observed, judged. A pure function: same observation, same diagnosis.

mod challenge;
mod end;
mod network;
#[cfg(test)]
mod properties;
mod realm;
mod said;
mod terms;
#[cfg(test)]
mod tests;
mod words;

use std::net::SocketAddr;

use diagnosis::{Challenge, Check, Diagnosis, Evidence, Note, Said, SipStatus};
use sip::digest::Algorithm;

use crate::challenge::Refusal;
use crate::{DigestPolicy, FlowFault, Place, ResolveFault, SendFault};

pub use end::refuses_a_query;
pub(crate) use end::{names_cseq, status};
pub(crate) use said::{headers, notes};
pub(crate) use terms::terms;
pub use words::hop;

/// What was seen of one attempt, up to its end.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The trunk's id, where it has one.
    pub trunk: Option<String>,
    /// The carrier's id.
    pub carrier: String,
    /// Who asked.
    pub address_of_record: String,
    /// The digest user name; no secret.
    pub username: Option<String>,
    /// The first hop as configured.
    pub registrar: String,
    /// The address that was asked.
    pub target: Option<Place>,
    /// How the first hop was found, a line a look-up.
    pub resolution: Vec<String>,
    /// Our address.
    pub source: Option<SocketAddr>,
    /// Our address as the carrier saw it.
    pub public: Option<SocketAddr>,
    /// Whether OPTIONS was answered; absent where it was not asked, or not long enough ago to tell.
    pub options: Option<bool>,
    /// The realm that the credentials name.
    pub realm: Option<String>,
    /// What may be answered.
    pub policy: DigestPolicy,
    /// The last challenges.
    pub challenges: Vec<Challenge>,
    /// What was compared and held.
    pub checks: Vec<Check>,
    /// The algorithm of the digest that was sent.
    pub answered: Option<Algorithm>,
    /// It tried credentials; else it was the registration itself.
    pub verification: bool,
    /// The request was a query of bindings.
    pub query: bool,
    /// Another request than a query was allowed.
    pub may_bind: bool,
    /// The target answered before, and failures followed.
    pub answered_before: bool,
    /// The last final answer.
    pub sip: Option<SipStatus>,
    /// Notes of the carrier's profile that fit what it said.
    pub notes: Vec<Note>,
    /// The profile has a truncated SHA-512 sent in place of SHA-512-256.
    pub truncated_sha512: bool,
    /// The carrier accepted these very credentials before.
    pub accepted_before: bool,
    /// What is refused is the secret for the proxy on the way.
    pub refused_proxys: bool,
}

impl Observation {
    /// Begins with nothing seen.
    pub fn new(policy: DigestPolicy) -> Self {
        Observation {
            trunk: None,
            carrier: String::new(),
            address_of_record: String::new(),
            username: None,
            registrar: String::new(),
            target: None,
            resolution: Vec::new(),
            source: None,
            public: None,
            options: None,
            realm: None,
            policy,
            challenges: Vec::new(),
            checks: Vec::new(),
            answered: None,
            verification: false,
            query: false,
            may_bind: true,
            answered_before: false,
            sip: None,
            notes: Vec::new(),
            truncated_sha512: false,
            accepted_before: false,
            refused_proxys: false,
        }
    }

    /// A digest left the endpoint.
    pub fn credential_sent(&self) -> bool {
        self.answered.is_some()
    }
}

/// How an attempt ended, if not in success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The registrar's name led nowhere.
    Unresolved(ResolveFault),
    /// The request did not leave or arrive.
    NotSent(SendFault),
    /// The connection could not be opened, or ended before an answer came.
    Disconnected(FlowFault),
    /// No answer within the time of Timer F, or the patience of who asked.
    Silence,
    /// A challenge that cannot be answered.
    Challenge(Refusal),
    /// A final answer other than 2xx.
    Final(Final),
    /// Stale again and again.
    StaleLoop,
    /// A 2xx without a challenge where proof was wanted.
    Unproven,
    /// A 2xx that lists others, not us.
    BindingMissing {
        /// The Contacts that it lists.
        listed: Vec<String>,
    },
    /// A 2xx that grants no time.
    GrantedNothing,
    /// The allowance of failed digests is spent; nothing was sent.
    BudgetSpent {
        /// Seconds until one is free.
        retry_after: u32,
    },
}

/// The parts of a final answer that a diagnosis needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Final {
    /// 300 to 699.
    pub code: u16,
    /// The reason phrase, printable.
    pub reason: String,
    /// Retry-After in seconds.
    pub retry_after: Option<u32>,
    /// Min-Expires in seconds.
    pub min_expires: Option<u32>,
    /// The first Contact of a redirection.
    pub redirect: Option<String>,
    /// Require, Unsupported or Security-Server: what is demanded.
    pub demands: Option<String>,
    /// Warning and Reason headers.
    pub headers: Vec<Said>,
}

/// Judges an observation.
pub fn judge(seen: &Observation, end: &End) -> Diagnosis {
    let diagnosis = match end {
        End::Unresolved(fault) => network::unresolved(seen, fault),
        End::NotSent(fault) => network::not_sent(seen, *fault),
        End::Disconnected(fault) => network::disconnected(seen, fault),
        End::Silence => network::silence(seen),
        End::Challenge(refusal) => challenge::refused(seen, refusal),
        End::Final(answer) => end::final_answer(seen, answer),
        End::StaleLoop => end::stale_loop(seen),
        End::Unproven => end::unproven(seen),
        End::BindingMissing { listed } => end::binding_missing(seen, listed),
        End::GrantedNothing => end::granted_nothing(seen),
        End::BudgetSpent { retry_after } => end::budget_spent(seen, *retry_after),
    };
    let mut all = evidence(seen);
    all.checks.extend(diagnosis.evidence.checks.iter().cloned());
    all.retry_after = diagnosis.evidence.retry_after;
    if let End::Final(answer) = end {
        all.headers.clone_from(&answer.headers);
    }
    let summary = format!("{}{}{}", diagnosis.summary, words::notes(seen), words::options_note(seen, diagnosis.code));
    Diagnosis { evidence: all, summary, ..diagnosis }
}

/// Returns what was seen, whatever the outcome.
pub fn evidence(seen: &Observation) -> Evidence {
    Evidence {
        edge: None,
        registrar: seen.target.map(hop).or_else(|| Some(seen.registrar.clone())).filter(|text| !text.is_empty()),
        resolution: seen.resolution.clone(),
        source_address: seen.source.map(|address| address.to_string()),
        public_address: seen.public.map(|address| address.to_string()),
        sip: seen.sip.clone(),
        headers: Vec::new(),
        notes: seen.notes.clone(),
        challenges: seen.challenges.clone(),
        checks: seen.checks.clone(),
        options_reachable: seen.options,
        credential_sent: Some(seen.credential_sent()),
        retry_after: None,
        attempt_id: None,
    }
}
