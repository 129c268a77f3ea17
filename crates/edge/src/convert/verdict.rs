use std::sync::Arc;
use std::time::Duration;

use diagnosis::Diagnosis;
use link::{Outcome, SealKey, Step, UnixMicros, Verdict};
use ua::{VerifyMode, VerifyOrder};

use super::account::{account, policy};
use super::credential::credential;
use super::profile::{Share, profile, verify_by};
use super::status::{negotiated, with_edge};

/// Takes over an order to try credentials.
pub(crate) fn order(from: &link::VerifyOrder, id: Arc<str>, share: Share, key: &SealKey) -> Result<VerifyOrder, Box<Diagnosis>> {
    let trunk = from.trunk.as_deref().unwrap_or_default();
    Ok(VerifyOrder {
        id,
        trunk: from.trunk.as_deref().map(Into::into),
        profile: profile(&from.carrier, share)?,
        account: account(&from.account)?,
        policy: policy(&from.policy),
        credential: from.credential.as_ref().map(|tried| credential(tried, trunk, key)).transpose()?,
        mode: match from.mode {
            link::VerifyMode::ChallengeOnly => VerifyMode::ChallengeOnly,
            link::VerifyMode::Digest => VerifyMode::Digest,
        },
        by: verify_by(from.by),
        may_bind: from.may_bind,
        by_person: from.by_person,
        patience: Duration::from_millis(from.patience_ms),
    })
}

/// Says how far a verification is in the link's terms.
pub(crate) fn step(from: ua::VerifyStep) -> Step {
    match from {
        ua::VerifyStep::Resolved => Step::Resolve,
        ua::VerifyStep::Reached => Step::Reach,
        ua::VerifyStep::Challenged => Step::Challenge,
    }
}

/// Says how a verification ended in the link's terms.
pub(crate) fn verdict(from: ua::Verdict, edge: &str, at: UnixMicros) -> Verdict {
    let mut evidence = from.evidence;
    evidence.edge = Some(edge.to_owned());
    Verdict {
        id: (*from.id).to_owned(),
        outcome: match from.outcome {
            ua::Outcome::Proved => Outcome::Proved,
            ua::Outcome::Learned => Outcome::Learned,
            ua::Outcome::AcceptedUnproven => Outcome::AcceptedUnproven,
            ua::Outcome::Refused(diagnosis) => Outcome::Refused(with_edge(diagnosis, edge)),
        },
        negotiated: from.negotiated.map(negotiated),
        evidence,
        at,
    }
}
