use std::fmt;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{Assignment, CarrierProfile, FromEdge, Hello, SealKey, VerifyOrder};

/// So many messages wait in one direction; a sender beyond that waits.
const QUEUE: usize = 4096;

/// What the control plane orders.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToEdge {
    /// What follows until `SnapshotEnd` is all there is; trunks not named are to be forgotten.
    SnapshotBegin,
    /// The snapshot is whole.
    SnapshotEnd,
    /// A carrier's profile, before the first assignment that names it.
    Carrier(Box<CarrierProfile>),
    /// A trunk's desired state.
    Assign(Box<Assignment>),
    /// A trunk is no longer this edge's.
    Withdraw {
        /// The trunk's id.
        trunk: String,
        /// What becomes of its binding.
        how: Withdrawal,
    },
    /// Credentials are to be tried. Answered by a verdict, once for each id however often it is ordered.
    Verify(Box<VerifyOrder>),
    /// Every exchange of a trunk is to be reported as an attempt for so long.
    Trace {
        /// The trunk's id.
        trunk: String,
        /// From now; zero ends it.
        seconds: u32,
    },
    /// Something to do now, once.
    Act {
        /// The trunk's id.
        trunk: String,
        /// What to do.
        action: Action,
    },
}

/// What becomes of the binding of a withdrawn trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Withdrawal {
    /// It is removed at the carrier, at most until it lapses by itself.
    Unregister,
    /// It is left alone: another edge goes on with it.
    Forget,
}

/// Something to do for a trunk now, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Renew the binding.
    Refresh,
    /// Remove the binding and stay away until `Refresh` or a new assignment.
    Unregister,
    /// Forget the failed digests and try again.
    ReleaseHold,
}

/// The control plane's end.
pub struct ControlEnd {
    /// Who is at the other end.
    pub hello: Hello,
    /// Seals secrets to the edge at the other end.
    pub key: SealKey,
    /// Orders to the edge.
    pub orders: mpsc::Sender<ToEdge>,
    /// Reports of the edge.
    pub reports: mpsc::Receiver<FromEdge>,
}

/// The edge's end.
pub struct EdgeEnd {
    /// Opens what the control plane has sealed to this edge.
    pub key: SealKey,
    /// Orders of the control plane.
    pub orders: mpsc::Receiver<ToEdge>,
    /// Reports to the control plane.
    pub reports: mpsc::Sender<FromEdge>,
}

/// Joins a control plane and an edge of the same process.
pub fn pair(hello: Hello) -> (ControlEnd, EdgeEnd) {
    let (orders, orders_out) = mpsc::channel(QUEUE);
    let (reports, reports_out) = mpsc::channel(QUEUE);
    let key = SealKey::random();
    (ControlEnd { hello, key: key.share(), orders, reports: reports_out }, EdgeEnd { key, orders: orders_out, reports })
}

/// The other end is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkClosed;

impl fmt::Display for LinkClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other end of the link is gone")
    }
}

impl std::error::Error for LinkClosed {}
