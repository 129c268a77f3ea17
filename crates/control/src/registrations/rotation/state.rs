use std::str::FromStr;

/// How far a rotation is; the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RotationState {
    /// Its lines are being read; nothing is asked yet.
    Loading,
    /// It goes on.
    Running,
    /// Somebody has paused it.
    Paused,
    /// Its rules have stopped it.
    Stopped,
    /// All trunks have their results.
    Completed,
    /// It was given up; what waited is retired.
    Cancelled,
}

/// How far one trunk of a rotation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemState {
    /// Its turn comes.
    Waiting,
    /// The new credentials are active.
    Promoted,
    /// They were active before.
    Unchanged,
    /// The line was refused; nothing was asked.
    Refused,
    /// The carrier has refused a digest of them.
    Rejected,
    /// The carrier, or the way to it, failed before a digest.
    Failed,
    /// It failed before a digest while the carrier was at work on itself.
    Excused,
    /// Whether they are right is not known: the server was stopped in the middle.
    Unknown,
    /// Somebody has given the version up meanwhile.
    Superseded,
}

impl RotationState {
    const ALL: [RotationState; 6] = [
        RotationState::Loading,
        RotationState::Running,
        RotationState::Paused,
        RotationState::Stopped,
        RotationState::Completed,
        RotationState::Cancelled,
    ];

    /// Returns the word of the API, which the store keeps too.
    pub fn as_str(self) -> &'static str {
        match self {
            RotationState::Loading => "LOADING",
            RotationState::Running => "RUNNING",
            RotationState::Paused => "PAUSED",
            RotationState::Stopped => "STOPPED",
            RotationState::Completed => "COMPLETED",
            RotationState::Cancelled => "CANCELLED",
        }
    }
}

impl FromStr for RotationState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("{text:?} is no state of a rotation"))
    }
}

impl ItemState {
    /// All, in the order in which they are told.
    pub const ALL: [ItemState; 9] = [
        ItemState::Waiting,
        ItemState::Promoted,
        ItemState::Unchanged,
        ItemState::Refused,
        ItemState::Rejected,
        ItemState::Failed,
        ItemState::Excused,
        ItemState::Unknown,
        ItemState::Superseded,
    ];

    /// Returns the word of the API, which the store keeps too.
    pub fn as_str(self) -> &'static str {
        match self {
            ItemState::Waiting => "waiting",
            ItemState::Promoted => "promoted",
            ItemState::Unchanged => "unchanged",
            ItemState::Refused => "refused",
            ItemState::Rejected => "rejected",
            ItemState::Failed => "failed",
            ItemState::Excused => "excused",
            ItemState::Unknown => "unknown",
            ItemState::Superseded => "superseded",
        }
    }
}

impl FromStr for ItemState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("{text:?} is no state of a rotation's item"))
    }
}
