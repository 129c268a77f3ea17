//! Requests that the edge sends.

use std::net::SocketAddr;
use std::time::Duration;

use ua::Instant;

use super::transactions::{Kind, TIMER_F, Transaction};
use super::{Model, Want};
use crate::report::Rule;
use crate::seen::{Seen, param};
use crate::trace::{Hash, Line};

/// RFC 3261 17.1.2.2: nothing is sent again sooner than after T1, by a clock of ticks.
const SOONEST: Duration = Duration::from_millis(499);
/// carriers.md, back-off: at most one try per such a span once the binding has lapsed and the carrier does not answer.
const DARK_SPAN: Duration = Duration::from_secs(30);
/// An attempt ends within so long: a few addresses, each with its timer F.
const ATTEMPT: Duration = Duration::from_secs(120);
/// carriers.md B8.
const JUMP: u32 = 1_000;
/// carriers.md F15.
const NAMED_JUMP: u32 = 100_000;

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The carrier.
    pub carrier: usize,
    /// Its address, by number.
    pub node: usize,
    /// The address.
    pub to: SocketAddr,
    /// So many copies arrive.
    pub copies: u8,
}

impl Model {
    /// Takes a request that the edge sends.
    pub fn sent(&mut self, now: Instant, way: Way, seen: &Seen<'_>, bytes: &[u8]) {
        let mut print = Hash::default();
        print.take(bytes);
        let print = print.value();
        self.report.datagrams += 1;
        let known = self.transactions.at(seen.branch).is_some();
        let (trunk, kind, again) = if known { self.again(now, way, seen, print) } else { self.begins(now, way, seen, print) };
        if let Some(trunk) = trunk {
            let nc = seen.answers.first().and_then(|answer| u32::from_str_radix(param(answer, "nc")?, 16).ok());
            self.trace.write(now, trunk, Line::Sent { what: kind.name(), cseq: seen.cseq, again, nc, node: way.node, copies: way.copies });
            self.trunks[trunk].acted_at = now;
        }
        match kind {
            Kind::Bind | Kind::Remove => {
                let pace = &mut self.paces[way.carrier];
                let (in_a_second, limit) = (pace.datagram(now), pace.limit());
                self.report.busiest_second = self.report.busiest_second.max(in_a_second as u64);
                if in_a_second > limit {
                    let what = format!(
                        "{in_a_second} REGISTER datagrams within a second at carrier {}, {limit} allowed ({} transactions open)",
                        way.carrier,
                        self.paces[way.carrier].open()
                    );
                    self.violated(now, Rule::Pacing, trunk, what);
                }
            }
            Kind::Probe | Kind::Other => {}
        }
    }

    fn again(&mut self, now: Instant, way: Way, seen: &Seen<'_>, print: u64) -> (Option<usize>, Kind, u32) {
        let Some(transaction) = self.transactions.at(seen.branch) else { return (None, Kind::Other, 0) };
        transaction.again += 1;
        let (trunk, kind, again) = (transaction.trunk, transaction.kind, transaction.again);
        let (age, answered) = (now.since(transaction.first_at), transaction.answered);
        let fault = if transaction.print != print || transaction.to != way.to {
            Some("is not the datagram that was sent first, or goes elsewhere".to_owned())
        } else if age > TIMER_F || age < SOONEST {
            Some(format!("comes {age:?} after the first"))
        } else if answered {
            Some("follows the final answer".to_owned())
        } else {
            None
        };
        if kind != Kind::Other {
            self.report.retransmissions += 1;
        }
        if let Some(fault) = fault {
            self.violated(now, Rule::Retransmission, trunk, format!("a retransmission of CSeq {} {fault}", seen.cseq));
        }
        (trunk, kind, again)
    }

