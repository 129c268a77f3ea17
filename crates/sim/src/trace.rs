//! What happened: as a number to compare, and as the last lines of each trunk to read.

use std::collections::VecDeque;
use std::fmt;

use ua::{Instant, RegistrationState};

/// So many lines are kept of each trunk.
const LINES: usize = 40;
/// So many of one that is traced.
const TRACED_LINES: usize = 100_000;

/// Writes a time as hours, minutes and seconds since the beginning.
pub fn clock(at: Instant) -> String {
    let micros = at.since(crate::world::BEGINNING).as_micros();
    let seconds = micros / 1_000_000;
    format!("{:02}:{:02}:{:02}.{:03}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros / 1_000 % 1_000)
}

/// A hash over everything that happened. Names a run; protects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Hash(0xCBF2_9CE4_8422_2325)
    }
}

impl Hash {
    /// Takes bytes in, eight at a time.
    pub fn take(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        let mut last = [0; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.mix(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }

    /// Takes a number in.
    pub fn mix(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }

    /// Returns the hash so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// Something that happened to a trunk.
#[derive(Clone, Debug)]
pub enum Line {
    /// The edge sent a request.
    Sent {
        /// REGISTER, or what a REGISTER is for.
        what: &'static str,
        /// Its CSeq.
        cseq: u32,
        /// How often it was sent before.
        again: u32,
        /// The nonce count of its Authorization.
        nc: Option<u32>,
        /// To this address of the carrier.
        node: usize,
        /// So many copies arrive.
        copies: u8,
    },
    /// An answer reached the edge.
    Came {
        /// Its code.
        code: u16,
        /// The CSeq that it answers.
        cseq: u32,
        /// The seconds that it grants.
        granted: Option<u32>,
        /// It says `stale=true`.
        stale: bool,
    },
    /// The edge told its state.
    Told {
        /// The state.
        state: RegistrationState,
        /// A binding runs.
        bound: bool,
        /// Failures running.
        failures: u32,
        /// When it acts next.
        next: Option<Instant>,
    },
    /// The control plane, the operator or the edge itself did something.
    Noted(String),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Sent { what, cseq, again, nc, node, copies } => {
                write!(f, "-> {what} CSeq {cseq} to node {node}")?;
                if let Some(nc) = nc {
                    write!(f, ", digest nc {nc}")?;
                }
                if *again > 0 {
                    write!(f, ", retransmission {again}")?;
                }
                match copies {
                    0 => f.write_str(" (lost)"),
                    1 => Ok(()),
                    more => write!(f, " (arrives {more} times)"),
                }
            }
            Line::Came { code, cseq, granted, stale } => {
                write!(f, "<- {code} to CSeq {cseq}")?;
                if let Some(granted) = granted {
                    write!(f, ", grants {granted} s")?;
                }
                if *stale { f.write_str(", stale") } else { Ok(()) }
            }
            Line::Told { state, bound, failures, next } => {
                write!(f, "   {state:?}{}", if *bound { ", bound" } else { "" })?;
                if *failures > 0 {
                    write!(f, ", {failures} failures")?;
                }
                next.map_or(Ok(()), |next| write!(f, ", next at {}", clock(next)))
            }
            Line::Noted(what) => write!(f, "   * {what}"),
        }
    }
}

/// The last lines of each trunk, and the hash of all.
#[derive(Debug)]
pub struct Trace {
    lines: Vec<VecDeque<(Instant, Line)>>,
    traced: Option<usize>,
    /// Over all that crossed the network or was told.
    pub hash: Hash,
}

impl Trace {
    /// Begins to trace so many trunks, one of them at length.
    pub fn new(trunks: usize, traced: Option<usize>) -> Self {
        Trace { lines: vec![VecDeque::new(); trunks], traced, hash: Hash::default() }
    }

    /// Writes a line of a trunk.
    pub fn write(&mut self, now: Instant, trunk: usize, line: Line) {
        let Some(lines) = self.lines.get_mut(trunk) else { return };
        let most = if self.traced == Some(trunk) { TRACED_LINES } else { LINES };
        if lines.len() == most {
            lines.pop_front();
        }
        lines.push_back((now, line));
    }

    /// Returns the last lines of a trunk, to be read.
    pub fn of(&self, trunk: usize) -> Vec<String> {
        self.lines.get(trunk).map(|lines| lines.iter().map(|(at, line)| format!("{} {line}", clock(*at))).collect()).unwrap_or_default()
    }
}
