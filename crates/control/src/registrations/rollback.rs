//! What to do when the carrier refuses a version that was promoted: go back, or stay and be held.

use link::UnixMicros;

use super::version::{LastOutcome, Version, VersionState};

/// Carriers are eventually consistent: a version that was accepted once may still be refused by another of their nodes this long
/// after its promotion (microseconds). A refusal later than this is a change at the carrier, to which the previous version is no answer.
pub const SETTLING_MICROS: i64 = 3_600_000_000;

/// What follows from a refused registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRefusal {
    /// The version before is promoted again, the refused one becomes REJECTED.
    RollBack {
        /// The version to go back to.
        to: u32,
    },
    /// The refused version stays active: the edge tries it once more, then holds it.
    Stay {
        /// The version before was refused too when it was used last.
        both_rejected: bool,
    },
    /// The standby version was tried and refused: it is out of the running.
    DropStandby,
    /// An old answer, to a version that no longer counts.
    Ignore,
}

/// Decides what follows when a registration with `refused` got a refusal at `at`.
pub fn after_refusal(refused: &Version, previous: Option<&Version>, digest_sent: bool, at: UnixMicros) -> AfterRefusal {
    match refused.state {
        VersionState::Standby => return AfterRefusal::DropStandby,
        VersionState::Active => {}
        VersionState::Staged | VersionState::Verifying | VersionState::Previous | VersionState::Rejected | VersionState::Retired => {
            return AfterRefusal::Ignore;
        }
    }
    // Before a digest nobody looked at the password: another one would fare no better.
    if !digest_sent {
        return AfterRefusal::Stay { both_rejected: false };
    }
    let settling = refused.accepted_at.is_none() || refused.promoted_at.is_some_and(|promoted| at - promoted <= SETTLING_MICROS);
    match previous {
        Some(previous) if settling && previous.last_outcome == Some(LastOutcome::Accepted) => {
            AfterRefusal::RollBack { to: previous.version }
        }
        Some(previous) => AfterRefusal::Stay { both_rejected: previous.last_outcome == Some(LastOutcome::Refused) },
        None => AfterRefusal::Stay { both_rejected: false },
    }
}

#[cfg(test)]
mod tests {
    use super::super::version::tests::version;
    use super::*;

    fn active() -> Version {
        Version { promoted_at: Some(1_000), ..version(2, VersionState::Active) }
    }

    fn previous(last_outcome: Option<LastOutcome>) -> Version {
        Version { last_outcome, ..version(1, VersionState::Previous) }
    }

    #[test]
    fn a_refused_first_register_goes_back_to_what_was_accepted_last() {
        let to = previous(Some(LastOutcome::Accepted));
        assert_eq!(after_refusal(&active(), Some(&to), true, 2_000), AfterRefusal::RollBack { to: 1 });
    }

    #[test]
    fn it_stays_where_the_previous_version_was_refused_or_never_used() {
        for (outcome, both_rejected) in [(Some(LastOutcome::Refused), true), (None, false)] {
            assert_eq!(after_refusal(&active(), Some(&previous(outcome)), true, 2_000), AfterRefusal::Stay { both_rejected });
        }
        assert_eq!(after_refusal(&active(), None, true, 2_000), AfterRefusal::Stay { both_rejected: false });
    }

    #[test]
    fn a_refusal_before_the_digest_says_nothing_about_the_secret() {
        let to = previous(Some(LastOutcome::Accepted));
        assert_eq!(after_refusal(&active(), Some(&to), false, 2_000), AfterRefusal::Stay { both_rejected: false });
    }

    #[test]
    fn what_worked_for_long_and_is_refused_now_is_not_answered_with_an_old_password() {
        let to = previous(Some(LastOutcome::Accepted));
        let settled = Version { accepted_at: Some(5_000), ..active() };
        assert_eq!(after_refusal(&settled, Some(&to), true, 1_000 + SETTLING_MICROS), AfterRefusal::RollBack { to: 1 });
        assert_eq!(after_refusal(&settled, Some(&to), true, 1_001 + SETTLING_MICROS), AfterRefusal::Stay { both_rejected: false });
    }

    #[test]
    fn old_answers_are_ignored_and_a_refused_standby_is_dropped() {
        for state in [VersionState::Previous, VersionState::Rejected, VersionState::Retired, VersionState::Verifying] {
            assert_eq!(after_refusal(&version(2, state), None, true, 0), AfterRefusal::Ignore);
        }
        assert_eq!(after_refusal(&version(2, VersionState::Standby), None, true, 0), AfterRefusal::DropStandby);
    }
}