    fn begins(&mut self, now: Instant, way: Way, seen: &Seen<'_>, print: u64) -> (Option<usize>, Kind, u32) {
        let trunk = self.roster.by_user(seen.user).filter(|_| seen.method == "REGISTER");
        let kind = trunk.map_or(Kind::Other, |trunk| self.kind_of(trunk, seen));
        let fresh_digest = trunk.is_some_and(|trunk| self.check_digests(now, way, trunk, kind, seen));
        let transaction = Transaction {
            trunk,
            kind,
            print,
            to: way.to,
            first_at: now,
            again: 0,
            cseq: seen.cseq,
            answered: false,
            asked: seen.expires.unwrap_or(0),
            contact: seen.contact().into(),
            fresh_digest,
            digest: !seen.answers.is_empty(),
        };
        let before = self.transactions.begin(seen.branch, seen.call_id, transaction);
        if before.is_some_and(|before| before >= seen.cseq) {
            self.violated(now, Rule::CSeq, trunk, format!("CSeq {} after {before:?} of Call-ID {}", seen.cseq, seen.call_id));
        }
        if let Some(trunk) = trunk {
            self.report.registers += 1;
            if kind != Kind::Probe {
                self.registers(now, way, trunk, kind, seen);
            }
        }
        (trunk, kind, 0)
    }

    /// A verification has a Call-ID of its own; the registration keeps its one.
    fn kind_of(&mut self, trunk: usize, seen: &Seen<'_>) -> Kind {
        let watched = &mut self.trunks[trunk];
        let own = watched.call_id.as_deref() == Some(seen.call_id);
        let probes = watched.probe_call_id.as_deref() == Some(seen.call_id);
        if probes || seen.contacts.is_empty() || (watched.verifying && !own && watched.call_id.is_some() && seen.cseq == 1) {
            watched.probe_call_id = Some(seen.call_id.into());
            return Kind::Probe;
        }
        if seen.removes() { Kind::Remove } else { Kind::Bind }
    }

    /// A request of the registration itself.
    fn registers(&mut self, now: Instant, way: Way, trunk: usize, kind: Kind, seen: &Seen<'_>) {
        self.check_resume(now, trunk, seen);
        let pace = &mut self.paces[way.carrier];
        if self.trunks[trunk].open.replace(seen.branch.into()).is_some() {
            pace.ends();
        }
        let (too_many, open) = (pace.begins(), pace.open());
        if too_many {
            self.violated(now, Rule::InFlight, Some(trunk), format!("{open} transactions without an answer at carrier {}", way.carrier));
        }
        self.lapse(now, trunk);
        let watched = &mut self.trunks[trunk];
        watched.call_id = Some(seen.call_id.into());
        let continues = watched.answered_at == Some(now);
        let first = watched.first_try.is_none();
        watched.first_try.get_or_insert(now);
        if kind == Kind::Remove && !continues {
            watched.removal_at = Some(now);
        }
        let (want, held, riding) = (watched.want, watched.held, watched.riding);
        if want == Want::Gone {
            self.violated(now, Rule::Withdrawn, Some(trunk), format!("a REGISTER of a trunk that is gone, CSeq {}", seen.cseq));
        }
        if held && !riding && kind == Kind::Bind {
            self.violated(now, Rule::Held, Some(trunk), format!("CSeq {} of a registration that is held", seen.cseq));
        }
        if first && !continues && kind == Kind::Bind {
            self.check_early(now, trunk);
        }
        if !continues {
            self.check_dark(now, way, trunk);
        }
    }

    /// What is bound is not renewed before it is due: 40 % of the granted time at the soonest (carriers.md B4).
    fn check_early(&mut self, now: Instant, trunk: usize) {
        let watched = &self.trunks[trunk];
        let Some(grant) = &watched.grant else { return };
        let due = grant.sent_at + grant.time * 2 / 5;
        // What was ordered during an attempt is done after it.
        let ordered = watched.ordered_at.is_some_and(|at| at + ATTEMPT >= grant.sent_at);
        let unclean = watched.unclean_at.is_some_and(|at| at >= grant.sent_at);
        if now < due && grant.time >= Duration::from_secs(20) && !ordered && !unclean && !watched.verifying {
            let what = format!("renewed {:?} after a grant of {:?}", now.since(grant.sent_at), grant.time);
            self.violated(now, Rule::EarlyRefresh, Some(trunk), what);
        }
    }

