//! What Kamailio saw of each REGISTER, read from the lines that its configuration logs.

use super::super::digest::parameter;

/// What Kamailio's digest check said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The digest was right.
    Proved,
    /// A digest over a good nonce was wrong.
    WrongDigest,
    /// The nonce had expired.
    StaleNonce,
    /// There was no digest.
    Unanswered,
    /// The nonce count did not rise.
    ReusedCount,
    /// The user does not exist.
    UnknownUser,
    /// Anything else.
    Other(i32),
}

/// One REGISTER transaction.
#[derive(Clone, Debug)]
pub struct Register {
    /// Seconds since 1970, to the microsecond.
    pub at: f64,
    /// What it came over: `udp`, `tcp`, `tls`, `ws`, `wss`.
    pub transport: String,
    /// The port that it came from: a connection's, where it came over one.
    pub port: u16,
    /// The user part of To.
    pub user: String,
    /// What the digest check said.
    pub outcome: Outcome,
    /// Call-ID.
    pub call_id: String,
    /// CSeq.
    pub cseq: u32,
    /// The whole Contact header; none for a query of bindings.
    pub contact: Option<String>,
    /// The whole Authorization header.
    pub authorization: Option<String>,
}

impl Register {
    /// The nonce that it answers.
    pub fn nonce(&self) -> Option<&str> {
        parameter(self.authorization.as_deref()?, "nonce")
    }

    /// The nonce count of its digest.
    pub fn nonce_count(&self) -> Option<u32> {
        u32::from_str_radix(parameter(self.authorization.as_deref()?, "nc")?, 16).ok()
    }

    /// Whether it changes a binding; without a Contact it only asks.
    pub fn binds(&self) -> bool {
        self.contact.is_some()
    }
}

/// Begins each such line; the fields follow, a bar between them.
pub const MARK: &str = "seen-register|";

/// All lines of a log, in order.
pub fn parse(log: &str) -> Vec<Register> {
    log.lines().filter_map(|line| line.split_once(MARK)).map(|(_, fields)| register(fields)).collect()
}

fn register(fields: &str) -> Register {
    let mut parts = fields.splitn(9, '|');
    let mut next = || parts.next().unwrap_or_else(|| panic!("a field is missing: {fields}"));
    let at = next().parse().expect("a time");
    let transport = next().to_ascii_lowercase();
    let port = next().parse().expect("a port");
    let user = next().to_owned();
    let outcome = outcome(next().parse().expect("a code"));
    let call_id = next().to_owned();
    let cseq = next().parse().expect("a CSeq");
    let given = |text: &str| (!text.is_empty() && text != "<null>").then(|| text.to_owned());
    Register { at, transport, port, user, outcome, call_id, cseq, contact: given(next()), authorization: given(next()) }
}

/// The codes of `pv_www_authenticate`; 404 is our own configuration's.
fn outcome(code: i32) -> Outcome {
    match code {
        1 => Outcome::Proved,
        -2 => Outcome::WrongDigest,
        -4 => Outcome::StaleNonce,
        -5 => Outcome::Unanswered,
        -6 => Outcome::ReusedCount,
        404 => Outcome::UnknownUser,
        other => Outcome::Other(other),
    }
}
