//! What came of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ua::Instant;

/// What came of a run. Shown, it is a summary, and what was broken with the last lines of the trunk.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The plan's seed.
    pub seed: u64,
    /// So many trunks.
    pub trunks: u32,
    /// So long in simulated time.
    pub simulated: Duration,
    /// The same plan gives the same.
    pub trace_hash: u64,
    /// Everything that happened, by count.
    pub events: u64,
    /// Datagrams that the edge sent.
    pub datagrams: u64,
    /// REGISTER requests, retransmissions not counted.
    pub registers: u64,
    /// REGISTER datagrams that were retransmissions.
    pub retransmissions: u64,
    /// Bindings granted.
    pub granted: u64,
    /// Bindings that lapsed.
    pub lapses: Lapses,
    /// Verifications that ended, and how many of them proved a secret.
    pub verified: (u64, u64),
    /// Versions rolled back.
    pub rolled_back: u64,
    /// Registrations that were held.
    pub held: u64,
    /// Restarts in order, and others.
    pub restarts: (u64, u64),
    /// Registrations that went on after an unclean restart by a CSeq that jumped.
    pub jumps: u64,
    /// Forged answers that reached the edge.
    pub forged: u64,
    /// The most REGISTER datagrams that a carrier was sent within one second.
    pub busiest_second: u64,
    /// The most attempts of one trunk within 30 s while its carrier was dark and its binding had lapsed.
    pub tries_in_the_dark: u64,
    /// From the end of the first part until every trunk was bound.
    pub healed_after: Option<Duration>,
    /// What each carrier is like, in words.
    pub carriers: Vec<String>,
    /// Broken rules; the first few of each.
    pub violations: Vec<Violation>,
    /// How often each rule was broken.
    pub broken: BTreeMap<Rule, u64>,
    /// What went wrong in the world and how it ended, in words, in the order of time.
    pub story: Vec<String>,
    /// All lines of the trunk that the plan traces, but for the oldest of very many.
    pub traced: Vec<String>,
}

/// Bindings that lapsed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lapses {
    /// The carrier could not be reached.
    pub unreachable: u64,
    /// The carrier refused, or the secret was wrong.
    pub refused: u64,
    /// The edge was down.
    pub down: u64,
    /// The refresh began in time, and the weather took every try.
    pub weather: u64,
    /// The refresh began too late, or not at all: a violation.
    pub late: u64,
}

impl Lapses {
    /// Adds those of another run.
    pub fn add(&mut self, other: Lapses) {
        self.unreachable += other.unreachable;
        self.refused += other.refused;
        self.down += other.down;
        self.weather += other.weather;
        self.late += other.late;
    }

    /// Counts them all.
    pub fn total(&self) -> u64 {
        self.unreachable + self.refused + self.down + self.weather + self.late
    }
}

/// What must never happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A retransmission is the same datagram to the same address, within 32 s, and none follows a final answer.
    Retransmission,
    /// CSeq rises within a Call-ID.
    CSeq,
    /// A digest is sent for the pinned realm only.
    Realm,
    /// A digest answers a challenge that was asked for, of the same target.
    UnaskedChallenge,
    /// The count of a nonce rises.
    NonceCount,
    /// Failed digests stay within the budget.
    Budget,
    /// A held version is not tried.
    Held,
    /// REGISTER datagrams per second.
    Pacing,
    /// Transactions in flight.
    InFlight,
    /// A refresh begins before the lapse, in time to be repeated.
    LateRefresh,
    /// A binding is not renewed long before it is due.
    EarlyRefresh,
    /// A registration acts, or waits for a time, or is held with a reason.
    Forgotten,
    /// What the edge believes bound is bound at the carrier.
    Belief,
    /// A status tells of a binding that was granted.
    Status,
    /// A restart goes on with Call-ID and CSeq.
    Resume,
    /// At most one try per 30 s and trunk while its carrier is dark and nothing is bound.
    DarkTries,
    /// A forged answer belongs to nothing.
    Forged,
    /// A withdrawn trunk leaves, and sends nothing after.
    Withdrawn,
    /// When all is well again everything is bound within a bound of time.
    Healed,
}

/// A broken rule.
#[derive(Clone, Debug)]
pub struct Violation {
    /// When.
    pub at: Instant,
    /// Which rule.
    pub rule: Rule,
    /// Whose.
    pub trunk: Option<usize>,
    /// In words.
    pub what: String,
    /// The trunk's last lines.
    pub trace: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}: {} trunks, {:.1} h simulated, {} events, trace {:016x}",
            self.seed,
            self.trunks,
            self.simulated.as_secs_f64() / 3600.0,
            self.events,
            self.trace_hash
        )?;
        writeln!(
            f,
            "  sent       {} datagrams, {} REGISTER requests, {} retransmissions",
            self.datagrams, self.registers, self.retransmissions
        )?;
        let Lapses { unreachable, refused, down, weather, late } = self.lapses;
        writeln!(
            f,
            "  bindings   {} granted, {} lapsed (unreachable {unreachable}, refused {refused}, edge down {down}, weather {weather}, late {late})",
            self.granted,
            self.lapses.total()
        )?;
        writeln!(
            f,
            "  secrets    {} verified, {} proved, {} rolled back, {} held",
            self.verified.0, self.verified.1, self.rolled_back, self.held
        )?;
        writeln!(
            f,
            "  edge       {} clean and {} unclean restarts, {} registrations went on by a jump, busiest second {} REGISTER datagrams, {} forged answers",
            self.restarts.0, self.restarts.1, self.jumps, self.busiest_second, self.forged
        )?;
        match self.healed_after {
            Some(after) => writeln!(f, "  healed     everything bound {:.0} s after the faults ended", after.as_secs_f64())?,
            None => writeln!(f, "  healed     no")?,
        }
        if self.broken.is_empty() {
            return writeln!(f, "  rules      none broken");
        }
        self.carriers.iter().try_for_each(|carrier| writeln!(f, "  carrier    {carrier}"))?;
        writeln!(f, "  broken     {:?}", self.broken)?;
        self.violations.iter().try_for_each(|violation| writeln!(f, "\n{violation}"))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.at, self.rule)?;
        if let Some(trunk) = self.trunk {
            write!(f, " trunk {trunk}")?;
        }
        writeln!(f, ": {}", self.what)?;
        self.trace.iter().try_for_each(|line| writeln!(f, "    {line}"))
    }
}