    fn check_dark(&mut self, now: Instant, way: Way, trunk: usize) {
        let Some(dark_since) = self.darkness[way.carrier].lost_since() else { return };
        let nodes = self.facts[way.carrier].nodes;
        let watched = &mut self.trunks[trunk];
        if watched.grant.is_some() {
            watched.tries.clear();
            return;
        }
        let from = watched.ordered_at.map_or(dark_since, |at| at.max(dark_since));
        watched.tries.push_back(now);
        while watched.tries.front().is_some_and(|&at| now.since(at) >= DARK_SPAN || at <= from) {
            watched.tries.pop_front();
        }
        let tries = watched.tries.len();
        self.report.tries_in_the_dark = self.report.tries_in_the_dark.max(tries as u64);
        if tries > nodes {
            self.violated(now, Rule::DarkTries, Some(trunk), format!("{tries} tries within 30 s at a carrier that does not answer"));
        }
    }

    /// Checks every digest; tells whether one answers a challenge of this very attempt.
    fn check_digests(&mut self, now: Instant, way: Way, trunk: usize, kind: Kind, seen: &Seen<'_>) -> bool {
        let mut fresh = false;
        for answer in &seen.answers {
            let realm = param(answer, "realm").unwrap_or_default();
            if self.facts[way.carrier].realm.as_deref().is_some_and(|pinned| pinned != realm) {
                self.violated(now, Rule::Realm, Some(trunk), format!("a digest for realm {realm:?}"));
            }
            let count = param(answer, "nc").map_or(Some(0), |nc| u32::from_str_radix(nc, 16).ok()).unwrap_or(0);
            let mut faults = Vec::new();
            match self.digests.nonce(param(answer, "nonce").unwrap_or_default()) {
                None => faults.push((Rule::UnaskedChallenge, "a digest over a nonce that nobody asked for".to_owned())),
                Some(nonce) => {
                    fresh |= nonce.came_at == now;
                    if nonce.trunk != trunk || nonce.target != way.to {
                        faults.push((
                            Rule::UnaskedChallenge,
                            format!("a digest to {} over a nonce that trunk {} had from {}", way.to, nonce.trunk, nonce.target),
                        ));
                    }
                    if count > 0 && count <= nonce.count {
                        faults.push((Rule::NonceCount, format!("nonce count {count} after {}", nonce.count)));
                    }
                    nonce.count = count;
                }
            }
            for (rule, what) in faults {
                self.violated(now, rule, Some(trunk), what);
            }
        }
        if fresh {
            self.check_budget(now, trunk, kind);
        }
        fresh
    }

    /// carriers.md: at most 3 failed digests in 10 minutes per user name, one of them for a person's verification; two hold a version.
    fn check_budget(&mut self, now: Instant, trunk: usize, kind: Kind) {
        let failed = self.digests.failures(now, trunk);
        let watched = &self.trunks[trunk];
        let by_person = kind == Kind::Probe || watched.riding || watched.released;
        // What was accepted when it was used last is not held for what failed before that.
        let allowed = if by_person || watched.proven { 3 } else { 2 };
        if failed >= allowed {
            self.violated(now, Rule::Budget, Some(trunk), format!("a digest after {failed} that failed within 10 minutes"));
        }
        let watched = &self.trunks[trunk];
        if !by_person && watched.failed_digests >= 2 && watched.want == Want::Kept {
            let what = format!("a digest of a version that failed {} times", watched.failed_digests);
            self.violated(now, Rule::Budget, Some(trunk), what);
        }
    }

    /// The first request after a restart goes on where the kept state ends.
    fn check_resume(&mut self, now: Instant, trunk: usize, seen: &Seen<'_>) {
        let Some(resumed) = self.trunks[trunk].resumed.take() else { return };
        let expected = if resumed.clean { resumed.cseq + 1 } else { resumed.cseq + JUMP + 1 };
        if *resumed.call_id != *seen.call_id {
            return self.violated(now, Rule::Resume, Some(trunk), format!("Call-ID {} after {}", seen.call_id, resumed.call_id));
        }
        if seen.cseq != expected && seen.cseq < expected + NAMED_JUMP {
            return self.violated(
                now,
                Rule::Resume,
                Some(trunk),
                format!("CSeq {} after a restart at {}, {expected} expected", seen.cseq, resumed.cseq),
            );
        }
        if !resumed.clean {
            self.report.jumps += 1;
            if !seen.answers.is_empty() {
                self.violated(now, Rule::Resume, Some(trunk), "a remembered nonce was used after an unclean restart".to_owned());
            }
        }
    }
}
