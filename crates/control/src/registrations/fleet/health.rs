//! How registrations stand: which rest, which fail, and how many of a carrier's do.

use diagnosis::Code;
use link::{RegistrationState, TrunkStatus, UnixMicros};

/// A registration rests in another state than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The trunk's id.
    pub trunk: String,
    /// Where it rested before, if that was seen.
    pub from: Option<RegistrationState>,
    /// Where it rests now.
    pub to: RegistrationState,
    /// A granted binding runs.
    pub bound: bool,
    /// Since when the binding runs.
    pub registered_at: Option<UnixMicros>,
    /// When it lapses.
    pub expires_at: Option<UnixMicros>,
    /// Why it is not as it should be.
    pub code: Option<Code>,
    /// Since when.
    pub since: UnixMicros,
}

impl Transition {
    pub(super) fn new(from: Option<RegistrationState>, to: RegistrationState, status: &TrunkStatus) -> Self {
        Transition {
            trunk: status.trunk.clone(),
            from,
            to,
            bound: status.bound,
            registered_at: status.registered_at,
            expires_at: status.expires_at,
            code: status.diagnosis.as_ref().map(|diagnosis| diagnosis.code),
            since: status.since,
        }
    }
}

/// Registrations of a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are to be registered.
    pub registrations: u64,
    /// Those of them that fail.
    pub failing: u64,
}

impl Share {
    pub(super) fn moved(&mut self, from: Standing, to: Standing) {
        for (standing, up) in [(from, false), (to, true)] {
            let step = |count: &mut u64| *count = if up { *count + 1 } else { count.saturating_sub(1) };
            match standing {
                Standing::Idle => {}
                Standing::Well => step(&mut self.registrations),
                Standing::Failing => {
                    step(&mut self.registrations);
                    step(&mut self.failing);
                }
            }
        }
    }
}

/// How a registration stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is not to be registered, or nothing is known.
    Idle,
    /// It is as it should be.
    Well,
    /// It is not.
    Failing,
}

impl Standing {
    pub(super) fn of(rest: Option<RegistrationState>) -> Self {
        use RegistrationState::{
            AuthHeld, Disabled, Expired, Pending, Refreshing, Registered, Registering, Rejected, RetryWait, Unreachable, Unregistering,
        };
        match rest {
            None | Some(Disabled | Pending | Registering | Unregistering) => Standing::Idle,
            Some(Registered | Refreshing) => Standing::Well,
            Some(RetryWait | Unreachable | AuthHeld | Rejected | Expired) => Standing::Failing,
        }
    }
}

/// Returns where a registration rests: a try under way changes nothing until it has an outcome.
pub(super) fn resting(before: Option<RegistrationState>, status: &TrunkStatus) -> Option<RegistrationState> {
    match status.state {
        RegistrationState::Pending | RegistrationState::Registering => before,
        RegistrationState::Refreshing => before.or(Some(RegistrationState::Registered)),
        state => Some(state),
    }
}
