//! Asking a carrier: the order for an edge, and waiting for its verdict.

use std::time::Duration;

use diagnosis::{Diagnosis, Evidence};
use link::{Credential, Outcome, Verdict, VerifyBy, VerifyMode, VerifyOrder};
use tokio::time::timeout;

use super::assignment::Settings;
use super::fleet::{AttachedEdge, Fleet};
use super::refusal::indeterminate;
use crate::domain::id;

/// So long may an edge take: OPTIONS and REGISTER run side by side, each up to Timer F, and the longest `Prefer: wait` is 40 s.
pub const PATIENCE: Duration = Duration::from_secs(38);
/// The edge's patience and the way there and back; past it, a verification is decided without a verdict.
pub const GRACE: Duration = Duration::from_secs(7);
/// So long a refusal by policy waits for evidence of what the carrier offers.
pub const EVIDENCE: Duration = Duration::from_secs(3);

/// What an edge is asked to try for a trunk.
pub struct Question {
    /// Names the verification.
    pub id: String,
    /// What is tried; may be absent where only the challenge is asked for.
    pub credential: Option<Credential>,
    /// How far to go.
    pub mode: VerifyMode,
    /// A 2xx without a challenge is good enough; the profile decides where absent.
    pub accept_unproven: Option<bool>,
    /// So long may it take.
    pub patience: Duration,
}

impl Question {
    /// A question with an id of its own.
    pub fn new(mode: VerifyMode, credential: Option<Credential>) -> Self {
        Question { id: id::generate(), credential, mode, accept_unproven: None, patience: PATIENCE }
    }

    /// Makes the order for a trunk.
    pub fn order(self, settings: &Settings) -> VerifyOrder {
        let mut carrier = settings.profile();
        carrier.accept_unproven = self.accept_unproven.unwrap_or(carrier.accept_unproven);
        // A profile that verifies nothing before promotion is asked by a query where somebody wants to know all the same.
        let by = match settings.verify_by() {
            VerifyBy::None => VerifyBy::Query,
            by @ (VerifyBy::Query | VerifyBy::Renew) => by,
        };
        VerifyOrder {
            id: self.id,
            trunk: Some(settings.trunk.meta.id.clone()),
            account: settings.account(),
            policy: settings.policy(),
            carrier,
            credential: self.credential,
            mode: self.mode,
            by,
            // Another system may hold the account's only binding: it is not taken away before the trunk is switched.
            may_bind: settings.trunk.in_service,
            by_person: true,
            patience_ms: millis(self.patience),
        }
    }
}

/// Orders a verification and waits for its verdict. An edge that gives none leaves the outcome open, unless no digest was asked for.
pub async fn ask(fleet: &Fleet, edge: &AttachedEdge, order: VerifyOrder) -> Verdict {
    let id = order.id.clone();
    let limit = Duration::from_millis(order.patience_ms) + GRACE;
    match timeout(limit, fleet.verify(edge, order)).await {
        Ok(Ok(verdict)) => verdict,
        Ok(Err(_)) => {
            no_verdict(id, edge.id(), "The edge went away before it had an outcome; whether the carrier got a digest is not known.")
        }
        Err(_) => no_verdict(id, edge.id(), "The edge gave no outcome in time; whether the carrier got a digest is not known."),
    }
}

/// What stands in for a verdict that did not come: it counts as a failed digest.
pub fn no_verdict(id: String, edge: &str, summary: &str) -> Verdict {
    let evidence = Evidence { edge: Some(edge.to_owned()), ..Evidence::default() };
    let diagnosis = indeterminate(summary).evidence(evidence.clone());
    Verdict { id, outcome: Outcome::Refused(Box::new(diagnosis)), negotiated: None, evidence, at: crate::time::now() }
}

/// Puts what the carrier showed into a refusal that was decided here.
#[must_use]
pub fn attach(mut diagnosis: Diagnosis, seen: Evidence) -> Diagnosis {
    let mut checks = seen.checks;
    // What was compared here and by the edge too is told once, in the words of the refusal.
    checks.retain(|check| diagnosis.evidence.checks.iter().all(|own| own.name != check.name));
    checks.append(&mut diagnosis.evidence.checks);
    diagnosis.evidence = Evidence { checks, credential_sent: Some(false), ..seen };
    diagnosis
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use diagnosis::{Check, Code};

    use super::*;

    #[test]
    fn evidence_is_attached_without_repeating_a_check() {
        let refused = Diagnosis::new(Code::AlgorithmNotAllowed).check(Check::compared("algorithm.allowed", false, "SHA-256", "MD5"));
        let checks = vec![Check::new("reachable", true), Check::compared("algorithm.allowed", false, "SHA-256", "MD5")];
        let told = attach(refused, Evidence { checks, public_address: Some("198.51.100.7:5060".into()), ..Evidence::default() });
        assert_eq!(told.evidence.checks.iter().map(|check| check.name.as_str()).collect::<Vec<_>>(), ["reachable", "algorithm.allowed"]);
        assert_eq!((told.evidence.credential_sent, told.evidence.public_address.as_deref()), (Some(false), Some("198.51.100.7:5060")));
    }

    #[test]
    fn no_verdict_counts_as_a_failed_digest_and_names_the_edge() {
        let verdict = no_verdict("v1".into(), "e1", "The edge went away.");
        let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("not refused") };
        assert_eq!((diagnosis.code, diagnosis.evidence.edge.as_deref()), (Code::Indeterminate, Some("e1")));
    }
}
