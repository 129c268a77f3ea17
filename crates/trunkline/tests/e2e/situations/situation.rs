//! One situation: how the carrier is, what the operator asks, and what the answer must say.

use serde_json::{Value, json};

use crate::support::udp::Peer;

/// The password of every account of the lab.
pub const PASSWORD: &str = "first-Secret-7";
/// The realm of every registrar of the lab.
pub const REALM: &str = "lab.test";

/// Where the trunk's registrar is.
pub enum At {
    /// A lab carrier with these rows, and these lines of TOML in its `[registrar.temperament]`.
    Lab(&'static [&'static str], &'static str),
    /// A lab carrier with these rows at a stream.
    Stream(Stream),
    /// A peer of ours that answers REGISTER by a script.
    Peer(fn() -> Peer),
    /// An address of this test at this port where nobody listens.
    Nobody(u16),
    /// A socket that is open and never read.
    Silent,
    /// A URI that is written here.
    Uri(&'static str),
}

/// A lab carrier that is reached by a connection.
#[derive(Clone, Copy)]
pub struct Stream {
    /// What it speaks.
    pub speaks: &'static str,
    /// What the registrar's URI asks for.
    pub asked: &'static str,
    pub rows: &'static [&'static str],
    /// A line of TOML in its `[registrar.temperament]`.
    pub more: &'static str,
    /// Its authority is the profile's `tls.roots`.
    pub trusted: bool,
}

/// What the operator asks.
pub enum Ask {
    /// The flagship call, live.
    Set,
    /// The same with `verify: static`, and then looks at the trunk until it shows the code.
    Look,
    /// POST of this body (JSON) to this path.
    Post(&'static str, &'static str),
    /// Sets wrong passwords until the answer is what is awaited, at most so many.
    Wrong(usize),
    /// The flagship call with success, then a refresh.
    Refreshed,
    /// The flagship call for a trunk of the site that no edge serves.
    Offline,
    /// Two passwords that are refused, each for another trunk of the carrier, then the flagship call.
    AfterFailuresOfOthers,
    /// Success, then two refused refreshes, then a verification of what is active.
    Held,
}

/// Where the code is to be seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// As the answer's `code` with this status.
    Refused(u16),
    /// As the present diagnosis of the trunk.
    Present,
    /// Among the trunk's warnings.
    Warned,
}

/// A row of the table.
pub struct Situation {
    /// What is the case, as a sentence without its full stop. Unique.
    pub case: &'static str,
    pub at: At,
    pub ask: Ask,
    /// Goes into the carrier's profile (JSON).
    pub profile: &'static str,
    /// Goes into the trunk (JSON).
    pub trunk: &'static str,
    /// Goes into the credentials (JSON).
    pub credentials: &'static str,
    /// Goes beside the credentials (JSON).
    pub beside: &'static str,
    pub seen: Seen,
    pub code: &'static str,
    /// Stands in the remedy or the summary of the answer: the values at hand.
    pub says: &'static str,
    /// What the operator does about it. Rows that share a code share this.
    pub act: &'static str,
}

impl Situation {
    /// The flagship call to a friendly lab carrier.
    pub const fn new(case: &'static str, code: &'static str, says: &'static str, act: &'static str) -> Self {
        Situation {
            case,
            at: At::Lab(&[], ""),
            ask: Ask::Set,
            profile: "{}",
            trunk: "{}",
            credentials: "{}",
            beside: "{}",
            seen: Seen::Refused(422),
            code,
            says,
            act,
        }
    }

    pub const fn lab(mut self, rows: &'static [&'static str]) -> Self {
        self.at = At::Lab(rows, "");
        self
    }

    /// Speaks TLS, by an authority that the profile trusts.
    pub const fn tls(self, rows: &'static [&'static str]) -> Self {
        self.at(At::Stream(Stream { speaks: "tls", asked: "tls", rows, more: "", trusted: true }))
    }

    /// Speaks one thing and is asked for another, or the same.
    pub const fn speaks(self, speaks: &'static str, asked: &'static str, more: &'static str) -> Self {
        self.at(At::Stream(Stream { speaks, asked, rows: &[], more, trusted: true }))
    }

    pub const fn at(mut self, at: At) -> Self {
        self.at = at;
        self
    }

    pub const fn ask(mut self, ask: Ask) -> Self {
        self.ask = ask;
        self
    }

    pub const fn profile(mut self, json: &'static str) -> Self {
        self.profile = json;
        self
    }

    pub const fn trunk(mut self, json: &'static str) -> Self {
        self.trunk = json;
        self
    }

    pub const fn credentials(mut self, json: &'static str) -> Self {
        self.credentials = json;
        self
    }

    pub const fn beside(mut self, json: &'static str) -> Self {
        self.beside = json;
        self
    }

    pub const fn seen(mut self, seen: Seen) -> Self {
        self.seen = seen;
        self
    }
}

/// Reads a piece of JSON of the table.
#[track_caller]
pub fn parsed(text: &str) -> Value {
    if text.is_empty() { json!({}) } else { serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}")) }
}
