//! Something that happens in the world.

use std::time::Duration;

/// Which datagrams a partition swallows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both ways.
    Both,
    /// Requests.
    There,
    /// Answers.
    Back,
}

/// How an operator changes a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// The carrier takes both for a while; the new one is verified, then promoted.
    Overlapping,
    /// A wrong one is typed: verification refuses it.
    Mistyped,
    /// The right one is promoted unverified (`verifyBy: none`).
    Unverified,
    /// A wrong one is promoted unverified: the registration is refused, and rolled back.
    UnverifiedWrong,
    /// The carrier changes it without a word; the operator follows some minutes later.
    Surprise,
}

/// Something that happens in the world. Carriers and trunks are named by their number, taken modulo how many there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A carrier cannot be reached for so long, or one of its addresses.
    Dark {
        /// Whose.
        carrier: usize,
        /// This address only.
        node: Option<usize>,
        /// Which way.
        cut: Cut,
        /// For so long.
        lasts: Duration,
    },
    /// A registrar loses its bindings and nonces.
    CarrierRestart {
        /// Which.
        carrier: usize,
    },
    /// A carrier follows another row of `carriers.md` for so long.
    Mood {
        /// Which.
        carrier: usize,
        /// The row's name in [`carrier::rows()`](carrier::rows).
        row: &'static str,
        /// For so long.
        lasts: Duration,
    },
    /// A carrier's names do not resolve for so long.
    NamesFail {
        /// Whose.
        carrier: usize,
        /// For so long.
        lasts: Duration,
    },
    /// The edge stops, in order or not, and starts again.
    Restart {
        /// In order: what is kept is exact.
        clean: bool,
        /// It is down for so long.
        down: Duration,
    },
    /// A password is changed.
    Rotate {
        /// Whose.
        trunk: usize,
        /// How.
        how: Rotation,
    },
    /// A trunk is taken away, with its binding or without, and given back later.
    Withdraw {
        /// Which.
        trunk: usize,
        /// The binding is removed.
        unregister: bool,
        /// It is given back after so long.
        back_after: Duration,
    },
    /// The Contact changes.
    Recontact {
        /// Whose.
        trunk: usize,
        /// By a parameter only: for the registrar that is the same Contact (RFC 3261 19.1.4).
        equivalent: bool,
    },
    /// An operator wants it renewed now.
    Refresh {
        /// Which.
        trunk: usize,
    },
    /// The weather is foul for so long.
    Storm {
        /// For so long.
        lasts: Duration,
    },
}
