//! What a carrier does otherwise than when the credentials were set: a mark on the registration, and how it is taken away.

use diagnosis::Code;
use link::UnixMicros;
use serde_json::Value;

use super::Registrations;
use super::attempts::change;
use super::version::{Version, VersionState};
use crate::audit::{AuditEntry, Origin};
use crate::problem::Problem;
use crate::store::drifts::{self, Seen};
use crate::store::trunks;
use crate::time::rfc3339;

/// Returns since when a change counts: setting the credentials anew has seen what was before.
pub fn counts_since(versions: &[Version]) -> UnixMicros {
    let active = versions.iter().find(|version| version.state == VersionState::Active);
    active.and_then(|active| active.promoted_at).unwrap_or(UnixMicros::MIN)
}

/// Writes a change.
pub fn body(seen: &Seen) -> Value {
    let mut body = change(&seen.drift);
    body["at"] = rfc3339(seen.at).into();
    body
}

/// Returns the warnings that changes give, each once.
pub fn warnings(drift: &[Seen]) -> Vec<Code> {
    let of = |seen: &Seen| if seen.drift.what == "expires" { Code::IntervalChanged } else { Code::ChallengeChanged };
    let mut codes: Vec<Code> = drift.iter().map(of).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

impl Registrations {
    /// Takes the marks of a trunk away.
    ///
    /// # Errors
    /// 404 where there is no such trunk.
    pub(super) async fn acknowledge_drift(&self, origin: &Origin, trunk: &str) -> Result<(), Problem> {
        // What is still under way was seen before the acknowledgement.
        self.inner.attempts.settled().await;
        let mut tx = self.inner.store.begin(origin).await?;
        if trunks::find(tx.connection(), trunk).await?.is_none() {
            return Err(Problem::not_found("trunk", trunk));
        }
        let before: Vec<Value> = drifts::since(tx.connection(), trunk, UnixMicros::MIN).await?.iter().map(body).collect();
        if drifts::forget(tx.connection(), trunk).await? > 0 {
            tx.audit(AuditEntry::new("acknowledgeDrift", "registration", trunk).before(before.into()));
            tx.commit().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use link::Drift;

    use super::super::version::tests::version;
    use super::*;

    fn seen(what: &str) -> Seen {
        Seen { drift: Drift { what: what.into(), before: "a".into(), after: "b".into() }, at: 1_000_000 }
    }

    #[test]
    fn each_sort_of_change_warns_once() {
        assert_eq!(warnings(&[seen("realm"), seen("expires"), seen("algorithm")]), [Code::ChallengeChanged, Code::IntervalChanged]);
        assert!(warnings(&[]).is_empty());
    }

    #[test]
    fn it_counts_since_the_credentials_were_set() {
        let active = Version { promoted_at: Some(7), ..version(2, VersionState::Active) };
        assert_eq!(counts_since(&[version(1, VersionState::Previous), active]), 7);
        assert_eq!(counts_since(&[]), UnixMicros::MIN);
        assert_eq!(body(&seen("realm"))["at"], "1970-01-01T00:00:01.000Z");
    }
}
