//! A stranger who forges answers (carriers.md N11).

use std::time::Duration;

use ua::{Input, Local};

use super::{Happening, World};
use crate::chance::Chance;
use crate::report::Rule;

/// What it has overheard, and its chance. It knows a request of some time ago, but for one thing that every answer must have.
#[derive(Debug)]
pub struct Forger {
    chance: Chance,
    overheard: Vec<u8>,
}

impl Forger {
    /// Makes a forger.
    pub fn new(seed: u64) -> Self {
        Forger { chance: Chance::new(seed, "forger"), overheard: Vec::new() }
    }

    /// Overhears a request now and then.
    pub fn overhears(&mut self, request: &[u8]) {
        if self.overheard.is_empty() || self.chance.happens(0.2) {
            self.overheard.clear();
            self.overheard.extend_from_slice(request);
        }
    }

    /// Forges an answer that is wrong in one thing of four; beyond those in none.
    fn forge(&mut self, wrong: usize) -> Vec<u8> {
        let random = self.chance.bits();
        let start = self.chance.pick(&[
            "200 OK",
            "401 Unauthorized",
            "403 Forbidden",
            "503 Service Unavailable",
            "423 Interval Too Brief",
            "100 Trying",
        ]);
        let mut answer = format!("SIP/2.0 {start}\r\n");
        let request = String::from_utf8_lossy(&self.overheard).into_owned();
        for line in request.lines() {
            let changed = match line.split_once(": ") {
                Some(("Via", value)) if wrong == 0 => {
                    let head = value.split("z9hG4bK").next().unwrap_or_default();
                    format!("Via: {head}z9hG4bK{random:016x}{:016x}", self.chance.bits())
                }
                Some(("From", value)) if wrong == 1 => {
                    format!("From: {};tag={random:016x}", value.split(";tag=").next().unwrap_or_default())
                }
                Some(("Call-ID", _)) if wrong == 2 => format!("Call-ID: {random:032x}"),
                Some(("CSeq", value)) if wrong == 3 => {
                    let (number, method) = value.split_once(' ').unwrap_or_default();
                    format!(
                        "CSeq: {} {method}",
                        number.parse::<u32>().unwrap_or(0).wrapping_add(1 + u32::try_from(random % 5).unwrap_or(0))
                    )
                }
                Some(("Via" | "From" | "To" | "Call-ID" | "CSeq", _)) => line.to_owned(),
                Some(("Contact", value)) if start == "200 OK" => {
                    format!("Contact: {}99999", value.trim_end_matches(|c: char| c.is_ascii_digit()))
                }
                _ => continue,
            };
            answer.push_str(&changed);
            answer.push_str("\r\n");
        }
        answer.push_str("WWW-Authenticate: Digest realm=\"c0.sim\", nonce=\"forged\", algorithm=MD5, qop=\"auth\"\r\n");
        answer.push_str("Retry-After: 3600\r\nMin-Expires: 86400\r\nContent-Length: 0\r\n\r\n");
        answer.into_bytes()
    }
}

impl World {
    /// A forged answer reaches the edge: it must belong to nothing.
    pub(super) fn forge(&mut self) {
        let gap = Duration::from_secs(1) / self.plan.forged_per_second.max(1);
        self.agenda.note(self.now + gap, Happening::Forge);
        if self.forger.overheard.is_empty() {
            return;
        }
        let wrong = self.forger.chance.below(4);
        self.forge_one(wrong);
    }

    pub(super) fn forge_one(&mut self, wrong: usize) {
        let bytes = self.forger.forge(wrong);
        let Some(endpoint) = self.endpoint.0.as_mut() else { return };
        let source = self.lab.carriers[0].nodes[0].address;
        let before = endpoint.counters().strangers;
        endpoint.handle(self.now, Input::Datagram { local: Local(0), source, bytes: &bytes });
        let taken = endpoint.counters().strangers == before;
        self.model.report.forged += 1;
        if taken {
            self.model.violated(self.now, Rule::Forged, None, String::from_utf8_lossy(&bytes).into_owned());
        }
    }
}
